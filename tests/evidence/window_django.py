"""
Settings for the test project of tests/django which note when a refresh token is dead.

    DJANGO_SETTINGS_MODULE=window_django   with this directory on PYTHONPATH
    BFF_TEST_WINDOW_LOG                    file: a JSON line for every token blacklisted, once that
                                           is committed: jti, at
"""

import os
import time

from api import journal
from django.db import transaction
from django.db.models.signals import post_save
from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE


class BlacklistLog:
    """No middleware, but loaded as one: when the models are there."""

    def __init__(self, get_response):
        self._get_response = get_response
        post_save.connect(self._saved, "token_blacklist.BlacklistedToken", weak=False)

    def __call__(self, request):
        return self._get_response(request)

    @staticmethod
    def _saved(instance, **_):
        def note():
            entry = {"jti": instance.token.jti, "at": time.time()}
            journal.append(os.environ["BFF_TEST_WINDOW_LOG"], entry)

        transaction.on_commit(note)


MIDDLEWARE.append("window_django.BlacklistLog")
