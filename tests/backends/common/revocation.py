"""
Tokens that are refused before their time, whatever the library: each revoked token that comes in is
exchanged for one that is as good as forged, so that the refusal is the library's own.
"""

import os
import threading

from django.conf import settings

from . import journal, tokens

_lock = threading.Lock()
_known = {"size": 0, "tokens": frozenset()}


def revoke(kind, user=None):
    """All tokens of a kind that have left so far, of one user or of all. How many."""
    gone = {
        entry["token"]
        for entry in journal.read(settings.TOKEN_LOG)
        if entry["kind"] == kind and user in (None, entry["user"])
    }
    for token in gone:
        journal.append(settings.REVOKED_FILE, token)
    return len(gone)


def revoked():
    try:
        size = os.stat(settings.REVOKED_FILE).st_size
    except FileNotFoundError:
        return frozenset()
    with _lock:
        if _known["size"] != size:
            known = frozenset(journal.read(settings.REVOKED_FILE))
            _known.update(size=size, tokens=known)
        return _known["tokens"]


def forged(token):
    """Of the same shape. The last character but one of a signature counts with all its bits."""
    return token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]


def without_revoked(text):
    gone = revoked()
    if not gone:
        return text
    return tokens.CREDENTIAL.sub(
        lambda found: forged(found[0]) if found[0] in gone else found[0], text
    )
