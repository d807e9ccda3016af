"""Guessing passwords: from one address, at one account, and what Django itself counts."""

import contextlib
import http.client
import json
import re
from pathlib import Path

import pytest

from client import at_once
from components import Nginx
from fullsite import LOGIN, DjangoBackend, FakeBackend, running
from site_files import SHIPPED
from until import until

FREE = 4
SITE = {
    "backend": FakeBackend,
    "login_rate": 100_000,
    "env": {"users": 40},
    "overrides": {
        "attempts.failures": FREE,
        "attempts.window": "60s",
        "attempts.pause": "2s",
        "attempts.pause_max": "4s",
    },
}


def guess(site, user, password="guess", **fields):
    return site.browser().post("/bff/login", {"username": user, "password": password, **fields})


def assert_told_to_wait(answer):
    assert (answer.status, answer.code) == (429, "too_many_logins"), answer
    assert 1 <= int(answer.header("Retry-After")) <= 4
    assert answer.header("Cache-Control") == "no-store"
    assert not answer.all("Set-Cookie")


def test_after_so_many_guesses_django_is_asked_no_more(site):
    calls = site.backend.calls_from_now()
    assert [guess(site, "user1").status for _ in range(FREE)] == [401] * FREE
    assert_told_to_wait(guess(site, "user1"))
    assert len(calls.all(LOGIN)) == FREE


def test_the_right_password_is_not_told_from_a_wrong_one_meanwhile(site):
    for _ in range(FREE):
        guess(site, "user2")
    wrong, right = guess(site, "user2"), guess(site, "user2", "user2")
    assert_told_to_wait(wrong)
    assert_told_to_wait(right)


def test_other_accounts_and_who_is_signed_in_notice_nothing(site):
    browser = site.signed_in("user3", "user3")
    for _ in range(FREE + 2):
        guess(site, "user3")
    assert browser.get("/api/whoami/").status == 200
    assert guess(site, "user4", "user4").status == 200


def test_the_pause_ends_and_the_next_one_is_longer(site):
    for _ in range(FREE):
        guess(site, "user5")
    first = int(guess(site, "user5").header("Retry-After"))
    until(lambda: guess(site, "user5").status == 401, 5, "the first pause ends")
    second = int(guess(site, "user5").header("Retry-After"))
    assert first <= 2 < second <= 4
    until(lambda: guess(site, "user5", "user5").status == 200, 6, "the second pause ends")


def test_a_sign_in_forgets_the_failures_before_it(site):
    for _ in range(3):
        statuses = [guess(site, "user6").status for _ in range(FREE - 1)]
        assert statuses == [401] * (FREE - 1)
        assert guess(site, "user6", "user6").status == 200


def test_a_thousand_guesses_at_once_are_no_more_than_one_after_the_other(site):
    calls = site.backend.calls_from_now()
    answers = at_once(60, lambda i: guess(site, "user7"))
    assert sorted({answer.status for answer in answers}) == [401, 429]
    assert len(calls.all(LOGIN)) == FREE


SPELLINGS = ["user8", "USER8", " user8", "user8\t", "\u00a0user8\u2003", "U s e r 8", "user8\n"]


def test_an_account_is_one_however_it_is_spelt(site):
    """Django strips blanks, and some databases and backends take no notice of case."""
    calls = site.backend.calls_from_now()
    answers = [guess(site, SPELLINGS[i % len(SPELLINGS)]) for i in range(FREE + 3)]
    assert [answer.status for answer in answers] == [401] * FREE + [429] * 3
    assert len(calls.all(LOGIN)) == FREE


def test_an_account_with_two_names_is_counted_by_both(site):
    """A backend that goes by the e-mail address does not look at the other."""
    answers = [guess(site, f"nobody{i}", email="ann@example.org") for i in range(FREE + 1)]
    assert [answer.status for answer in answers] == [401] * FREE + [429]


def send(site, body, content_type):
    fields = [("Content-Type", content_type)]
    return site.browser().send("POST", "/bff/login", fields, body)


UNREADABLE = {
    "a name twice": (b'{"username": "user%d", "username": "user9", "password": "x"}',
                     "application/json"),
    "another charset": (b'{"username": "user%d", "password": "x"}',
                        'application/json; charset="utf-7"'),
    "a broken form": (b"username=user%d&username=user9&password=x",
                      "application/x-www-form-urlencoded"),
    "half an object": (b'{"username": "user%d", "password": "x"', "application/json"),
}


def test_what_a_backend_might_read_otherwise_is_counted_all_together(site):
    answers = [
        send(site, body % i, content_type)
        for i in range(FREE)
        for body, content_type in UNREADABLE.values()
    ]
    statuses = [answer.status for answer in answers]
    assert 429 not in statuses[:FREE] and set(statuses[FREE:]) == {429}
    assert guess(site, "user10", "user10").status == 200


def test_a_login_that_names_no_account_counts_for_its_address(site):
    answers = [send(site, b'{"pin": "%d"}' % i, "application/json") for i in range(FREE + 1)]
    assert [answer.status for answer in answers] == [400] * FREE + [429]


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 429}, {"close": True}])
def test_what_django_does_not_say_is_no_failure(site, trouble):
    site.backend.control(login=trouble)
    try:
        statuses = {guess(site, "user11").status for _ in range(FREE + 3)}
    finally:
        site.backend.control(login=None)
    assert statuses == {trouble.get("status", 502)}
    assert guess(site, "user11", "user11").status == 200


def test_redis_knows_no_name(site):
    guess(site, "user12")
    keys = site.redis.keys("*a:{*")
    assert keys
    kept = b"".join(keys + [site.redis.get(key) for key in keys])
    assert b"user" not in kept
    assert all(0 < site.redis.pttl(key) <= 60_000 for key in keys)


def test_without_redis_nobody_guesses(site):
    calls = site.backend.calls_from_now()
    site.stack.redis.stop()
    try:
        answer = guess(site, "user13", "user13")
    finally:
        site.stack.redis.start()
    assert (answer.status, answer.code) == (503, "session_store_unavailable")
    assert calls.all(LOGIN) == []
    until(lambda: guess(site, "user13", "user13").status == 200, 10, "Redis is back")


def test_zero_counts_nothing():
    with running(FakeBackend, overrides={"attempts.failures": 0}) as site:
        assert {guess(site, "alice").status for _ in range(20)} == {401}
        assert site.redis.keys("*a:{*") == []


def test_one_address_is_limited_whatever_account_it_tries():
    """As shipped: a burst of 20, then 30 a minute."""
    with running(FakeBackend, login_rate=None) as site:
        calls = site.backend.calls_from_now()
        answers = [guess(site, f"nobody{i}") for i in range(40)]
        refused = [answer for answer in answers if answer.status == 429]
        assert [a.status for a in answers[:20]] == [401] * 20
        assert len(refused) >= 18
        for answer in refused:
            assert answer.code == "too_many_logins" and int(answer.header("Retry-After")) >= 1
            assert answer.header("Cache-Control") == "no-store"
        assert len(calls.all(LOGIN)) == 40 - len(refused)
        until(lambda: guess(site, "alice", "wonderland").status == 200, 10, "it may try again")


def test_a_foreign_page_cannot_use_up_its_visitors_logins():
    """What bffd refuses anyway is not counted; what it might not refuse is."""
    with running(FakeBackend, login_rate=None) as site:
        calls, stranger = site.backend.calls_from_now(), site.browser()
        for kind in ("cross-site", "same-site"):
            refused = [stranger.sign_in("alice", "guess", site=kind) for _ in range(40)]
            assert {(a.status, a.code) for a in refused} == {(403, "csrf_failed")}
        assert calls.all() == []
        assert site.browser().sign_in().status == 200
        twice = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-origin")]
        answers = [stranger.post("/bff/login", {"username": "alice"}, twice, site=None)
                   for _ in range(5)]
        assert {answer.status for answer in answers} == {403}
        assert len(calls.all()) == 1


ADDRESSES = {
    "192.0.2.1": "192.0.2.1",
    "192.0.2.2": "192.0.2.2",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
    "2001:db8:1:2::": "2001:db8:1:2::/64",
    "2001:db8:1:3::1": "2001:db8:1:3::/64",
    "2001:db8::1": "2001:db8::/64",
    "2001:db8::a:b:c:d": "2001:db8::/64",
    "2001:db8:0:1::1": "2001:db8:0:1::/64",
    "::1": "::1",
    "::ffff:192.0.2.1": "::ffff:192.0.2.1",
}


def key_of_login(nginx, address):
    with connection_from("127.0.0.1", nginx.port) as connection:
        connection.request("GET", "/", headers={"X-Test-Address": address})
        return connection.getresponse().getheader("X-Key")


def test_all_addresses_of_an_ipv6_network_count_as_one(tmp_path):
    """The shipped map, in an nginx that is told the address."""
    shipped = (SHIPPED / "bff-http.conf").read_text()
    (network,) = re.findall(r"^map \$remote_addr \$bff_network {.*?^}", shipped, re.M | re.S)
    network = network.replace("$binary_remote_addr", "$remote_addr")

    def write_config(port):
        (tmp_path / "nginx.conf").write_text(f"""
            daemon off; pid {tmp_path}/pid; events {{}}
            http {{
                client_body_temp_path {tmp_path}/temp; access_log off;
                {network}
                server {{
                    listen 127.0.0.1:{port};
                    set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;
                    location / {{ add_header X-Key "$bff_network"; return 204; }}
                }}
            }}""")

    nginx = Nginx(tmp_path, write_config)
    nginx.start()
    try:
        keys = {address: key_of_login(nginx, address) for address in ADDRESSES}
    finally:
        nginx.stop()
    for one, other in ((a, b) for a in ADDRESSES for b in ADDRESSES):
        assert (keys[one] == keys[other]) == (ADDRESSES[one] == ADDRESSES[other]), (one, other)


def connection_from(address, port):
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(address, 0)
    )
    return contextlib.closing(connection)


def test_djangos_own_throttle_sees_who_it_is():
    """DRF's, 20 a minute from one address: neither the addresses that somebody makes up nor bffd's
    own stand for his."""
    env = {"DJANGO_SETTINGS_MODULE": "sick_django", "BFF_TEST_SICKNESS": "one-throttle"}
    env["PYTHONPATH"] = str(Path(__file__).resolve().parents[1] / "e2e")
    overrides = {"attempts.failures": 0}
    with running(DjangoBackend, env=env, overrides=overrides, login_rate=100_000) as site:
        port = site.stack.nginx.port

        def sign_in(address, password, made_up):
            with connection_from(address, port) as connection:
                fields = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin",
                          "X-Forwarded-For": made_up, "X-Real-IP": made_up, "Host": "localhost"}
                body = json.dumps({"username": "alice", "password": password})
                connection.request("POST", "/bff/login", body, fields)
                return connection.getresponse().status

        statuses = [sign_in("127.0.0.2", "guess", f"10.0.0.{i}") for i in range(25)]
        assert statuses == [401] * 20 + [429] * 5
        assert sign_in("127.0.0.3", "wonderland", "127.0.0.2") == 200
        assert sign_in("127.0.0.2", "wonderland", "127.0.0.3") == 429
