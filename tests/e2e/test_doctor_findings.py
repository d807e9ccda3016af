"""bffd doctor: what it says of tokens, API calls, refreshes and revocations that are not in order.
"""

from fullsite import REFRESH, DjangoBackend, FakeBackend
from patients import (  # noqa: F401
    PATH,
    django,
    fake,
    fake_backend,
    live_refresh_tokens,
    patient,
    sick,
)


# Tokens


def test_tokens_that_stand_elsewhere(django):
    wrong = "[login]\naccess = json:/tokens/access\nrefresh = cookie:refresh\n"
    report = django.examine(*PATH, text=wrong)
    assert report.status == 1
    assert report.remedies == ["[login] access = json:/access", "[login] refresh = json:/refresh"]
    django.suggested(report.lines)
    assert django.examine(*PATH, config=django.config).status == 0


def test_tokens_in_cookies_with_a_narrow_path():
    settings = {"cookies": {"access": "at", "refresh": "rt"}}
    with patient(FakeBackend, **settings, cookie_attributes="HttpOnly; Path=/api/token/") as doctor:
        report = doctor.examine("--path", "/api/me/")
        assert report.status == 1, report
        assert "[login] access = cookie:at" in report.remedies
        assert "[backend] attach = cookie at" in report.remedies
        assert "[refresh] send = cookie rt" in report.remedies
        assert "[revoke] send = cookie rt" in report.remedies
        assert report.says("for the path /api/token/ only")
        doctor.suggested(report.lines)
        assert doctor.accepted()
        again = doctor.examine("--path", "/api/me/", config=doctor.config)
        assert again.status == 0, again


def test_opaque_tokens_whose_life_the_answer_tells():
    names = {"access": "access_token", "refresh": "refresh_token"}
    with patient(FakeBackend, opaque=True, names=names, extra={"expires_in": 30}) as doctor:
        report = doctor.examine("--path", "/api/me/")
        assert report.status == 1, report
        assert "[login] access_expiry = seconds json:/expires_in" in report.remedies
        assert "[refresh] access_expiry = seconds json:/expires_in" in report.remedies
        doctor.suggested(report.lines)
        assert doctor.examine("--path", "/api/me/", config=doctor.config).status == 0


def test_a_user_object_is_found(fake):
    tokens = {"access": "$access", "refresh": "$refresh", "user": {"id": 1, "name": "Alice"}}
    fake.backend.control(login={"body": tokens})
    report = fake.examine()
    assert report.says("[login] user = json:/user"), report


def test_a_token_where_none_is_expected(fake):
    body = {"access": "$access", "refresh": "$refresh", "user": {"id": 1, "token": "$access"}}
    fake.backend.control(login={"body": body})
    report = fake.examine()
    assert "[login] access = json:/access json:/user/token" in report.remedies, report


def test_a_clock_that_is_wrong(fake):
    date = [["Date", "Wed, 01 Jan 2025 00:00:00 GMT"]]
    fake.backend.control(login={"headers": date})
    report = fake.examine()
    assert report.status == 1 and report.says("behind ours", "NTP"), report


# API calls


def test_a_scheme_that_is_wrong(django):
    report = django.examine(*PATH, text='attach = header Authorization "JWT $access"\n')
    assert report.status == 1
    assert report.remedies == ['[backend] attach = header Authorization "Bearer $access"']


def test_a_path_without_sign_in_proves_nothing(django):
    report = django.examine("--path", "/health/")
    assert report.status == 0 and report.says("it does not look at tokens")


def test_a_dead_token_that_is_a_403():
    with sick("session-first") as doctor:
        report = doctor.examine(*PATH)
        assert (report.status, report.changes) == (1, 1), report
        assert report.says("is a 403 at /api/whoami/", "before SessionAuthentication")
        assert live_refresh_tokens(doctor.backend) == []


def test_a_dead_token_that_breaks_the_backend(fake):
    good = {"status": 200, "body": {}, "times": 1}
    broken = {"status": 500, "content_type": "text/html", "body": "<h1>500</h1>"}
    fake.backend.control(paths={"/api/me/": good}, api=broken)
    report = fake.examine("--path", "/api/me/")
    assert report.status == 1 and report.says("A dead access token makes /api/me/ fail"), report


# Refresh


def test_a_refresh_that_wants_another_field(django):
    wrong = '[refresh]\nsend = json {"token": "$refresh"}\naccess = json:/new\nrefresh =\n'
    report = django.examine(text=wrong)
    assert report.status == 1
    assert report.remedies == [
        '[refresh] send = json {"refresh": "$refresh"}',
        "[refresh] access = json:/access",
        "[refresh] refresh = json:/refresh",
    ], report
    assert live_refresh_tokens(django.backend) == []


def test_a_dead_token_that_is_not_in_the_set(django):
    report = django.examine(text="[refresh]\ndead = 400 403\n")
    assert report.remedies == ["[refresh] dead = 400 403 401"], report


def test_a_dead_token_that_is_answered_200(fake):
    good = {"body": {"access": "$access", "refresh": "$refresh"}, "times": 1}
    dead = {"body": {"refreshed": False}}
    fake.backend.control(refresh=dead, paths={REFRESH: good})
    report = fake.examine()
    assert "[refresh] dead = json:/refreshed=false" in report.remedies, report


def test_a_dead_token_that_breaks_the_refresh(fake):
    good = {"body": {"access": "$access", "refresh": "$refresh"}, "times": 1}
    broken = {"status": 500, "content_type": "text/html", "body": "<h1>500</h1>"}
    fake.backend.control(refresh=broken, paths={REFRESH: good})
    report = fake.examine()
    assert report.status == 1 and report.says("makes the backend fail (500", "would not end")


def test_a_refresh_that_never_works(fake):
    fake.backend.control(refresh={"status": 401})
    report = fake.examine()
    assert report.status == 1 and report.says("would end every session at its first refresh")


def test_a_refresh_that_answers_200_without_tokens(fake):
    fake.backend.control(refresh={"body": {"detail": "not for you"}})
    report = fake.examine()
    assert report.status == 1 and report.says("200 without an access token (its members: detail)")


def test_an_old_token_that_stays_good():
    with patient(FakeBackend, blacklist=False) as doctor:
        report = doctor.examine()
        assert report.status == 0 and report.says("still good after it was rotated")


def test_no_rotation_is_no_fault():
    with patient(DjangoBackend, BFF_TEST_ROTATE=0) as doctor:
        report = doctor.examine()
        assert report.status == 0 and report.says("(no rotation)"), report
        assert live_refresh_tokens(doctor.backend) == []


def test_a_limit_that_is_used_up_on_the_way(fake):
    headers = [["Retry-After", "17"]]
    fake.backend.control(refresh={"status": 429, "headers": headers})
    report = fake.examine()
    assert report.says("429", "Retry-After: 17") and report.changes == 0


# Revocation


def test_a_revocation_that_does_nothing():
    with sick("no-blacklist-app") as doctor:
        report = doctor.examine(*PATH)
        assert (report.status, report.changes) == (1, 1), report
        assert report.says("says 200 and does nothing", "token_blacklist to INSTALLED_APPS")
        assert report.says("could not be revoked", "expire within 1 day")


def test_no_revocation_is_told(django):
    report = django.examine(text="[revoke]\nrequest =\n")
    assert report.status == 0
    assert report.says("No revocation is configured", "could not be revoked")


def test_a_revocation_that_is_not_there(django):
    report = django.examine(text="[revoke]\nrequest = POST /api/logout/\n")
    assert report.status == 1 and report.says("POST /api/logout/ answers 404")


def test_205_with_a_body_is_fine(fake):
    fake.backend.control(revoke={"status": 205, "processed": True, "body": {"detail": "bye"}})
    report = fake.examine()
    assert report.status == 0 and report.says("205 with JSON", "A revoked refresh token is dead")


def test_a_revocation_that_wants_the_access_token(fake):
    fake.backend.control(paths={"/api/token/blacklist/": {"status": 401, "times": 1}})
    report = fake.examine()
    assert report.remedies == ["[revoke] auth = access"], report


def test_a_revocation_that_never_works_is_no_clean_end(fake):
    fake.backend.control(revoke={"status": 401})
    report = fake.examine()
    assert report.status == 1 and report.says("The revocation is answered 401"), report
    assert report.says("could not be revoked (no revocation has worked)")
    assert not report.says("every refresh token of this walk is dead")


def test_the_library_is_told_by_its_usual_path():
    with patient(FakeBackend, opaque=True, login="/o/token/") as doctor:
        report = doctor.examine(text="[login]\nrequest = POST /o/token/\naccess = json:/token\n")
        assert report.says("django-oauth-toolkit", "preset = oauth-toolkit knows"), report
