"""Append-only files of JSON lines, written by many threads."""

import json
import os


def append(path, entry):
    """One write() with O_APPEND for a whole line: lines never mix. No path, no file."""
    if not path:
        return
    line = json.dumps(entry).encode() + b"\n"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)


def read(path):
    """All complete entries of a file; none if there is no file."""
    try:
        with open(path) as file:
            text = file.read()
    except (FileNotFoundError, TypeError):
        return []
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
