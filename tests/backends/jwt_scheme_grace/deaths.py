"""A process that dies in the middle of a refresh, without a word, as in a power cut. Or is slow."""

import os
import signal
import time

from django.conf import settings
from django.db.models.signals import post_save
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken


def die_if_told(kind):
    """The file goes first, so that one process dies of it."""
    try:
        os.unlink(settings.DATA_DIR / f"die-{kind}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def blacklisted(**_):
    die_if_told("before-commit")


HOLD_MAX_S = 30


def hold_while_told():
    until = time.monotonic() + HOLD_MAX_S
    while (settings.DATA_DIR / "hold").exists() and time.monotonic() < until:
        time.sleep(0.01)


class Deaths:
    """
    die-before-commit   everything is written, nothing committed
    die-after-commit    everything is committed, nothing answered
    hold                everything is committed; it is answered when the file is gone
    """

    def __init__(self, get_response):
        self.get_response = get_response
        post_save.connect(blacklisted, sender=BlacklistedToken)

    def __call__(self, request):
        response = self.get_response(request)
        if request.path.endswith("/refresh/"):
            die_if_told("after-commit")
            hold_while_told()
        response["X-Worker"] = str(os.getpid())
        return response
