"""Where the end of an access token is written, when not in the token itself: bffd knows it before
the backend has to say 401."""

import datetime

import pytest

from fullsite import REFRESH, FakeBackend, running

COOKIES = {"access": "access", "refresh": "refresh"}


def iso(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z")


def expiry(rule):
    return {"login.access_expiry": rule, "refresh.access_expiry": rule}


IN_COOKIES = {
    **{f"{section}.{kind}": f"cookie:{kind}" for section in ("login", "refresh") for kind in COOKIES},
    "refresh.send": "cookie refresh",
    "revoke.send": "cookie refresh",
    "backend.attach": "cookie access",
}

# What is configured, what tokens look like, and what an answer says of a token of so many seconds.
RULES = {
    "iso-8601": (
        expiry("time json:/access_expiration"),
        {},
        lambda seconds: {"extra": {"access_expiration": iso(seconds)}},
    ),
    "seconds": (
        expiry("seconds json:/expires_in"),
        {},
        lambda seconds: {"extra": {"expires_in": seconds}},
    ),
    "max-age": (
        {**IN_COOKIES, **expiry("max-age")},
        {"cookies": COOKIES},
        lambda seconds: {"cookie_attributes": f"HttpOnly; Path=/; Max-Age={seconds}"},
    ),
    "after": (expiry("after 1s"), {}, lambda seconds: {}),
}


@pytest.fixture(params=RULES, scope="module")
def ruled(request):
    overrides, dialect, told = RULES[request.param]
    with running(FakeBackend, env={"opaque": True, **dialect}, overrides=overrides) as site:
        yield site, told


def test_a_token_that_has_expired_by_its_rule_is_refreshed_before_it_is_used(ruled):
    site, told = ruled
    site.backend.control(settings={"access_seconds": 1, **told(1)})
    browser = site.signed_in()
    site.let_access_expire()
    site.backend.control(settings={"access_seconds": 30, **told(30)})
    calls = site.backend.calls_from_now()
    assert browser.echo()["user"] == "alice"
    assert calls.statuses("/api/echo/") == [200]
    assert calls.statuses(REFRESH) == [200]
