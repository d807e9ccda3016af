"""Append-only files of JSON lines, written by many threads of several processes."""

import json
import os


def append(path, entry):
    """One write() with O_APPEND for a whole line: lines never mix. No path, no log."""
    if not path:
        return
    line = json.dumps(entry).encode() + b"\n"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)
