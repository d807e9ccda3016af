"""What the shipped nginx configuration refuses, whatever Django or the browser say."""

import pytest

from fullsite import LOGIN, REFRESH, REVOKE, running
from until import until

SITE = {}


@pytest.fixture
def without_bffd(site):
    site.stack.bffd.stop()
    yield site
    site.stack.bffd.start()


def said_by_the_worker(answer):
    words = {"authorization", "cookie", "attach", "x-csrftoken", "note"}
    return words & {name.lower() for name, _ in answer.fields}


ODDLY_SPELT = [
    LOGIN[:-1],
    "/api//token/",
    "/api/%74oken/",
    "/api/x/../token/",
    "/api/./token/refresh/",
]


@pytest.mark.parametrize("path", [LOGIN, REFRESH, REVOKE, *ODDLY_SPELT])
@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed in"])
def test_the_token_endpoints_are_out_of_reach(site, path, signed_in):
    browser = site.signed_in() if signed_in else site.browser()
    calls = site.backend.calls_from_now()
    answer = browser.post(path, {"username": "alice", "password": "wonderland", "refresh": "x"})
    assert answer.status in (400, 401, 403, 404), answer
    assert calls.all() == []


def test_the_blacklist_and_control_paths_outside_api_are_out_of_reach(site):
    browser = site.signed_in()
    assert browser.post("/test/revoke-access/", {}).status in (404, 405)
    assert browser.get("/api/whoami/").status == 200


@pytest.mark.parametrize("path", ["/_bff/auth", "/_bff/", "/@bff_401", "/@bff_retry"])
def test_internal_locations_cannot_be_asked_from_outside(site, path):
    answer = site.signed_in().get(path)
    assert not said_by_the_worker(answer)
    assert answer.status == 404 or answer.header("Content-Type").startswith("text/html")


def test_set_cookie_of_django_does_not_come_back(site):
    answer = site.signed_in().get("/api/hostile/")
    assert answer.status == 200
    assert answer.json() == {"hostile": True}
    assert not answer.all("Set-Cookie")


def test_x_accel_headers_of_django_steer_nothing_and_do_not_come_back(site):
    answer = site.signed_in().get("/api/hostile/")
    assert answer.json() == {"hostile": True}  # and not what X-Accel-Redirect names
    assert not [name for name, _ in answer.fields if name.lower().startswith("x-accel")]
    assert "utf-7" not in (answer.header("Content-Type") or "")


def test_hostile_headers_do_not_pass_on_a_replay_either(site):
    browser = site.signed_in()
    site.backend.revoke_access("alice")
    answer = browser.get("/api/hostile/")
    assert (answer.status, answer.json()) == (200, {"hostile": True})
    assert not answer.all("Set-Cookie")
    assert not [n for n, _ in answer.fields if n.lower().startswith("x-accel")]
    assert answer.header("Authorization") is None


@pytest.mark.parametrize("path", ["/api/whoami/", "/bff/session"])
def test_without_bffd_the_answer_is_json_that_keeps_the_cookie(without_bffd, path):
    calls = without_bffd.backend.calls_from_now()
    answer = without_bffd.browser("A" * 43).get(path)
    assert answer.status == 503, answer
    assert answer.code
    assert int(answer.header("Retry-After")) >= 1
    assert not answer.all("Set-Cookie")
    assert calls.all() == []


def test_without_bffd_signing_in_is_a_503_of_json(without_bffd):
    calls = without_bffd.backend.calls_from_now()
    answer = without_bffd.browser().sign_in()
    assert answer.status == 503 and answer.code
    assert calls.all() == []


def test_sign_ins_are_rate_limited():
    with running(login_rate=None) as site:
        browser = site.browser()
        refused = until(
            lambda: next(
                (a for a in [browser.sign_in(password="wrong")] if a.status == 429), None
            ),
            20,
            "too many sign-ins are refused",
        )
        calls = site.backend.calls_from_now()
        assert refused.header("Content-Type").startswith("application/problem+json")
        assert refused.header("Retry-After")
        assert not refused.all("Set-Cookie")
        assert len(calls.all()) == 0


def test_an_unknown_endpoint_of_ours_is_a_404_of_json(site):
    answer = site.browser().get("/bff/nothing")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    "method, path", [("GET", "/bff/login"), ("GET", "/bff/logout"), ("POST", "/bff/session")]
)
def test_an_endpoint_of_ours_has_one_method(site, method, path):
    browser = site.signed_in()
    answer = browser.send(method, path, body=b"" if method == "POST" else None)
    assert answer.status == 405
    assert browser.get("/api/whoami/").status == 200


@pytest.mark.parametrize("path", ["/bff/health", "/bff/ready"])
def test_health_is_answered_from_inside(site, path):
    answer = site.browser().get(path)
    assert (answer.status, answer.json()["status"]) == (200, "ok")


def test_a_sign_in_with_a_huge_body_is_refused_before_django(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().post("/bff/login", {"username": "a" * 2_000_000, "password": "b"})
    assert answer.status == 413, answer
    assert calls.all() == []


def test_a_sign_in_with_the_largest_body_goes_to_django(site):
    password = "x" * (64 * 1024 - len('{"username": "alice", "password": ""}'))
    calls = site.backend.calls_from_now()
    answer = site.browser().post("/bff/login", {"username": "alice", "password": password})
    assert answer.status == 401, answer
    assert len(calls.all("/api/token/")) == 1


def test_a_sign_in_with_a_large_body_is_refused_before_django(site):
    calls = site.backend.calls_from_now()
    answer = site.browser().post("/bff/login", {"username": "a" * 70_000, "password": "b"})
    assert answer.status == 413, answer
    assert calls.all() == []


def test_the_page_comes_with_security_headers(site):
    answer = site.browser().get("/")
    assert answer.status == 200
    policy = dict(
        part.strip().split(" ", 1)
        for part in answer.header("Content-Security-Policy").split(";")
    )
    assert policy["frame-ancestors"] == "'none'"
    assert policy.get("script-src", policy["default-src"]) == "'self'"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy")


def test_any_path_of_the_page_is_answered_with_index_html(site):
    browser = site.browser()
    page = browser.get("/")
    assert page.header("Content-Type").startswith("text/html")
    assert browser.get("/tasks/7").body == page.body


def test_a_missing_path_under_api_is_djangos_and_not_the_page(site):
    assert site.signed_in().get("/api/no/such/view/").status == 404
