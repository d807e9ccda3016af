"""W3C traceparent: a page's trace goes on in what bffd asks Django, and in the log."""

import re

import pytest

from fullsite import LOGIN, REFRESH, REVOKE, FakeBackend

SITE = {"backend": FakeBackend, "env": {"access_seconds": 600}}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
CHILD = re.compile(rf"00-{TRACE}-([0-9a-f]{{16}})-01")


def traceparents(call):
    return [value for name, value in call["headers"] if name.lower() == "traceparent"]


def child_span(calls, path):
    (call,) = calls.all(path)
    (header,) = traceparents(call)
    return CHILD.fullmatch(header)[1]


def test_each_call_of_bffd_is_a_span_of_the_pages_trace(site):
    calls, browser, trace = site.backend.calls_from_now(), site.browser(), {"traceparent": PARENT}
    credentials = {"username": "alice", "password": "wonderland"}
    assert browser.post("/bff/login", credentials, list(trace.items())).status == 200
    site.backend.control(revoke_access=True)
    assert browser.get("/api/whoami/", trace).status == 200
    assert browser.send("POST", "/bff/logout", trace, b"").status == 204
    spans = {child_span(calls, path) for path in (LOGIN, REFRESH, REVOKE)}
    assert len(spans) == 3 and SPAN not in spans
    # What nginx carries goes on as it came: the span is the page's.
    assert [traceparents(call) for call in calls.all("/api/whoami/")] == [[PARENT]] * 2


@pytest.mark.parametrize("event", ["signed_in", "refreshed", "revoked", "signed_out"])
def test_the_log_names_the_trace_beside_the_request(site, event):
    line = site.events(event)[-1]
    assert line["trace_id"] == TRACE and re.fullmatch("[0-9a-f]{32}", line["request_id"])


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", PARENT.upper())],
        [("traceparent", PARENT + "-more")],
        [("traceparent", "x" * 3000)],
        [("traceparent", PARENT), ("traceparent", PARENT)],
    ],
    ids=["none", "zeros", "upper case", "too long", "far too long", "twice"],
)
def test_what_is_no_trace_is_not_passed_on(site, sent):
    calls, browser = site.backend.calls_from_now(), site.browser()
    answer = browser.post("/bff/login", {"username": "alice", "password": "wonderland"}, sent)
    assert answer.status == 200
    (login,) = calls.all(LOGIN)
    assert traceparents(login) == []
    assert "trace_id" not in site.events("signed_in")[-1]
