"""What stands at a session's key (bff/store/record.h), taken apart, and the tokens in it unpacked
(bff/codec/pack.h)."""

import base64
import dataclasses
import re
import uuid
from pathlib import Path

STEPS = Path(__file__).resolve().parents[2] / "bff" / "codec" / "pack_steps.h"
VERSION = 1
STATES = ("idle", "idle", "refreshing", "rejected")  # the first: nothing is left of a refresh
TEXTS = ("access", "refresh", "user_id", "user")
NUMBERS = (
    ("version", 1), ("state", 1), ("generation", 4), ("created", 6), ("seen", 6), ("granted", 6),
    ("access_end", 6), ("refresh_end", 6), ("epoch", 7),
)  # fmt: skip
NAMES = (("commit", 8), ("user", 16), ("device", 2))
REFRESH = (("lease", 6), ("backoff", 6), ("ambiguous", 6), ("fails", 1))
REFRESH_NAMES = (("owner", 8),)
FIELDS_BYTES = sum(size for _, size in NUMBERS + NAMES)

PHRASES = [
    text.replace(b'\\"', b'"') for text in re.findall(rb' X\("(.*)"\)', STEPS.read_bytes())
]
PHRASE, NUMBER, HEX, UUID, BASE64, BASE64_PACKED, BYTES = 128, *range(250, 256)


@dataclasses.dataclass(frozen=True)
class Record:
    """Times are milliseconds since the epoch."""

    version: int
    state: str
    generation: int
    created: int
    seen: int
    granted: int
    access_end: int
    refresh_end: int
    epoch: int
    lease: int
    backoff: int
    ambiguous: int
    fails: int
    owner: bytes
    commit: bytes
    user: bytes
    device: bytes
    sealed: bytes


def _fields(rest, numbers, names):
    found = {}
    for name, size in numbers + names:
        found[name], rest = rest[:size], rest[size:]
    for name, _ in numbers:
        found[name] = int.from_bytes(found[name], "big")
    return found, rest


def read(value):
    found, rest = _fields(value, NUMBERS, NAMES)
    assert found["version"] == VERSION and len(value) > FIELDS_BYTES
    refresh, past = _fields(rest, REFRESH, REFRESH_NAMES)
    if found["state"] == 0:
        refresh, past = dict.fromkeys(refresh, 0) | {"owner": b""}, rest
    found["state"] = STATES[found["state"]]
    return Record(**found, **refresh, sealed=past)


def of(redis, key):
    """The record at a key, or None."""
    value = redis.get(key)
    return value and read(value)


def texts(row):
    """{name: bytes} of what was sealed."""
    found = {}
    for name in TEXTS:
        packed, row = _with_length(row)
        found[name] = _unpacked(packed)
    assert not row
    return found


def _with_length(rest):
    length = shift = 0
    for at, byte in enumerate(rest):
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return rest[at + 1 : at + 1 + length], rest[at + 1 + length :]
    raise AssertionError("a length is cut off")


def _in_base64(text):
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def _unpacked(rest):
    out = b""
    while rest:
        step, rest = rest[0], rest[1:]
        if step < PHRASE:
            out += bytes([step])
        elif step < NUMBER:
            out += PHRASES[step - PHRASE]
        elif step == NUMBER:
            out, rest = out + b"%d" % int.from_bytes(rest[:4], "big"), rest[4:]
        elif step == UUID:
            out, rest = out + str(uuid.UUID(bytes=rest[:16])).encode(), rest[16:]
        else:
            data, rest = _with_length(rest)
            out += {
                HEX: lambda data: data.hex().encode(),
                BASE64: _in_base64,
                BASE64_PACKED: lambda data: _in_base64(_unpacked(data)),
                BYTES: bytes,
            }[step](data)
    return out
