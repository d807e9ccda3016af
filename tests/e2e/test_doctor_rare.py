"""bffd doctor: what it says of answers that few backends give."""

import subprocess

import pytest

from fullsite import LOGIN, REFRESH, REVOKE, FakeBackend
from patients import fake, fake_backend, patient  # noqa: F401

TOKENS = {"access": "$access", "refresh": "$refresh"}
ME = "/api/me/"
PATH = ("--path", ME)
ONCE = {"times": 1}


# Who is asked for


def by_pipe(doctor, text, *arguments):
    """Its complaint, when `text` comes on standard input, which is no terminal."""
    doctor.write()
    done = subprocess.run(
        doctor.command(*arguments), input=text, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2 and done.stdout == "", done
    return done.stderr.strip().removeprefix("bffd doctor: ")


@pytest.mark.parametrize(
    "text, arguments, complaint",
    [
        ("wonderland\n", [], "standard input is no terminal to ask for the name: give --user NAME"),
        ("wonderland\n", ["--user", ""], "--user is empty or too long"),
        ("wonderland\n", ["--user", "a" * 1025], "--user is empty or too long"),
        ("w" * 1025 + "\n", ["--user", "alice"], "the line is too long"),
        ("", ["--user", "alice"], "nothing was given"),
    ],
)
def test_who_signs_in_has_to_be_told(fake, text, arguments, complaint):
    calls = fake.backend.calls_from_now()
    assert by_pipe(fake, text, *arguments) == complaint
    assert calls.all() == []


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_password_may_end_as_on_windows_or_not_at_all(fake, end):
    fake.write()
    command = fake.command("--user", "alice")
    done = subprocess.run(command, input="wonderland" + end, stdout=-1, text=True, timeout=20)
    assert done.returncode == 0, done.stdout


def test_a_file_has_to_be_named(fake):
    command = fake.command("--user", "alice")
    del command[2:4]  # -c FILE
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "-c FILE is missing" in done.stderr


# The login


def oauth(error):
    return {"status": 400, "body": {"error": error}}


def test_a_client_without_the_grant(fake):
    for error in ("unauthorized_client", "unsupported_grant_type"):
        fake.backend.control(login=oauth(error))
        report = fake.examine()
        assert report.status == 1 and report.says(f"does not grant this to the client (400, {error})")


def test_a_wrong_password_in_oauths_words(fake):
    fake.backend.control(login=oauth("invalid_grant"))
    report = fake.examine()
    assert (report.status, report.changes) == (2, 0), report
    assert report.says("does not accept this user name and password (400, invalid_grant)")


def test_a_user_who_is_locked_out(fake):
    fake.backend.control(login={"status": 403})
    report = fake.examine()
    assert (report.status, report.changes) == (2, 0), report
    assert report.says("403, with a CSRF token as well", "may be locked out")


@pytest.mark.parametrize(
    "send, remedy",
    [
        ("body", "[login] send = form username=$username&password=$password"),
        ("form username=$username&password=$password", "[login] send = body"),
    ],
)
def test_a_format_that_the_login_does_not_read(fake, send, remedy):
    fake.backend.control(login={"status": 415})
    report = fake.examine(text=f"[login]\nsend = {send}\n")
    assert report.status == 1 and report.remedies == [remedy], report


def test_a_status_that_nobody_expects(fake):
    fake.backend.control(login={"status": 402})
    report = fake.examine()
    assert report.status == 1 and report.says("The login answers 402", "bffd has no use for that")


def test_a_400_that_names_nothing(fake):
    fake.backend.control(login={"status": 400, "body": {"non_field_errors": ["no"]}})
    report = fake.examine()
    assert (report.status, report.changes) == (2, 0), report
    assert report.says("wrong, or it wants other fields")


def test_a_400_of_a_web_page(fake):
    page = {"status": 400, "content_type": "text/html", "body": "<h1>Bad Request</h1>"}
    fake.backend.control(login=page)
    report = fake.examine()
    assert report.status == 1 and report.says("400 with an HTML page", "ALLOWED_HOSTS")


def test_a_field_that_lets_in_is_what_the_page_sends(fake):
    asks = {"status": 400, "body": {"email": ["required"]}, **ONCE}
    fake.backend.control(paths={LOGIN: asks}, login={"body": TOKENS})
    report = fake.examine()
    assert report.status == 0 and report.says("The page has to send email and password"), report


def test_an_address_that_is_refused_as_a_name_is_sent_as_one(fake):
    fake.backend.control(paths={LOGIN: {"status": 401, **ONCE}}, login={"body": TOKENS})
    report = fake.examine(user="alice@example.org")
    assert report.status == 0 and report.says("The page has to send email and password"), report


def test_fields_of_a_template_are_not_exchanged(fake):
    fake.backend.control(login={"status": 400, "body": {"email": ["required"]}})
    calls = fake.backend.calls_from_now()
    report = fake.examine(text='[login]\nsend = json {"username": "$username"}\n')
    assert report.status == 2 and report.says("It names the fields email"), report
    assert len(calls.all()) == 1


# Tokens


OPAQUE = {"access": "access_token", "refresh": "refresh_token"}
OF_OPAQUE = "[login]\naccess = json:/access_token\nrefresh = json:/refresh_token\n"


def test_who_the_user_is_when_the_tokens_do_not_say():
    extra = {"expires_in": 30, "user": {"id": 1}}
    with patient(FakeBackend, opaque=True, names=OPAQUE, extra=extra) as doctor:
        report = doctor.examine(text=OF_OPAQUE)
        assert report.says("The tokens do not say whose they are, but the answer does")
        assert "[login] user = json:/user" in report.remedies, report
        report = doctor.examine(text=OF_OPAQUE + "user = json:/account\n")
        assert report.says("json:/account leads to no object with an id")
        assert "[login] user = json:/user" in report.remedies, report
        doctor.backend.control(settings={"extra": {"expires_in": 30}})
        report = doctor.examine(text=OF_OPAQUE)
        assert report.says("Nothing in the answer says who the user is"), report
        report = doctor.examine(text=OF_OPAQUE + "user = json:/account\n")
        assert "[login] user = json:/account" in report.remedies, report


def test_a_token_that_is_too_long(fake):
    fake.backend.control(login={"body": {**TOKENS, "access": "$access" + "x" * 16384}})
    report = fake.examine()
    assert report.status == 1 and report.says("A token is longer than 16384 bytes"), report


def test_a_login_without_a_refresh_token(fake):
    fake.backend.control(login={"body": {"access": "$access"}})
    report = fake.examine()
    assert report.status == 1, report
    assert report.says("There is no refresh token, neither where [login] refresh says")
    assert report.says("Not checked: there is no refresh token to send")
    text = "[login]\nrefresh =\n[refresh]\nsend = none\nauth = access\n[revoke]\nauth = access\n"
    report = fake.examine(text=text)
    assert report.says("There is no refresh token: a session ends with its access token"), report


def test_a_life_that_no_cookie_tells(fake):
    cookie = [["Set-Cookie", "at=$access; Path=/"]]
    fake.backend.control(login={"body": {"refresh": "$refresh"}, "headers": cookie})
    report = fake.examine(text="[login]\naccess = cookie:at\naccess_expiry = max-age\n")
    assert "[login] access_expiry = exp" in report.remedies, report


# API calls


@pytest.mark.parametrize("status, words", [(401, "AUTH_HEADER_TYPES"), (403, "lack a permission")])
def test_a_path_that_takes_no_token(fake, status, words):
    fake.backend.control(api={"status": status})
    report = fake.examine(*PATH)
    assert report.status == 1 and report.says("in every way that is usual", words), report


def test_a_path_that_says_nothing_of_the_token(fake):
    fake.backend.control(api={"status": 404})
    assert fake.examine(*PATH).says("answers 404 with JSON, which says nothing about the token")
    fake.backend.control(api={"status": 302, "headers": [["Location", "/sign-in/"]]})
    assert fake.examine(*PATH).says("and points to /sign-in/, which says nothing about the token")


def test_a_path_that_is_not_answered(fake):
    fake.backend.control(api={"close": True})
    assert fake.examine(*PATH).says(f"GET {ME} was not answered")


def test_a_dead_token_that_is_sent_elsewhere(fake):
    good = {"body": {}, **ONCE}
    fake.backend.control(paths={ME: good}, api={"status": 302})
    report = fake.examine(*PATH)
    assert report.says("What a dead access token is answered was not seen (302)"), report


def test_a_refreshed_token_that_is_refused(fake):
    good = {"body": {}, **ONCE}
    fake.backend.control(paths={ME: good}, api={"status": 401})
    report = fake.examine(*PATH)
    assert report.status == 1 and report.says("The refreshed access token is refused (401)"), report


def test_a_refreshed_token_that_is_accepted(fake):
    fake.backend.control(paths={ME: {"body": {}, **ONCE}}, api={"status": 401, **ONCE})
    report = fake.examine(*PATH)
    assert report.says("The refreshed access token is accepted"), report


# Refresh


def test_a_refresh_that_looks_at_no_token(fake):
    fake.backend.control(refresh={"body": TOKENS})
    report = fake.examine()
    assert report.status == 1, report
    assert report.says("tampered with is answered with new tokens")


def good_then(how):
    return {"refresh": how, "paths": {REFRESH: {"body": TOKENS, **ONCE}}}


def test_a_dead_token_whose_answer_says_nothing(fake):
    fake.backend.control(**good_then({"status": 408}))
    report = fake.examine()
    assert report.says("What a dead refresh token is answered was not seen (408)"), report


def test_a_dead_token_that_is_a_200_without_a_word(fake):
    fake.backend.control(**good_then({"body": {"a/b": False, "c~d": False, "": False}}))
    report = fake.examine()
    assert report.status == 1 and report.says("dead = json:/POINTER=VALUE"), report


def test_a_set_of_statuses_that_says_too_much(fake):
    report = fake.examine(text="[refresh]\ndead = 401 404\n")
    assert report.status == 0 and report.says("dead has 404, which may say something"), report


def test_a_refresh_that_counts_as_dead_all_the_same(fake):
    fake.backend.control(refresh={"body": {**TOKENS, "ok": True}})
    report = fake.examine(text="[refresh]\ndead = json:/ok=true\n")
    assert report.status == 1 and report.says("[refresh] dead matches the answer as well"), report


def ways_until(doctor, text, is_wanted):
    """How many requests for a refresh come before the first that is wanted, if none is granted."""
    calls = doctor.backend.calls_from_now()
    doctor.backend.control(refresh={"status": 415})
    doctor.examine(text=text)
    asked = [call for call in calls.all() if call["path"] == REFRESH]
    return [is_wanted(call) for call in asked].index(True)


def test_a_refresh_that_wants_the_access_token(fake):
    before = ways_until(fake, "", lambda call: "Authorization" in dict(call["headers"]))
    fake.backend.control(refresh={"status": 401, "times": before})
    report = fake.examine()
    assert report.says("401 to a good refresh token, and 200 when the access token comes with it")
    assert report.remedies[0].startswith("[refresh] auth = access"), report


def test_a_refresh_that_reads_json_only(fake):
    form = "[refresh]\nsend = form refresh=$refresh\n"
    before = ways_until(fake, form, lambda call: call["body"].startswith('{"refresh":'))
    fake.backend.control(refresh={"status": 415, "times": before})
    report = fake.examine(text=form)
    assert report.remedies == ['[refresh] send = json {"refresh": "$refresh"}'], report


def test_a_rotated_token_of_which_nothing_is_seen(fake):
    """The walk's third refresh shows the rotated one; before it comes one that is tampered with."""
    fake.backend.control(
        paths={REFRESH: {"body": TOKENS, **ONCE}}, refresh={"status": 503}
    )
    report = fake.examine()
    assert report.says("Whether the old refresh token is dead after the rotation was not seen (503)")


# Revocation


def test_a_revocation_whose_status_is_another(fake):
    report = fake.examine(text="[revoke]\nsuccess = 204\n")
    assert report.status == 1 and report.remedies == ["[revoke] success = 204 200"], report


def test_a_revocation_that_works_only_in_another_way(fake):
    fake.backend.control(paths={REVOKE: {"status": 200, **ONCE}})
    report = fake.examine(text='[revoke]\nsend = json {"logout": "$refresh"}\n')
    assert report.status == 1, report
    assert report.says("it dies only when it is sent in another way")
    assert '[revoke] send = json {"refresh": "$refresh"}' in report.remedies


def test_a_revocation_whose_effect_is_not_seen(fake):
    """Three refreshes come before the one that shows the revoked token, and one of them is good."""
    fake.backend.control(revoke={"status": 200}, **good_then({"status": 503}))
    report = fake.examine()
    assert report.says("Whether the revoked token is dead was not seen (503)"), report


# What else there is


def test_captures_are_named_and_not_called(fake):
    report = fake.examine(text="[capture register]\nrequest = POST /api/register/\n")
    assert report.status == 0, report
    assert report.says("Not called: [capture register] POST /api/register/")
