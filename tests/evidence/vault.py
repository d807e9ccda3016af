"""What Redis holds, opened: the records of bff/store/record.c, sealed as bff/codec/seal.h says. It
takes the server key and the session's cookie, which only the client has."""

import base64
import ctypes
import ctypes.util
import hashlib
import struct

import record

KID, NONCE, TAG = 4, 24, 16


def _sodium():
    library = ctypes.CDLL(ctypes.util.find_library("sodium"))
    assert library.sodium_init() >= 0
    return library


def session_hash(cookie):
    return hashlib.blake2b(cookie.encode(), digest_size=16).digest()


def tag_of_hash(found):
    """How bffd's log names a session."""
    return found.hex()[:8]


def session_tag(cookie):
    return tag_of_hash(session_hash(cookie))


def session_key(cookie, prefix="bff:"):
    name = base64.urlsafe_b64encode(session_hash(cookie)).rstrip(b"=").decode()
    return f"{prefix}s:{{{name}}}".encode()


def hash_in_key(name):
    """Of the 22 characters in a session's key."""
    return base64.urlsafe_b64decode(name + b"==")


class Vault:
    def __init__(self, key_file):
        lines = key_file.read_text().splitlines()
        self._keys = [base64.b64decode(line) for line in lines if line and line[0] != "#"]
        self._open = _sodium().crypto_aead_xchacha20poly1305_ietf_decrypt

    def texts(self, stored, cookie):
        """{"access": ...} of a record, or None: it was not sealed for this place."""
        name, field = session_key(cookie), b"record"
        place = struct.pack(">Q", len(name)) + name
        place += struct.pack(">QQ", stored.generation, len(field)) + field
        nonce, closed = stored.sealed[KID : KID + NONCE], stored.sealed[KID + NONCE :]
        plain = ctypes.create_string_buffer(max(len(closed) - TAG, 1))
        for server_key in self._keys:
            label = b"bffd seal v1" + cookie.encode()
            key = hashlib.blake2b(label, key=server_key, digest_size=32).digest()
            failed = self._open(
                plain, None, None, closed, ctypes.c_ulonglong(len(closed)),
                place, ctypes.c_ulonglong(len(place)), nonce, key,
            )  # fmt: skip
            if not failed:
                row = plain.raw[: len(closed) - TAG]
                return {name: text.decode() for name, text in record.texts(row).items()}
        return None
