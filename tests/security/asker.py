"""Alice and Bob, who must never be taken for each other."""

import pytest

from client import COOKIE_NAME


class Asker:
    """Somebody who is signed in, and the token that Django must see for him."""

    def __init__(self, site, user, password):
        self.cookie = site.signed_in(user, password).cookie
        self.token = site.backend.issued("access", user)[-1]["token"].encode()

    def fields(self, *more):
        return [("Sec-Fetch-Site", "same-origin"), ("Cookie", f"{COOKIE_NAME}={self.cookie}"), *more]


@pytest.fixture(scope="module")
def alice(site):
    return Asker(site, "alice", "wonderland")


@pytest.fixture(scope="module")
def bob(site):
    return Asker(site, "bob", "builder")
