"""bffd doctor: how it asks, what it says of a backend that is in order, and of a login that is not.
"""

import re
import signal

import pytest

from doctor import Terminal
from fullsite import LOGIN, REFRESH
from patients import PATH, django, fake, fake_backend, live_refresh_tokens, sick  # noqa: F401
from until import until


# A backend that is in order


def test_nothing_has_to_change(django):
    report = django.examine(*PATH)
    assert (report.status, report.changes) == (0, 0), report
    assert report.says("(rotation)", "is dead after the rotation (401)", "the next refresh answers")
    assert report.says("A dead access token is a 401", "clock and ours agree")
    assert report.out.endswith("Nothing to change.\n") and "<-" not in report.lines


def test_no_session_is_left_behind(django):
    before = len(django.backend.all_issued())
    report = django.examine(*PATH)
    assert report.says("every refresh token of this walk is dead")
    assert len(django.backend.all_issued()) > before
    assert live_refresh_tokens(django.backend) == []


def test_what_it_does_not_check_it_says(django):
    report = django.examine()
    assert report.status == 0
    assert report.says("Not checked", "--path", "--try-throttle", "a limit has to be used up")


def test_it_needs_no_key_and_no_redis(django):
    django.write()
    text = django.config.read_text().replace(str(django.key), "/nowhere/key")
    django.config.write_text(text + "\n[redis]\npassword_file = /nowhere/password\nuser = bff\n")
    assert django.examine(config=django.config).status == 0


def test_its_requests_can_be_told_in_the_backends_journal(django):
    calls = django.backend.calls_from_now()
    django.examine()
    assert calls.all() and all(call["request_id"] == "bffd-doctor" for call in calls.all())


def test_the_suggested_lines_are_a_configuration_that_works(django):
    report = django.examine(*PATH)
    django.suggested(report.lines)
    assert django.accepted()
    assert django.examine(*PATH, config=django.config).status == 0


# The questions


def test_on_a_terminal_both_are_asked_for_and_the_password_is_not_shown(django):
    django.write()
    with Terminal(django.command()) as terminal:
        terminal.wait_for("User: ")
        terminal.type("alice\n")
        terminal.wait_for("Password: ")
        terminal.type("wonderland\n")
        assert terminal.end() == 0
        assert b"alice" in terminal.shown and b"Nothing to change." in terminal.shown
        assert b"wonderland" not in terminal.shown and b"eyJ" not in terminal.shown


def test_an_interruption_at_the_password_asks_nothing(django):
    django.write()
    calls = django.backend.calls_from_now()
    with Terminal(django.command("--user", "alice")) as terminal:
        terminal.wait_for("Password: ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 2
    assert calls.all() == []


def test_an_interruption_on_the_way_still_cleans_up(fake):
    fake.write()
    calls = fake.backend.calls_from_now()
    fake.backend.control(refresh={"hang": True})
    with Terminal(fake.command("--user", "alice")) as terminal:
        terminal.wait_for("Password: ")
        terminal.type("wonderland\n")
        until(
            lambda: "refresh" in [call["kind"] for call in calls.all()],
            20,
            "the walk has come to the refresh",
        )
        terminal.process.send_signal(signal.SIGINT)
        fake.backend.control(release=True, refresh=None)
        terminal.end()
        assert b"Interrupted" in terminal.shown
    assert fake.backend.begun()[-1]["path"] == "/api/token/blacklist/"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--path", "api/me/"], "--path"),
        (["--origin", "app.example.org"], "--origin"),
        (["--frobnicate"], "usage"),
        (["more"], "argument"),
    ],
)
def test_wrong_usage_is_told(django, arguments, words):
    report = django.examine(*arguments)
    assert report.status == 2 and words in report.err and report.out == ""


def test_a_wrong_configuration_is_told_with_file_and_line(django):
    report = django.examine(text="[login]\nsuccess = maybe\n")
    assert report.status == 2
    assert re.search(r"doctor\.conf:\d+: login\.success", report.err)


def test_an_empty_password_is_no_password(django):
    assert django.examine(password="").status == 2


# The login


def test_a_wrong_password_is_told_and_nothing_is_concluded(django):
    report = django.examine(password="not-her-password")
    assert (report.status, report.changes) == (2, 0)
    assert report.says("does not accept this user name and password (401)")
    assert "The walk ended at the login." in report.out and report.lines == ""


def test_a_backend_that_is_not_there(django):
    django.write()
    django.config.write_text(django.config.read_text().replace(django.url, "http://127.0.0.1:1"))
    report = django.examine(config=django.config)
    assert report.status == 2 and report.says("cannot be reached", "[backend] url"), report


def test_a_backend_that_does_not_answer(fake):
    fake.backend.control(login={"hang": True})
    report = fake.examine(text="timeout = 300ms\nconnect_timeout = 200ms\n")
    fake.backend.control(release=True)
    assert report.status == 2 and report.says("no complete answer within 300 ms")


def test_a_path_that_is_not_there(django):
    report = django.examine(text="[login]\nrequest = POST /api/login/\n")
    assert report.status == 1 and report.says("404, with and without a slash", "urls.py")


def test_a_method_that_is_not_there(django):
    report = django.examine(text="[login]\nrequest = PUT /api/token/\n")
    assert report.status == 1 and report.says("not for PUT (405)")


@pytest.mark.parametrize(
    "section, wrong",
    [
        ("login", "/api/token"),
        ("refresh", "/api/token/refresh"),
        ("revoke", "/api/token/blacklist"),
    ],
)
def test_a_slash_that_is_missing(django, section, wrong):
    report = django.examine(text=f"[{section}]\nrequest = POST {wrong}\n")
    assert (report.status, report.changes) == (1, 1), report
    assert report.remedies == [f"[{section}] request = POST {wrong}/"]
    assert f"request = POST {wrong}/    ; <- was: POST {wrong}\n" in report.lines


def test_a_slash_that_is_too_much(fake):
    tokens = {"body": {"access": "$access", "refresh": "$refresh"}}
    fake.backend.control(paths={"/api/token": tokens, "/api/token/": {"status": 404}})
    report = fake.examine()
    assert "[login] request = POST /api/token" in report.remedies, report


def test_a_redirect_elsewhere_is_named_without_its_query(fake):
    headers = [["Location", "/accounts/login/?next=/secret/#part"]]
    fake.backend.control(login={"status": 302, "headers": headers})
    report = fake.examine()
    assert report.status == 1 and report.says("302 and points to /accounts/login/.")
    assert "secret" not in report.out and "#part" not in report.out


def test_html_in_place_of_json(fake):
    fake.backend.control(login={"content_type": "text/html", "body": "<html>Sign in</html>"})
    report = fake.examine()
    assert report.status == 1 and report.says("200 with an HTML page", "no access token")


def test_a_body_above_the_limit(fake):
    fake.backend.control(login={"pad": 3000})
    report = fake.examine(text="answer_max = 2k\n")
    assert report.status == 1 and report.says("above [backend] answer_max (2048 bytes)"), report


def test_the_fields_that_the_backend_asks_for_are_named_and_sent(fake):
    fake.backend.control(login={"status": 400, "times": 1, "body": {"email": ["required"]}})
    report = fake.examine()
    assert report.status == 2 and report.says("It names the fields email"), report
    assert [call["kind"] for call in fake.backend.begun()[-2:]] == ["login", "login"]
    assert '"email"' in fake.backend.begun()[-1]["body"]


def test_a_failing_backend(fake):
    fake.backend.control(login={"status": 500, "content_type": "text/html", "body": "<h1>500</h1>"})
    report = fake.examine()
    assert report.status == 1 and report.says("the backend fails (500 with an HTML page)")


def test_a_success_that_the_configuration_does_not_know(fake):
    body = {"access": "$access", "refresh": "$refresh"}
    fake.backend.control(login={"status": 202, "body": body})
    report = fake.examine()
    assert "[login] success = 200 201 202" in report.remedies, report


def test_a_failure_that_is_a_200(fake):
    fake.backend.control(login={"body": {"success": False}})
    report = fake.examine(text="[login]\nsuccess = json:/success=true\n")
    assert (report.status, report.changes) == (2, 0), report
    assert report.says("that is no success")


def test_a_second_step_is_left_to_a_capture(fake):
    flows = {"data": {"flows": [{"id": "mfa_authenticate"}]}, "meta": {"session_token": "s" * 32}}
    fake.backend.control(login={"status": 401, "body": flows})
    report = fake.examine()
    assert report.says("needs a second step", "[capture]")
    assert report.remedies == ["[pending] token = json:/meta/session_token"]
    assert "s" * 32 not in report.out
    report = fake.examine(text="[pending]\ntoken = json:/meta/session_token\n")
    assert (report.status, report.changes) == (2, 0), report


def test_a_wrong_oauth_client(fake):
    fake.backend.control(login={"status": 401, "body": {"error": "invalid_client"}})
    report = fake.examine()
    assert report.status == 1 and report.says("does not know the client (401, invalid_client)")


# CSRF, hosts and https


def test_a_csrf_check_in_the_way():
    with sick("csrf") as doctor:
        report = doctor.examine(*PATH)
        assert report.status == 1, report
        assert report.remedies == ["[backend] csrf_cookie = csrftoken"]
        doctor.suggested(report.lines)
        assert doctor.examine(*PATH, config=doctor.config).status == 0


def test_a_host_that_django_does_not_serve():
    with sick("picky-host") as doctor:
        report = doctor.examine()
        assert report.status == 1 and report.says("ALLOWED_HOSTS", "--origin"), report
        assert doctor.examine("--origin", "https://app.example.org").status == 0
        assert doctor.examine(text="[csrf]\norigins = https://app.example.org\n").status == 0


def test_a_backend_that_wants_https():
    with sick("https-only") as doctor:
        report = doctor.examine()
        assert report.status == 1 and report.says("SECURE_SSL_REDIRECT"), report
        assert doctor.examine("--origin", "https://app.example.org").status == 0


# Throttling


def test_login_and_refresh_with_one_limit():
    with sick("one-throttle") as doctor:
        report = doctor.examine("--try-throttle")
        assert report.status == 1, report
        assert report.says("429 after 20 from one address", "Login and refresh share a limit")
        assert report.says("Clients of different addresses have limits of their own")
        assert live_refresh_tokens(doctor.backend) == []


def test_a_refresh_with_a_limit_of_its_own():
    with sick("two-throttles") as doctor:
        report = doctor.examine("--try-throttle")
        assert report.status == 0 and report.says("The login has a limit of its own"), report


def test_a_backend_that_sees_no_addresses():
    with sick("one-throttle blind") as doctor:
        report = doctor.examine("--try-throttle")
        assert report.status == 1 and report.says("all of them share one limit", "NUM_PROXIES")


def test_no_limit_at_all_and_never_more_than_100_tries(django):
    calls = django.backend.calls_from_now()
    report = django.examine("--try-throttle")
    assert report.status == 0 and report.says("No limit within 100 refreshes")
    assert calls.statuses(REFRESH).count(401) <= 104
    assert calls.statuses(LOGIN) == [200]
