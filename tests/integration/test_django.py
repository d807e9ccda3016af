"""The Django project and the fake backend under tests/django do what other tests rely on."""

import base64
import concurrent.futures
import hashlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests
import websocket

DJANGO = Path(__file__).resolve().parents[1] / "django"
PYTHON = "/usr/bin/python3"
DEADLINE_S = 20


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def eventually(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "the deadline has passed"
        time.sleep(0.02)
    return found


def bearer(access):
    return {"Authorization": f"Bearer {access}"}


class Client:
    """What a browser with an interceptor would send, one method for each step."""

    def __init__(self, url):
        self.url = url

    def call(self, method, path, access=None, **options):
        headers = {**options.pop("headers", {}), **(bearer(access) if access else {})}
        options.setdefault("allow_redirects", False)
        return requests.request(method, self.url + path, headers=headers, timeout=30, **options)

    def get(self, path, access=None, **options):
        return self.call("GET", path, access, **options)

    def post(self, path, access=None, **options):
        return self.call("POST", path, access, **options)

    def login(self, user="alice", password="wonderland"):
        answer = self.post("/api/token/", json={"username": user, "password": password})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refresh(self, token):
        return self.post("/api/token/refresh/", json={"refresh": token})


class Django(Client):
    def __init__(self, directory, **env):
        port = free_port()
        super().__init__(f"http://127.0.0.1:{port}")
        self.token_log = directory / "tokens.jsonl"
        self.call_log = directory / "calls.jsonl"
        self.server_log = directory / "gunicorn.log"
        self.signing_key = directory / "signing-key"
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "BFF_TEST_DIR": str(directory),
            "BFF_TEST_TOKEN_LOG": str(self.token_log),
            "BFF_TEST_CALL_LOG": str(self.call_log),
            **env,
        }
        self.command = [PYTHON, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "16"]
        self.command += ["-w", "2", "--bind", f"127.0.0.1:{port}", "project.wsgi"]

    def __enter__(self):
        here = {"cwd": DJANGO, "env": self.env}
        subprocess.run([PYTHON, "manage.py", "prepare"], check=True, **here)
        log = self.server_log.open("w")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log, **here)
        try:
            eventually(self.is_ready)
        except AssertionError:
            self.__exit__()
            pytest.fail(self.server_log.read_text())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(DEADLINE_S)

    def is_ready(self):
        assert self.process.poll() is None, self.server_log.read_text()
        try:
            return self.get("/health/").status_code == 200
        except requests.ConnectionError:
            return False

    def calls(self, path):
        return [call for call in lines(self.call_log) if call["path"] == path]


@pytest.fixture(scope="module")
def django(tmp_path_factory):
    with Django(tmp_path_factory.mktemp("django")) as server:
        yield server


@pytest.fixture
def access(django):
    return django.login()["access"]


# Tokens


def test_a_login_answers_a_pair_and_a_wrong_password_is_401_without_a_code(django):
    assert sorted(django.login()) == ["access", "refresh"]
    refused = django.post("/api/token/", json={"username": "alice", "password": "wrong"})
    assert refused.status_code == 401 and "code" not in refused.json()


@pytest.mark.parametrize("user,password", [("bob", "builder"), ("carol", "carroll")])
def test_every_user_can_sign_in(django, user, password):
    access = django.login(user, password)["access"]
    assert django.get("/api/whoami/", access).json()["username"] == user


def test_an_access_token_lives_for_30_seconds_by_default(access):
    assert 28 <= claims(access)["exp"] - time.time() <= 31


def test_a_refresh_rotates_and_the_old_token_is_dead(django):
    first = django.login()
    second = django.refresh(first["refresh"])
    assert second.status_code == 200 and second.json()["refresh"] != first["refresh"]
    again = django.refresh(first["refresh"])
    assert again.status_code == 401 and again.json()["code"] == "token_not_valid"
    assert django.refresh(second.json()["refresh"]).status_code == 200


def test_a_blacklisted_refresh_token_is_dead_and_the_access_token_is_not(django):
    pair = django.login()
    told = django.post("/api/token/blacklist/", json={"refresh": pair["refresh"]})
    assert (told.status_code, told.json()) == (200, {})
    assert django.refresh(pair["refresh"]).status_code == 401
    assert django.get("/api/whoami/", pair["access"]).status_code == 200


def test_the_ledger_holds_every_token_once_with_its_parent(django):
    pair = django.login()
    successor = django.refresh(pair["refresh"]).json()
    ledger = {entry["token"]: entry for entry in lines(django.token_log)}
    assert len(ledger) == len(lines(django.token_log))
    root = claims(pair["refresh"])["jti"]
    for token, kind, parent in [
        (pair["refresh"], "refresh", None),
        (pair["access"], "access", root),
        (successor["refresh"], "refresh", root),
        (successor["access"], "access", root),
    ]:
        assert ledger[token] == {
            "kind": kind,
            "token": token,
            "jti": claims(token)["jti"],
            "parent_jti": parent,
            "user": "alice",
        }


def test_revoking_makes_unexpired_access_tokens_invalid_but_not_new_ones(django):
    pair = django.login()
    bob = django.login("bob", "builder")
    assert django.post("/test/revoke-access/", json={"user": "alice"}).status_code == 200
    refused = django.get("/api/whoami/", pair["access"])
    assert refused.status_code == 401 and refused.json()["code"] == "token_not_valid"
    assert django.get("/api/whoami/", bob["access"]).status_code == 200
    renewed = django.refresh(pair["refresh"]).json()
    assert django.get("/api/whoami/", renewed["access"]).status_code == 200
    assert django.post("/test/revoke-access/").status_code == 200
    for token in (bob["access"], renewed["access"]):
        assert django.get("/api/whoami/", token).status_code == 401


def test_a_new_signing_key_is_used_at_once_and_ends_every_token(django):
    pair = django.login()
    replacement = django.signing_key.with_suffix(".new")
    replacement.write_text(os.urandom(32).hex())
    replacement.rename(django.signing_key)
    assert django.get("/api/whoami/", pair["access"]).status_code == 401
    assert django.refresh(pair["refresh"]).status_code == 401
    assert django.get("/api/whoami/", django.login()["access"]).status_code == 200


def test_lifetimes_rotation_and_blacklist_follow_the_environment(tmp_path):
    short = {"BFF_TEST_ACCESS_SECONDS": "4", "BFF_TEST_REFRESH_SECONDS": "7"}
    with Django(tmp_path, **short, BFF_TEST_ROTATE="0", BFF_TEST_BLACKLIST="0") as server:
        pair = server.login()
        assert server.get("/api/whoami/", pair["access"]).status_code == 200
        assert "refresh" not in server.refresh(pair["refresh"]).json()
        assert server.refresh(pair["refresh"]).status_code == 200
        eventually(lambda: server.get("/api/whoami/", pair["access"]).status_code == 401)
        eventually(lambda: server.refresh(pair["refresh"]).status_code == 401)


# The call log


def test_the_call_log_names_the_request_the_user_and_the_token(django):
    pair = django.login()
    tag = os.urandom(8).hex()
    django.get("/api/whoami/", pair["access"], headers={"X-Request-ID": tag})
    (call,) = [c for c in django.calls("/api/whoami/") if c["request_id"] == tag]
    assert call == {
        "method": "GET",
        "path": "/api/whoami/",
        "status": 200,
        "request_id": tag,
        "user": "alice",
        "jti": claims(pair["access"])["jti"],
    }
    django.refresh(pair["refresh"])
    assert django.calls("/api/token/refresh/")[-1]["jti"] == claims(pair["refresh"])["jti"]


def test_the_call_log_has_the_token_of_a_refused_call_too(django):
    token = django.login()["access"]
    django.post("/test/revoke-access/")
    django.get("/api/whoami/", token)
    call = django.calls("/api/whoami/")[-1]
    assert (call["status"], call["user"], call["jti"]) == (401, None, claims(token)["jti"])


def test_calls_at_the_same_time_do_not_mix_their_lines(django, access):
    before = len(django.calls("/api/echo/"))
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda _: django.get("/api/echo/", access), range(200))
        assert {answer.status_code for answer in answers} == {200}
    assert len(django.calls("/api/echo/")) == before + 200


def test_health_and_control_are_not_in_the_call_log(django):
    django.get("/health/")
    assert not django.calls("/health/") and not django.calls("/test/revoke-access/")


# The application


def test_tasks_can_be_made_read_changed_and_deleted(django, access):
    made = django.post("/api/tasks/", access, json={"title": "buy milk"})
    assert made.status_code == 201
    path = f"/api/tasks/{made.json()['id']}/"
    assert django.get(path, access).json()["done"] is False
    assert django.call("PATCH", path, access, json={"done": True}).json()["done"] is True
    put = django.call("PUT", path, access, json={"title": "buy bread", "done": True})
    assert put.json()["title"] == "buy bread"
    assert django.call("DELETE", path, access).status_code == 204
    assert django.get(path, access).status_code == 404


def test_tasks_belong_to_their_owner(django, access):
    path = f"/api/tasks/{django.post('/api/tasks/', access, json={'title': 'mine'}).json()['id']}/"
    bob = django.login("bob", "builder")["access"]
    assert django.get(path, bob).status_code == 404
    assert django.call("DELETE", path, bob).status_code == 404


def test_pages_link_to_each_other_with_the_scheme_and_host_the_browser_sees(django):
    carol = django.login("carol", "carroll")["access"]
    for n in range(3):
        django.post("/api/tasks/", carol, json={"title": f"task {n}"})
    seen = {"Host": "shop.example:8443", "X-Forwarded-Proto": "https"}
    page = django.get("/api/tasks/?page_size=2", carol, headers=seen).json()
    assert page["next"] == "https://shop.example:8443/api/tasks/?page=2&page_size=2"
    assert [task["title"] for task in page["results"]] == ["task 2", "task 1"]


def test_writers_at_the_same_time_wait_for_each_other(django, access):
    write = lambda n: django.post("/api/tasks/", access, json={"title": str(n)}).status_code
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert set(pool.map(write, range(100))) == {201}


def test_an_upload_of_50_mb_is_hashed_raw_and_as_a_form(django, access):
    body = os.urandom(50 << 20)
    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert django.post("/api/upload/", access, data=body).json() == expected
    assert django.post("/api/upload/", access, files={"file": body}).json() == expected
    empty = {"size": 0, "sha256": hashlib.sha256().hexdigest()}
    assert django.post("/api/upload/", access).json() == empty


def test_a_stream_sends_each_event_when_it_happens(django, access):
    accept = {"Accept": "text/event-stream"}
    with django.get(
        "/api/stream/?count=3&interval=0.5", access, headers=accept, stream=True
    ) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-cache"
        arrivals, ids = [], []
        for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("id: "):
                arrivals.append(time.monotonic())
                ids.append(line)
    assert ids == ["id: 1", "id: 2", "id: 3"]
    assert arrivals[2] - arrivals[0] > 0.8


def test_a_download_is_whole_or_the_range_asked_for(django, access):
    path = "/api/download/?size=200000"
    whole = django.get(path, access)
    assert (whole.status_code, len(whole.content)) == (200, 200_000)
    for header, part, span in [
        ("bytes=0-0", whole.content[:1], "0-0"),
        ("bytes=65530-65550", whole.content[65530:65551], "65530-65550"),
        ("bytes=199990-", whole.content[199990:], "199990-199999"),
        ("bytes=-5", whole.content[-5:], "199995-199999"),
        ("bytes=100-999999", whole.content[100:], "100-199999"),
    ]:
        answer = django.get(path, access, headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["Content-Range"] == f"bytes {span}/200000"


def test_a_range_that_cannot_be_had_is_416_and_a_changed_resource_is_sent_whole(django, access):
    path = "/api/download/?size=1000"
    beyond = django.get(path, access, headers={"Range": "bytes=1000-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */1000")
    changed = django.get(path, access, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, 1000)


@pytest.mark.parametrize("path", ["/api/download/?size=-1", "/api/stream/?count=x"])
def test_an_impossible_number_is_400(django, access, path):
    assert django.get(path, access).status_code == 400


def test_a_wrong_current_password_is_a_401_that_is_not_about_the_token(django, access):
    wrong = django.post("/api/password/", access, json={"current": "x", "new": "wonderland"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_password")
    assert django.get("/api/whoami/", access).status_code == 200
    same = {"current": "wonderland", "new": "wonderland"}
    assert django.post("/api/password/", access, json=same).status_code == 200
    django.login()


# What a proxy has to carry


@pytest.mark.parametrize(
    "path,status,content_type",
    [
        ("/api/forbidden/", 403, "application/json"),
        ("/api/missing/", 404, "application/json"),
        ("/api/broken/", 500, "text/html"),
        ("/api/redirect/", 302, "text/html"),
        ("/api/empty/", 204, None),
        ("/api/always401/", 401, "application/json"),
        ("/nowhere/", 404, "text/html"),
    ],
)
def test_an_answer_has_its_status_and_type(django, access, path, status, content_type):
    answer = django.get(path, access)
    assert answer.status_code == status
    assert (answer.headers.get("Content-Type") or "").partition(";")[0] == (content_type or "")


def test_a_redirect_points_to_whoami_on_the_same_host(django, access):
    assert django.get("/api/redirect/", access).headers["Location"] == "/api/whoami/"


def test_always401_says_never_with_a_challenge_whoever_asks(django, access):
    for token in (access, None):
        answer = django.get("/api/always401/", token)
        assert (answer.status_code, answer.json()) == (401, {"detail": "never"})
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_known_etag_is_304_and_only_for_who_may_read(django, access):
    first = django.get("/api/notmodified/", access)
    known = {"If-None-Match": first.headers["ETag"]}
    again = django.get("/api/notmodified/", access, headers=known)
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert django.get("/api/notmodified/", headers=known).status_code == 401


def test_echo_shows_what_arrived_for_every_method(django, access):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = django.call(
            method, "/api/echo/?q=a%2Fb", access, data=b"\0body", headers={"X-Some": "thing"}
        ).json()
        assert (answer["method"], answer["path"]) == (method, "/api/echo/")
        assert answer["query"] == "q=a%2Fb"
        assert answer["headers"]["Authorization"] == f"Bearer {access}"
        assert answer["headers"]["X-Some"] == "thing"
        assert answer["body_sha256"] == hashlib.sha256(b"\0body").hexdigest()
        assert answer["body_length"] == 5


def raw_head(url, path, access):
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as raw:
        raw.sendall(
            f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {access}\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[::2]


def test_head_has_the_headers_of_get_and_no_endless_body(django, access):
    head, body = raw_head(django.url, "/api/download/?size=9", access)
    assert head.startswith(b"HTTP/1.1 200 ") and b"Content-Length: 9" in head and body == b""
    head, body = raw_head(django.url, "/api/stream/?count=1000", access)
    assert b"text/event-stream" in head and body == b""


def test_gunicorn_sends_the_body_of_an_ordinary_view_even_for_head(django, access):
    """Django leaves that to the server, and Debian's gunicorn does not see to it: nginx has to."""
    head, body = raw_head(django.url, "/api/whoami/", access)
    assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body)["username"] == "alice"


def test_hostile_plants_cookies_and_steers_nginx(django, access):
    answer = django.get("/api/hostile/", access)
    assert set(answer.cookies.keys()) == {"sessionid", "csrftoken", "__Host-session"}
    for name in ("X-Accel-Redirect", "X-Accel-Buffering", "Authorization", "Attach", "Note"):
        assert name in answer.headers


def test_a_missing_slash_is_redirected(django, access):
    answer = django.get("/api/whoami", access)
    assert (answer.status_code, answer.headers["Location"]) == (301, "/api/whoami/")


@pytest.mark.parametrize(
    "path", ["whoami", "tasks", "stream", "download", "echo", "forbidden", "hostile", "notmodified"]
)
def test_nothing_is_served_without_a_token(django, path):
    answer = django.get(f"/api/{path}/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


# The fake backend


class Fake(Client):
    def __init__(self, directory):
        self.directory = directory
        command = [PYTHON, DJANGO / "fake_backend.py", "--port", "0", "--dir", directory]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        assert word == "ready"
        self.port = int(port)
        super().__init__(f"http://127.0.0.1:{port}")

    def control(self, **wanted):
        answer = self.post("/control", json=wanted)
        assert answer.status_code == 200, answer.text

    def calls(self, kind):
        return [call for call in self.get("/calls").json() if call["kind"] == kind]


@pytest.fixture(scope="module")
def fake_process(tmp_path_factory):
    backend = Fake(tmp_path_factory.mktemp("fake"))
    yield backend
    backend.process.terminate()
    backend.process.wait(DEADLINE_S)
    backend.process.stdout.close()


@pytest.fixture
def fake(fake_process):
    fake_process.control(reset=True)
    fake_process.call("DELETE", "/calls")
    return fake_process


def test_left_alone_the_fake_rotates_and_blacklists_as_django_does(fake):
    pair = fake.login()
    assert fake.get("/api/whoami/", pair["access"]).json()["user"] == "alice"
    successor = fake.refresh(pair["refresh"]).json()
    again = fake.refresh(pair["refresh"])
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
    assert fake.post("/api/token/blacklist/", json={"refresh": successor["refresh"]}).json() == {}
    assert fake.refresh(successor["refresh"]).status_code == 401
    assert fake.post("/api/token/", json={"username": "alice", "password": "x"}).status_code == 401
    assert fake.post("/api/token/", json={}).status_code == 400
    assert fake.get("/api/whoami/").status_code == 401


def test_the_fake_remembers_its_calls_and_its_tokens(fake):
    pair = fake.login()
    fake.refresh(pair["refresh"])
    (call,) = fake.calls("refresh")
    assert (call["method"], call["status"]) == ("POST", 200)
    assert call["jti"] == claims(pair["refresh"])["jti"]
    assert pair["refresh"] in [entry["token"] for entry in fake.get("/tokens").json()]
    assert pair["access"] in (fake.directory / "tokens.jsonl").read_text()
    # A call is noted when it has been answered.
    eventually(lambda: lines(fake.directory / "calls.jsonl")[-1]["kind"] == "refresh")


def test_the_fakes_lifetimes_keys_and_revocations_can_be_set(fake):
    fake.control(settings={"access_seconds": -1, "rotate": False})
    pair = fake.login()
    assert fake.get("/api/x/", pair["access"]).status_code == 401
    assert "refresh" not in fake.refresh(pair["refresh"]).json()
    fake.control(reset=True)
    pair = fake.login()
    assert fake.get("/api/x/", pair["access"]).status_code == 200
    fake.control(revoke_access=True)
    assert fake.get("/api/x/", pair["access"]).status_code == 401
    assert fake.refresh(pair["refresh"]).status_code == 200
    pair = fake.login()
    fake.control(new_key=True)
    assert fake.refresh(pair["refresh"]).status_code == 401


@pytest.mark.parametrize("kind", ["login", "refresh", "revoke", "api"])
def test_the_fake_answers_any_status_body_and_type(fake, kind):
    told = {"status": 418, "body": "<h1>no</h1>", "content_type": "text/html"}
    fake.control(**{kind: {**told, "headers": [["Retry-After", "7"]], "times": 1}})
    paths = {"login": "", "refresh": "refresh/", "revoke": "blacklist/"}
    path = f"/api/token/{paths[kind]}" if kind in paths else "/api/x/"
    answer = fake.post(path, json={})
    assert (answer.status_code, answer.text) == (418, "<h1>no</h1>")
    assert answer.headers["Content-Type"] == "text/html" and answer.headers["Retry-After"] == "7"
    assert fake.post(path, json={}).status_code != 418


def test_the_fake_speaks_other_dialects(fake):
    paths = {"login": "/o/login/", "refresh": "/o/renew/"}
    cookies = {"body": {}, "headers": [["Set-Cookie", "refresh=$refresh; HttpOnly"]]}
    fake.control(settings=paths, login=cookies)
    answer = fake.post("/o/login/")
    token = answer.cookies["refresh"]
    assert "access" in fake.post("/o/renew/", cookies={"refresh": token}).json()
    nested = {"body": '{"data": {"access_token": "$access"}}'}
    fake.control(login=nested)
    access = fake.post("/o/login/").json()["data"]["access_token"]
    assert fake.get("/api/x/", access).status_code == 200


def test_a_typo_in_a_control_is_refused(fake):
    answer = fake.post("/control", json={"refresh": {"statsu": 500}, "hagn": True})
    assert (answer.status_code, answer.json()) == (400, {"unknown": ["hagn", "statsu"]})


def test_the_fake_hangs_until_released(fake):
    pair = fake.login()
    fake.control(refresh={"hang": True})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(fake.refresh, pair["refresh"])
        eventually(lambda: fake.calls("refresh"))
        assert not waiting.done() and fake.calls("refresh")[0]["status"] is None
        fake.control(release=True)
        assert waiting.result(DEADLINE_S).status_code == 200


def test_the_fake_can_rotate_and_then_lose_the_answer(fake):
    for fault in ({"close": True}, {"reset": True}):
        pair = fake.login()
        fake.control(refresh={**fault, "times": 1})
        with pytest.raises(requests.ConnectionError):
            fake.refresh(pair["refresh"])
        assert fake.refresh(pair["refresh"]).status_code == 200
        pair = fake.login()
        fake.control(refresh={**fault, "processed": True, "times": 1})
        with pytest.raises(requests.ConnectionError):
            fake.refresh(pair["refresh"])
        assert fake.refresh(pair["refresh"]).status_code == 401


def test_a_reset_is_a_reset_and_not_an_orderly_end(fake):
    fake.control(api={"reset": True})
    with socket.create_connection(("127.0.0.1", fake.port)) as raw:
        raw.sendall(b"GET /api/x/ HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_the_fake_delays_drips_truncates_and_inflates(fake):
    fake.control(login={"delay": 0.3})
    began = time.monotonic()
    fake.login()
    assert time.monotonic() - began >= 0.3
    fake.control(login={"status": 200, "body": "{}", "drip": 0.002})
    began = time.monotonic()
    assert fake.login() == {}
    assert time.monotonic() - began >= 0.1
    fake.control(login={"truncate": 10})
    with pytest.raises(requests.RequestException):
        fake.login()
    fake.control(login={"body": '{"access": "'})
    with pytest.raises(ValueError):
        fake.login()
    fake.control(login={"pad": 10_000_000})
    assert len(fake.login()["pad"]) == 10_000_000


def test_the_fake_hashes_a_large_upload(fake):
    body = os.urandom(50 << 20)
    answer = fake.post("/api/upload/", fake.login()["access"], data=body)
    assert answer.json() == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_an_early_answer_does_not_wait_for_the_body(fake):
    fake.control(api={"status": 401, "early": True})
    with socket.create_connection(("127.0.0.1", fake.port)) as raw:
        raw.sendall(b"POST /api/upload/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 401 ")


def connect(fake, **options):
    return websocket.create_connection(f"ws://127.0.0.1:{fake.port}/api/ws/", timeout=10, **options)


def test_a_websocket_greets_with_the_scheme_only_and_echoes(fake):
    ws = connect(fake, header=["Authorization: Bearer secret"])
    assert ws.recv() == "Bearer"
    for size in (0, 1, 125, 126, 65535, 65536, 300_000):
        payload = os.urandom(size)
        ws.send_binary(payload)
        assert ws.recv() == payload
    ws.send("grüße")
    assert ws.recv() == "grüße"
    ws.ping("here")
    assert ws.recv_data(control_frame=True) == (websocket.ABNF.OPCODE_PONG, b"here")
    ws.close()
    eventually(lambda: fake.calls("api")[-1]["status"] == 101)


def test_a_websocket_without_authorization_is_refused(fake):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(fake)
    assert refused.value.status_code == 401
