"""scripts/django/bffd_grace.py: what a refresh token is good for after its rotation."""

import json
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from graceful import claims_of
from projects import post_json

from client import at_once  # isort: skip  (projects.py says where it is)
from components import bffd_program  # isort: skip

SECONDS = 60  # what bffd_grace.py has by default
AT_ONCE = 20
ROUNDS_MAX = 20


def refused(answer):
    """With what simplejwt says of every token that is no good, and bffd takes for the end."""
    return answer.status == 401 and answer.json()["code"] == "token_not_valid"


# The same answer


def test_a_refresh_that_is_repeated_has_the_same_answer(django):
    first = django.signed_in()
    pair = django.rotated(first)
    assert sorted(pair) == ["access", "refresh"] and pair["refresh"] != first
    for _ in range(3):
        assert django.rotated(first) == pair
    assert django.direct.me(pair["access"]).json()["username"] == "alice"
    assert claims_of(django.rotated(pair["refresh"])["refresh"])["user_id"]


def test_the_answer_has_the_claims_of_an_ordinary_one(django, environment):
    first = django.signed_in()
    pair = {kind: claims_of(token) for kind, token in django.rotated(first).items()}
    now, old = time.time(), claims_of(first)
    assert 299 <= pair["access"]["exp"] - now + 1 <= 301
    assert 14 * 86400 - 1 <= pair["refresh"]["exp"] - now + 1 <= 14 * 86400 + 1
    assert pair["refresh"]["iat"] >= old["iat"]
    jtis = {claims["jti"] for claims in (*pair.values(), old)}
    assert len(jtis) == 3 and {len(jti) for jti in jtis} == {32}
    for claims in pair.values():
        assert claims.keys() == old.keys() and claims["user_id"] == old["user_id"]


@pytest.mark.parametrize("after", [1, SECONDS - 5])
def test_it_is_the_same_answer_until_the_seconds_are_over(django, after):
    first = django.signed_in()
    pair = django.rotated(first)
    django.let_pass(pair["refresh"], after)
    again = django.rotated(first)
    for kind in ("access", "refresh"):
        then, now = claims_of(pair[kind]), claims_of(again[kind])
        assert now["jti"] == then["jti"]
        assert then["exp"] - now["exp"] == after
    assert django.rotated(first) == again


def test_after_the_seconds_a_predecessor_is_refused_and_its_successor_goes_on(django):
    first = django.signed_in()
    pair = django.rotated(first)
    django.let_pass(pair["refresh"], SECONDS + 1)
    assert refused(django.refresh(first))
    assert django.refresh(pair["refresh"]).status == 200


def test_a_host_whose_clock_is_far_behind_does_not_answer_longer(django):
    first = django.signed_in()
    pair = django.rotated(first)
    django.let_pass(pair["refresh"], -SECONDS - 5)
    assert refused(django.refresh(first))


# Only one


def test_of_many_refreshes_at_once_one_rotates_and_all_answer_the_same(django):
    processes = set()
    for _ in range(ROUNDS_MAX):
        first = django.signed_in()
        listed, blacklisted = django.counts()
        answers = at_once(AT_ONCE, lambda _: django.refresh(first))
        assert {getattr(answer, "status", answer) for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        assert django.counts() == (listed + 1, blacklisted + 1)
        processes |= {answer.headers["X-Worker"] for answer in answers}
        if len(processes) > 1:
            return
    pytest.fail("only one process has answered")


def test_a_grandparent_is_refused(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    third = django.rotated(second)
    assert refused(django.refresh(first))
    assert django.rotated(second) == third
    django.rotated(third["refresh"])
    assert refused(django.refresh(second))


# Sign-out


def test_a_token_that_was_signed_out_has_no_successor(django):
    first = django.signed_in()
    assert django.sign_out(first).status == 200
    assert refused(django.refresh(first))


def test_a_successor_that_was_signed_out_is_not_given_out_again(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    assert django.sign_out(second).status == 200
    assert refused(django.refresh(first)) and refused(django.refresh(second))


def test_a_sign_out_with_the_predecessor_ends_its_successor(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    assert django.sign_out(first).status == 200
    assert refused(django.refresh(first)) and refused(django.refresh(second))


def test_a_sign_out_with_a_token_that_is_older_is_refused(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    third = django.rotated(second)["refresh"]
    assert refused(django.sign_out(first))
    assert django.refresh(third).status == 200


def test_a_sign_out_everywhere_finds_the_successor(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    django.do(
        "from rest_framework_simplejwt.token_blacklist.models import *\n"
        "for row in OutstandingToken.objects.filter(user__username='alice'):\n"
        "    BlacklistedToken.objects.get_or_create(token=row)"
    )
    assert refused(django.refresh(first)) and refused(django.refresh(second))


def test_a_sign_out_while_the_token_is_being_rotated_leaves_nothing_alive(django):
    for _ in range(10):
        first = django.signed_in()
        acts = [django.refresh, django.sign_out, django.refresh, django.sign_out]
        answers = at_once(len(acts), lambda i: acts[i](first))
        assert {getattr(answer, "status", answer) for answer in answers} <= {200, 401}
        assert answers[1].status == 200 or answers[3].status == 200
        given = {answer.json()["refresh"] for answer in answers if "refresh" in answer.json()}
        assert len(given) <= 1
        for token in [first, *given]:
            assert refused(django.refresh(token))


# Who, and with what


@pytest.mark.parametrize(
    "end",
    [
        "User.objects.filter(username='bob').update(is_active=False)",
        "User.objects.filter(username='bob').delete()",
    ],
    ids=["deactivated", "deleted"],
)
def test_a_user_who_is_gone_gets_nothing_again(django, end):
    django.do(
        "from django.contrib.auth.models import User\n"
        "User.objects.filter(username='bob').delete()\n"
        "User.objects.create_user('bob', 'bob@example.org', 'builder')"
    )
    first = django.signed_in("bob")
    django.rotated(first)
    django.do(f"from django.contrib.auth.models import User\n{end}")
    assert refused(django.refresh(first))


def test_what_is_not_the_predecessor_itself_is_refused(django):
    first = django.signed_in()
    pair = django.rotated(first)
    claims = claims_of(first)
    assert django.rotated(django.signed(claims)) == pair  # so the others differ in what is said
    assert refused(django.refresh(django.signed({**claims, "token_type": "access"})))
    assert refused(django.refresh(django.signed({**claims, "exp": int(time.time()) - 1})))
    assert refused(django.refresh(first[:-8] + "AAAAAAAA"))
    assert refused(django.refresh(pair["access"]))
    assert django.refresh("").status == 400


# What is kept


def test_the_database_holds_no_token_that_simplejwt_would_not_have_put_there(django, environment):
    first = django.signed_in()
    pair = django.rotated(first)
    text = django.text_of_database()
    assert first in text  # simplejwt lists what a sign-in gives
    assert pair["access"].split(".")[2] not in text
    if environment == "debian":
        assert django.outstanding(pair["refresh"]) == ""
        assert pair["refresh"].split(".")[2] not in text
    else:
        assert django.outstanding(pair["refresh"]) == pair["refresh"]
        assert text.count(pair["refresh"]) == 1


def test_a_token_that_has_expired_is_forgotten_by_flushexpiredtokens(django):
    first = django.signed_in()
    second = django.rotated(first)["refresh"]
    with django.database() as database:
        database.execute(
            "UPDATE token_blacklist_outstandingtoken SET expires_at = '2001-01-01 00:00:00'"
        )
    django.do(
        "from django.core.management import call_command; call_command('flushexpiredtokens')"
    )
    assert django.counts() == (0, 0) and django.outstanding(second) is None


# Deaths


def test_an_answer_that_was_lost_after_the_rotation_is_had_again(django):
    first = django.signed_in()
    django.will_die("after-commit")
    with pytest.raises(ConnectionError):
        django.refresh(first)
    pair = django.rotated(first)
    assert django.rotated(first) == pair
    assert django.refresh(pair["refresh"]).status == 200


def test_a_process_that_dies_before_it_commits_has_not_spent_the_token(django):
    first = django.signed_in()
    counts = django.counts()
    django.will_die("before-commit")
    with pytest.raises(ConnectionError):
        django.refresh(first)
    assert django.counts() == counts
    second = django.rotated(first)["refresh"]
    assert django.refresh(second).status == 200


def test_when_the_one_that_rotates_dies_before_it_commits_another_one_rotates(django):
    first = django.signed_in()
    listed, blacklisted = django.counts()
    django.will_die("before-commit")
    answers = at_once(AT_ONCE, lambda _: django.refresh(first))
    answered = [answer for answer in answers if not isinstance(answer, ConnectionError)]
    assert {answer.status for answer in answered} <= {200}
    assert {answer.body for answer in answered} <= {django.refresh(first).body}
    assert django.counts() == (listed + 1, blacklisted + 1)


# Settings


IMPORTED = "import bffd_grace; print(bffd_grace.TokenRefreshSerializer.token_class.__name__)"


def test_a_setting_that_is_wrong_is_told(django):
    for wrong in ("0", "-1", "3601", "nan"):
        said = django.evaluate(IMPORTED, BFF_TEST_GRACE_SECONDS=wrong)
        assert "BFFD_GRACE_SECONDS is" in said and "1 to 3600" in said
    assert django.evaluate(IMPORTED, BFF_TEST_GRACE_SECONDS="25") == "RotatingRefreshToken"


def test_its_seconds_are_more_than_the_lease_of_bffd(django):
    command = [bffd_program(), "-c", django.config, "--print-config"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lease = int(re.search(r"^lease = (\d+)s +; default$", shown, re.MULTILINE)[1])
    seconds = django.evaluate("import bffd_grace; print(bffd_grace.SECONDS_DEFAULT)")
    assert int(seconds) == SECONDS > 2 * lease


@pytest.mark.parametrize("off", ["ROTATE_REFRESH_TOKENS", "BLACKLIST_AFTER_ROTATION"])
def test_where_no_refresh_kills_a_token_simplejwt_is_left_as_it_is(django, off):
    assert django.evaluate(IMPORTED, BFF_TEST_PLAIN=off) == "RefreshToken"


def test_a_project_with_classes_of_its_own_takes_the_parts(django):
    first = django.signed_in()
    pair = django.rotated(first)
    said = django.evaluate(
        f"""
import json
import bffd_grace
from rest_framework_simplejwt import serializers, tokens

class TheirToken(tokens.RefreshToken):
    pass

class TheirSerializer(serializers.TokenRefreshSerializer):
    def validate(self, attrs):
        return {{**super().validate(attrs), "theirs": True}}

class MyRotatingToken(bffd_grace.Rotating, TheirToken):
    pass

class MySerializer(bffd_grace.Repeating, TheirSerializer):
    token_class = MyRotatingToken

serializer = MySerializer(data={{"refresh": {first!r}}})
assert serializer.is_valid()
print(json.dumps(serializer.validated_data))
"""
    )
    assert json.loads(said) == {**pair, "theirs": True}


def test_many_tokens_are_rotated_at_once_each_by_two(django):

    def chain(_):
        token = django.signed_in()
        for _ in range(3):
            one, other = at_once(2, lambda _: django.rotated(token))  # noqa: B023
            assert one == other
            token = one["refresh"]

    with ThreadPoolExecutor(6) as clients:
        list(clients.map(chain, range(6)))


def test_access_tokens_that_live_shorter_than_the_seconds_are_new_when_half_is_over(django):
    first = django.signed_in()
    pair = django.rotated(first)
    django.let_pass(pair["refresh"], SECONDS - 5)
    said = django.evaluate(
        f"""
import json
from datetime import timedelta
from rest_framework_simplejwt.tokens import AccessToken
AccessToken.lifetime = timedelta(seconds=30)
import bffd_grace
serializer = bffd_grace.TokenRefreshSerializer(data={{"refresh": {first!r}}})
assert serializer.is_valid()
print(json.dumps(serializer.validated_data))
"""
    )
    again = {kind: claims_of(token) for kind, token in json.loads(said).items()}
    assert 28 <= again["access"]["exp"] - time.time() <= 31
    assert again["access"]["jti"] != claims_of(pair["access"])["jti"]
    assert again["refresh"]["jti"] == claims_of(pair["refresh"])["jti"]


def test_the_health_of_the_project_is_as_before(django):
    """Nobody has written a traceback during all this."""
    assert post_json(django.url + "/test/revoke-access/", {"user": "nobody"})["revoked"] == 0
    assert "Traceback" not in django.log.read_text()
