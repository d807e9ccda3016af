"""What a thief of Redis, of the server key, or of the logs would hold: nothing he can use."""

import base64
import ctypes
import ctypes.util
import hashlib
import re
from pathlib import Path

import pytest

import record
import site_fixtures

SITE = {"env": {"BFF_TEST_ACCESS_SECONDS": 60}, "overrides": {"log.level": "debug"}}
OVERHEAD_KID, NONCE, TAG = 4, 24, 16


@pytest.fixture(scope="module")
def used(site):
    """A site on which everything has happened that leaves traces: (site, browser, cookies)."""
    alice, bob = site.signed_in(), site.signed_in("bob", "builder")
    gone = site.signed_in()
    cookies = [alice.cookie, bob.cookie, gone.cookie]
    site.backend.revoke_access("alice")
    assert alice.get("/api/whoami/").status == 200  # by a refresh and a retry
    assert bob.get("/api/whoami/").status == 200
    assert gone.sign_out().status == 204
    assert site.browser().sign_in(password="wrong-secret").status == 401
    assert site.browser("B" * 43).get("/api/whoami/").status == 401
    return site, alice, cookies


def dump(connection):
    """Every key and value, as they are kept and as they read."""
    parts = []
    for key in connection.scan_iter("*"):
        parts += [key, connection.dump(key) or b""]
        kind = connection.type(key)
        if kind == b"zset":
            parts += [member for member, _ in connection.zrange(key, 0, -1, withscores=True)]
        elif kind == b"hash":  # of attempts to sign in
            parts += [part for pair in connection.hgetall(key).items() for part in pair]
        elif kind == b"string":
            parts.append(connection.get(key))
        else:
            raise AssertionError(f"{key}: a {kind} is not expected here")
    return b"\n".join(parts)


def key_file(site):
    (path,) = re.findall(r"^key_file *= *(\S+)", site.stack.bffd.config.read_text(), re.MULTILINE)
    return Path(path)


def server_keys(site):
    lines = key_file(site).read_text().splitlines()
    return [base64.b64decode(line) for line in lines if line and not line.startswith("#")]


def readable(secret):
    """The forms in which a secret could stand somewhere."""
    raw = secret.encode()
    return {raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)}


def cookie_forms(cookie):
    bits = base64.urlsafe_b64decode(cookie + "=")
    forms = readable(cookie) | {bits, bits.hex().encode(), base64.b64encode(bits)}
    return forms


def assert_no_secret_in(heap, site, cookies):
    assert site_fixtures.tokens_in(heap, site.backend.all_issued()) == []
    for token in site.backend.all_issued():
        claims = base64.urlsafe_b64decode(token["token"].split(".")[1] + "==")
        assert claims not in heap, "the claims of a token can be read"
        assert token["jti"].encode() not in heap
    for cookie in cookies:
        assert not [form for form in cookie_forms(cookie) if form in heap]


def test_the_search_would_find_a_token_if_there_were_one(used):
    site, _, _ = used
    token = site.backend.issued("refresh", "bob")[-1]
    heap = b"x" * 1000 + token["token"].encode() + b"y" * 1000
    found = site_fixtures.tokens_in(heap, site.backend.all_issued())
    assert found == [("refresh", "bob", token["jti"])]


def test_a_dump_of_redis_holds_no_token_and_no_cookie(used):
    site, _, cookies = used
    heap = dump(site.redis)
    assert len(heap) > 1000 and len(site.session_keys()) == 2
    assert_no_secret_in(heap, site, cookies)


def test_a_dump_of_redis_names_no_user(used):
    site, _, _ = used
    heap = dump(site.redis)
    assert b"alice" not in heap and b"bob" not in heap


def test_a_dump_together_with_the_server_key_holds_no_token_and_no_cookie(used):
    site, _, cookies = used
    assert_no_secret_in(dump(site.redis) + key_file(site).read_bytes(), site, cookies)


def sodium():
    library = ctypes.CDLL(ctypes.util.find_library("sodium"))
    assert library.sodium_init() >= 0
    return library


def place(key, generation, field):
    """What a sealed value is bound to (bff/codec/seal.h)."""
    def prefixed(text):
        return len(text).to_bytes(8, "big") + text

    return prefixed(key) + generation.to_bytes(8, "big") + prefixed(field)


def unseal(sealed, key, associated):
    library = sodium()
    nonce, ciphertext = sealed[OVERHEAD_KID:][:NONCE], sealed[OVERHEAD_KID + NONCE :]
    plain = ctypes.create_string_buffer(len(ciphertext))
    size = ctypes.c_ulonglong()
    failed = library.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(size), None,
        ciphertext, ctypes.c_ulonglong(len(ciphertext)),
        associated, ctypes.c_ulonglong(len(associated)),
        nonce, key,
    )
    return None if failed else plain.raw[: size.value]


def derived(server_key, cookie):
    return hashlib.blake2b(
        b"bffd seal v1" + cookie, digest_size=32, key=server_key
    ).digest()


def test_the_server_key_alone_opens_nothing_and_the_cookie_is_what_is_missing(used):
    site, alice, _ = used
    (server_key,) = server_keys(site)
    opened = []
    for key in site.session_keys():
        stored = record.of(site.redis, key)
        associated = place(key, stored.generation, b"record")
        guesses = [server_key, derived(server_key, b""), derived(server_key, key)]
        assert not [g for g in guesses if unseal(stored.sealed, g, associated) is not None]
        row = unseal(stored.sealed, derived(server_key, alice.cookie.encode()), associated)
        opened += [record.texts(row)["access"]] if row else []
    newest = site.backend.issued("access", "alice")[-1]["token"].encode()
    assert newest in opened, "with the cookie it opens: else this test shows nothing"


def test_a_record_moved_to_another_key_does_not_open(used):
    """Whoever may write to Redis cannot give his own cookie somebody else's session."""
    site, _, _ = used
    victim, victims = site.signed_in_with_key()
    thief, thiefs = site.signed_in_with_key(user="bob", password="builder")
    site.redis.delete(thiefs)
    site.redis.copy(victims, thiefs)
    assert thief.get("/api/whoami/").status == 401
    assert victim.get("/api/whoami/").status == 200


def test_what_is_sealed_for_another_generation_or_session_does_not_open(used):
    site, _, _ = used
    browser, key = site.signed_in_with_key()
    other, others = site.signed_in_with_key()
    fields, sealed = site.redis.get(key), site.redis.get(others)[record.FIELDS_BYTES :]
    site.redis.set(key, fields[: record.FIELDS_BYTES] + sealed, keepttl=True)
    assert browser.get("/api/whoami/").status == 401
    generation = bytearray(site.redis.get(others))
    generation[5] = 7
    site.redis.set(others, bytes(generation), keepttl=True)
    assert other.get("/api/whoami/").status == 401


def test_no_log_holds_a_token_a_cookie_or_a_password(used):
    site, _, cookies = used
    nginx = site.stack.nginx
    logs = [site.stack.bffd.log, nginx.log, nginx.access_log, site.stack.redis.log]
    for log in logs:
        text = log.read_bytes() if log.exists() else b""
        assert_no_secret_in(text, site, cookies)
        assert b"wonderland" not in text and b"wrong-secret" not in text


def test_no_process_shows_a_token_a_cookie_or_a_key_in_its_arguments_or_environment(used):
    site, _, cookies = used
    shown = b""
    for pid in [site.stack.bffd.pid, *site.stack.bffd.worker_pids()]:
        for name in ("cmdline", "environ"):
            shown += Path(f"/proc/{pid}/{name}").read_bytes()
    assert_no_secret_in(shown, site, cookies)
    assert key_file(site).read_bytes().strip() not in shown


def test_a_worker_leaves_no_core_behind(used):
    site, _, _ = used
    for pid in site.stack.bffd.worker_pids():
        limits = Path(f"/proc/{pid}/limits").read_text()
        (soft,) = re.findall(r"Max core file size +(\d+|unlimited)", limits)
        assert soft == "0"
