"""bff-mask.conf: a token that Django puts into the body of an API's answer does not reach the page."""

import pytest

from fullsite import FakeBackend, running
from raw_django import RAW, RawDjango
from wire import Wire

WAYS = {
    "header": {},
    "cookie": {"backend.attach": "cookie access"},
    "another header": {"backend.attach": 'header X-Token "$access"'},
}


@pytest.mark.parametrize("way", WAYS)
def test_an_echo_of_the_request_is_without_the_token(way):
    """Without the mask Django's own words pass as they are, its mistakes included."""
    overrides = WAYS[way]
    for mask in (False, True):
        with running(RawDjango, overrides=overrides, env={}, mask=mask) as site:
            browser = site.signed_in()
            access = site.backend.issued("access", "alice")[-1]["token"]
            echoed = f"before {access} and {access} after"
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
            site.backend.say(RAW, answer % (len(echoed), echoed.encode()))
            heard = ask_unheard(site, browser.cookie)
            if mask:
                assert heard == b"before [token] and [token] after"
            else:
                assert heard == echoed.encode()


def ask_unheard(site, cookie):
    """The body, which is left out of the search for tokens at the module's end: it is what is
    searched here."""
    with Wire.to(site) as wire:
        sock = wire.connect()
        sock.heard.clear()
        answer = wire.call("GET", RAW, [("Sec-Fetch-Site", "same-origin"),
                                        ("Cookie", f"__Host-session={cookie}")])
        sock.heard.clear()
        return answer.body


def test_after_a_replay_it_is_the_new_token_that_is_masked():
    with running(FakeBackend, mask=True) as site:
        browser = site.signed_in()
        site.backend.control(revoke_access=True)
        answer = browser.get("/api/echo/", {"Accept-Encoding": "gzip"})
        first, second = (token["token"] for token in site.backend.issued("access", "alice"))
        assert answer.status == 200
        assert answer.json()["headers"]["Authorization"] == "Bearer [token]"
        assert "Accept-Encoding" not in answer.json()["headers"]
        assert first.encode() not in answer.body and second.encode() not in answer.body


def test_the_page_and_calls_without_a_token_are_as_they_are():
    with running(FakeBackend, mask=True) as site:
        assert b"bffd is running" in site.browser().get("/").body
        assert site.browser().get("/api/x").code == "not_authenticated"
        assert site.signed_in().get("/bff/session").json()["authenticated"]
