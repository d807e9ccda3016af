"""
Revoking access tokens that have not expired. Every revocation is one line of an append-only file:
the user's name, or `*`. A token carries the file's length at its birth; what follows concerns it.
"""

import os

from django.conf import settings


def epoch():
    try:
        return os.stat(settings.REVOCATIONS_FILE).st_size
    except FileNotFoundError:
        return 0


def since(born, username):
    if epoch() == born:
        return False
    with open(settings.REVOCATIONS_FILE, "rb") as revocations:
        revocations.seek(born)
        names = revocations.read().decode().splitlines()
    return "*" in names or username in names


def revoke(username=None):
    fd = os.open(settings.REVOCATIONS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, f"{username or '*'}\n".encode())
    finally:
        os.close(fd)
