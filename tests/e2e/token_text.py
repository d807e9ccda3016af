"""What a token says, when it ends, and the search for tokens where none may be."""

import base64
import json
import time

from until import until


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def telling_parts(token):
    """Payload and signature of a JWT, whose header says nothing; an opaque token as a whole."""
    parts = token.encode().split(b".")
    return parts[1:] if len(parts) == 3 else [token.encode()]


def tokens_in(heard, issued):
    """The tokens that can be read in these bytes, wholly or by their telling parts: of each its
    kind, its user, and its `jti`, or the path that issued it."""
    return [
        (token["kind"], token["user"], token.get("jti") or token["path"])
        for token in issued
        if any(part in heard for part in telling_parts(token["token"]))
    ]


def let_expire(token, seconds):
    """Wait until an entry of a ledger is past its `exp`, by every clock involved: bffd counts from
    the Date of an answer, which may be a second behind."""
    expires = token.get("exp") or claims_of(token["token"])["exp"]
    until(lambda: time.time() > expires + 1, seconds, "the token expires")
