#!/usr/bin/python3
"""
A backend that misbehaves when told to. Left alone it answers as simplejwt does, rotation and
blacklist included, with tokens it signs itself; told so, as others do. Standard library only.

    /usr/bin/python3 fake_backend.py --port 0 --dir DIR        prints `ready PORT`

SIGUSR1: it goes away as a server does that is stopped: calls under way are answered, its port is
closed. SIGUSR2: it is there again, and knows what it knew.

Every token issued is appended to DIR/tokens.jsonl, every one that was rotated away or revoked to
DIR/ends.jsonl, every call, headers and all, to DIR/calls.jsonl once it is answered.

POST /api/token/ /api/token/refresh/ /api/token/blacklist/   login, refresh, revoke
POST /api/upload/       {"size", "sha256"} of a body of any size
GET  /api/ws/           WebSocket: greets with the scheme of the Authorization it got, then echoes
     /api/...           what arrived; 401 token_not_valid without a valid access token
GET  /calls             what was called, oldest first; status is null as long as it is unanswered
DELETE /calls           forget it
GET  /tokens            what was issued
POST /control           a JSON object, any of:
  "reset": true               (done first) answer as usual again, default settings, release
  "login", "refresh", "revoke", "api": how to answer from now on (null: as usual), see below
  "paths": {PATH: ...}        the same for a single path, whatever is there
  "settings": {...}           see SETTINGS
  "release": true             let everything that hangs go on
  "revoke_access": true       access tokens issued so far become invalid
  "new_key": true             every token issued so far becomes invalid

How to answer: what the answer is, and what goes wrong with it
  status, body, content_type  $access and $refresh in a body or header stand for new tokens of alice
  headers                     [[name, value], ...] in addition
  pad                         a JSON answer gets a member "pad" of that many bytes
  processed                   true: do what the call asks for (rotate, blacklist) although the
                              answer is another one, or is never sent
  early                       true: answer before reading the request's body
  delay, delay_answer         seconds before, or after, the call is processed
  hang, hang_answer           true: until released, before, or after, it is processed
  close, reset                true: end the connection (FIN, or RST) without an answer
  truncate                    send that many bytes of the body only, and close
  reset_after                 send that many bytes of the answer, head included, and reset
  sweep                       true: one byte more with every call
  kept                        true: only calls on a connection that has served another
  drip                        seconds between one byte and the next
  times                       only for that many calls, then as usual
"""

import argparse
import hashlib
import json
import os
import signal
import socket
import string
import struct
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import fake_dialect
from fake_tokens import USERS, Issuer, add_users
from fake_websocket import WebSocket, accept_key, is_upgrade

SETTINGS = {
    "access_seconds": 30,
    # All access tokens end at this second, whenever they are issued.
    "access_until": None,
    "refresh_seconds": 86400,
    "rotate": True,
    "blacklist": True,
    # For so long a token that was rotated is answered with the same successor again.
    "grace_seconds": 0,
    # Its clock is so many seconds ahead: in `exp` and in Date. (The ledger has the true time.)
    "clock_ahead": 0,
    # So many users besides alice, bob and carol: see fake_tokens.
    "users": 0,
    # Where they are; where login and refresh share a path, OAuth's grant_type tells them apart.
    "login": "/api/token/",
    "refresh": "/api/token/refresh/",
    "revoke": "/api/token/blacklist/",
    **fake_dialect.DIALECT,
}
KINDS = ("login", "refresh", "revoke", "api")
CONTROLS = {"reset", "settings", "paths", "release", "revoke_access", "new_key"}
FAULTS = set(
    "status body content_type headers pad processed early delay delay_answer hang hang_answer"
    " close reset truncate reset_after sweep kept drip times".split()
)
CHALLENGE = ("WWW-Authenticate", 'Bearer realm="api"')
KEPT_BODY = 1 << 16


class Backend(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 4096

    def __init__(self, port, directory):
        super().__init__(("127.0.0.1", port), Handler)
        os.makedirs(directory, exist_ok=True)
        self.settings = dict(SETTINGS)
        logs = [self.log(directory, name) for name in ("tokens.jsonl", "ends.jsonl")]
        self.issuer = Issuer(self.settings, *logs)
        self.call_log = self.log(directory, "calls.jsonl")
        self.lock = threading.Lock()
        self.calls = []
        self.faults = {}
        self.released = threading.Event()
        self.connections = set()
        self.come()

    def come(self):
        self.serving = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.serving.start()

    def go_away(self):
        self.shutdown()
        self.serving.join()
        self.socket.close()
        with self.lock:
            for connection in self.connections:
                connection.shutdown(socket.SHUT_RD)  # no further call; an answer may still go out

    def come_back(self):
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        self.come()

    @staticmethod
    def log(directory, name):
        return open(os.path.join(directory, name), "a", buffering=1)

    def handle_error(self, request, client_address):
        """Clients that go away are part of the tests; anything else is worth a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def control(self, wanted):
        unknown = wanted.keys() - CONTROLS - set(KINDS)
        unknown |= wanted.get("settings", {}).keys() - SETTINGS.keys()
        hows = {kind: wanted[kind] for kind in KINDS if kind in wanted}
        hows.update(wanted.get("paths", {}))
        unknown |= {key for how in hows.values() for key in how or {}} - FAULTS
        if unknown:
            return Answer(400, {"unknown": sorted(unknown)})
        with self.lock:
            if wanted.get("reset"):
                self.faults.clear()
                self.settings.update(SETTINGS)
            if wanted.get("reset") or wanted.get("release"):
                self.released.set()
                self.released = threading.Event()
            self.settings.update(wanted.get("settings", {}))
            add_users(self.settings["users"])
            self.faults.update(hows)
        if wanted.get("revoke_access"):
            self.issuer.revoke_access()
        if wanted.get("new_key"):
            self.issuer.new_key()
        return Answer(200, {})

    def take_fault(self, path, kind, is_kept):
        with self.lock:
            where = path if self.faults.get(path) else kind
            fault = self.faults.get(where)
            if not fault or (fault.get("kept") and not is_kept):
                return {}
            taken = dict(fault)
            if fault.get("sweep"):
                fault["reset_after"] += 1
            if "times" in fault:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    del self.faults[where]
            return taken


class Answer:
    def __init__(self, status, content, *headers):
        self.status = status
        self.body = json.dumps(content)
        self.content_type = "application/json"
        self.headers = list(headers)

    def distort(self, fault, issuer):
        self.status = fault.get("status", self.status)
        self.content_type = fault.get("content_type", self.content_type)
        self.headers += fault.get("headers", [])
        if "body" in fault:
            body = fault["body"]
            self.body = body if isinstance(body, str) else json.dumps(body)
        elif "status" in fault:
            self.body = json.dumps({"detail": "as told"})
        if "pad" in fault:
            self.body = json.dumps({**json.loads(self.body), "pad": "x" * fault["pad"]})
        texts = [self.body, *(value for _, value in self.headers)]
        if any(name in text for name in ("$access", "$refresh") for text in texts):
            tokens = issuer.sign_in("alice")
            texts = [string.Template(text).safe_substitute(tokens) for text in texts]
            self.body, *values = texts
            self.headers = [(name, value) for (name, _), value in zip(self.headers, values)]

    def head(self, size, at):
        lines = [f"HTTP/1.1 {self.status} As Told", f"Date: {formatdate(at, usegmt=True)}"]
        lines.append(f"Content-Type: {self.content_type}")
        if self.status not in (204, 304):
            lines.append(f"Content-Length: {size}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


def invalid_token(detail="Token is invalid or expired"):
    return Answer(401, {"detail": detail, "code": "token_not_valid"}, CHALLENGE)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.served = 0
        with self.server.lock:
            self.server.connections.add(self.connection)

    def finish(self):
        with self.server.lock:
            self.server.connections.discard(self.connection)
        super().finish()

    def dispatch(self):
        self.served += 1
        self.path, _, self.query = self.path.partition("?")
        self.path = urlsplit(self.path).path
        self.unread = int(self.headers.get("Content-Length") or 0)
        self.body, self.body_size, self.body_digest = b"", 0, None
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send(Answer(411, {"detail": "A WSGI server sees no body without its length."}))
        elif self.path == "/control" and self.command == "POST":
            self.send(self.server.control(json.loads(self.read_body())))
        elif self.path == "/calls":
            self.answer_calls()
        elif self.path == "/tokens":
            self.send(Answer(200, self.server.issuer.issued))
        elif self.path == "/health/":
            self.send(Answer(200, {"status": "ok"}))
        else:
            self.answer_call()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = dispatch

    def answer_calls(self):
        with self.server.lock:
            if self.command == "DELETE":
                self.server.calls.clear()
            answer = Answer(200, self.server.calls)
        self.send(answer)

    # One call, from its arrival to whatever becomes of it

    def answer_call(self):
        kind = next((k for k in KINDS[:3] if self.path == self.server.settings[k]), "api")
        fault = self.server.take_fault(self.path, kind, self.served > 1)
        call = {
            "at": time.time(),
            "kind": kind,
            "method": self.command,
            "path": self.path,
            "query": self.query,
            "request_id": self.headers.get("X-Request-ID"),
            "headers": self.headers.items(),
            "status": None,
            "whole": False,
        }
        if not fault.get("early"):
            self.digest_body()
            call["body"] = self.body.decode("utf-8", "replace")
            call["body_size"] = self.body_size
        if kind == "login" and self.fields().get("grant_type") == "refresh_token":
            call["kind"] = kind = "refresh"
        call["jti"] = self.server.issuer.claims(self.presented_token(kind)).get("jti")
        with self.server.lock:
            self.server.calls.append(call)
        try:
            self.carry_out(kind, fault, call)
        finally:
            call["answered_at"] = time.time()
            with self.server.lock:
                self.server.call_log.write(json.dumps(call) + "\n")

    def carry_out(self, kind, fault, call):
        self.wait(fault.get("delay"), fault.get("hang"))
        replaced = not fault.keys().isdisjoint(("status", "body", "close", "reset", "early"))
        if kind == "api" and self.path == "/api/ws/" and not replaced:
            call["status"] = self.answer_websocket()
            return
        unprocessed = replaced and not fault.get("processed")
        answer = Answer(200, {}) if unprocessed else getattr(self, f"process_{kind}")()
        answer.distort(fault, self.server.issuer)
        self.wait(fault.get("delay_answer"), fault.get("hang_answer"))
        if fault.get("close") or fault.get("reset"):
            self.hang_up(with_reset=fault.get("reset"))
        else:
            call["status"] = answer.status
            call["whole"] = self.send(answer, fault) and not replaced

    def process_login(self):
        fields = self.fields()
        user = fields.get("username")
        if user is None or "password" not in fields:
            missing = [name for name in ("username", "password") if name not in fields]
            return Answer(400, {name: ["This field is required."] for name in missing})
        if user not in USERS or USERS[user] != fields["password"]:
            detail = "No active account found with the given credentials"
            return Answer(401, {"detail": detail}, CHALLENGE)
        return self.token_answer(self.server.issuer.sign_in(user))

    def process_refresh(self):
        tokens = self.server.issuer.refresh(self.presented_token("refresh"))
        return self.token_answer(tokens) if tokens else invalid_token()

    def token_answer(self, tokens):
        content, fields = fake_dialect.token_answer(self.server.settings, tokens)
        return Answer(200, content, *fields)

    def process_revoke(self):
        claims = self.server.issuer.blacklist(self.presented_token("revoke"))
        return Answer(200, {}) if claims else invalid_token()

    def process_api(self):
        claims = self.server.issuer.valid(self.presented_token("api"), "access")
        if not claims:
            return invalid_token("Given token not valid for any token type")
        refusal = fake_dialect.csrf_refusal(self.server.settings, self.command, self.headers)
        if refusal:
            return Answer(403, {"detail": refusal})
        if self.path == "/api/upload/":
            return Answer(200, {"size": self.body_size, "sha256": self.body_digest})
        return Answer(
            200,
            {
                "method": self.command,
                "path": self.path,
                "query": self.query,
                "headers": dict(self.headers.items()),
                "user": claims["username"],
                "body_sha256": self.body_digest,
                "body_length": self.body_size,
            },
        )

    def answer_websocket(self):
        """Any Authorization will do, also one that another server has issued."""
        scheme = self.headers.get("Authorization", "").partition(" ")[0]
        if not scheme:
            answer = invalid_token("Authentication credentials were not provided.")
        elif not is_upgrade(self.headers):
            answer = Answer(426, {"detail": "WebSocket only."}, ("Upgrade", "websocket"))
        else:
            self.close_connection = True
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
            self.end_headers()
            WebSocket(self.rfile, self.wfile).echo(scheme)
            return 101
        self.send(answer)
        return answer.status

    # What the request says

    def read_body(self):
        body, self.unread = self.rfile.read(self.unread), 0
        return body

    def digest_body(self):
        """Reads a body of any size and keeps its beginning."""
        digest = hashlib.sha256()
        self.body_size = self.unread
        while self.unread:
            piece = self.rfile.read(min(self.unread, KEPT_BODY))
            if not piece:
                raise ConnectionError("the client left in the middle of its request")
            self.unread -= len(piece)
            digest.update(piece)
            self.body = self.body or piece
        self.body_digest = digest.hexdigest()

    def fields(self):
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}
        try:
            fields = json.loads(self.body)
        except ValueError:
            return {}
        return fields if isinstance(fields, dict) else {}

    def presented_token(self, kind):
        if kind == "api":
            return fake_dialect.access_token(self.server.settings, self.headers)
        return fake_dialect.refresh_token(self.server.settings, self.headers, self.fields())

    # What becomes of the answer

    def wait(self, delay_s, hang):
        if delay_s:
            time.sleep(delay_s)
        if hang:
            self.server.released.wait()

    def hang_up(self, with_reset):
        self.close_connection = True
        if with_reset:  # lingering for zero seconds sends RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def send(self, answer, fault={}):
        """Whether it went out to its end."""
        body = answer.body.encode() if answer.status not in (204, 304) else b""
        head = answer.head(len(body), time.time() + self.server.settings["clock_ahead"])
        if self.command == "HEAD":
            body = b""
        reset_after, truncate = fault.get("reset_after"), fault.get("truncate")
        if reset_after is not None:
            self.wfile.write((head + body)[:reset_after])
            self.hang_up(with_reset=True)
            return reset_after >= len(head + body)
        if truncate is not None or self.unread:
            self.close_connection = True
            body = body[:truncate]
        if not fault.get("drip"):
            self.wfile.write(head + body)
        else:
            for byte in head + body:
                self.wfile.write(bytes([byte]))
                time.sleep(fault["drip"])
        return truncate is None


def main():
    options = argparse.ArgumentParser(description="A backend that misbehaves when told to.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--dir", required=True)
    chosen = options.parse_args()
    signals = {signal.SIGUSR1: Backend.go_away, signal.SIGUSR2: Backend.come_back}
    # Threads have their maker's mask: none but this one is to be signalled.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals | {signal.SIGINT: None})
    backend = Backend(chosen.port, chosen.dir)
    print(f"ready {backend.server_port}", flush=True)
    while (number := signal.sigwait(signals | {signal.SIGINT: None})) in signals:
        signals[number](backend)


if __name__ == "__main__":
    main()
