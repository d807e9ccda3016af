#!/usr/bin/python3
"""
An OpenID provider of the smallest kind, over TLS: the authorization code flow, for whoever asks. It
believes the username and the password that stand in the query of /authorize if a backend's login
does; the tokens of that login are the ones that it hands out.

    /usr/bin/python3 provider.py --port 0 --accounts URL --certificate FILE --key FILE

prints `ready PORT`.
"""

import argparse
import json
import secrets
import ssl
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID = "1"
EXPIRES_S = 24 * 60 * 60


class Provider(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port, accounts, certificate, key):
        super().__init__(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake is the handler's, in a thread of its own.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.issuer = f"https://127.0.0.1:{self.server_port}"
        self.accounts = accounts
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes = {}

    def keys(self):
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def authorize(self, query):
        """Where the browser goes with the code."""
        who = {"username": query["username"], "password": query["password"]}
        request = urllib.request.Request(
            f"{self.accounts}/api/token/",
            json.dumps(who).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            tokens = json.loads(answer.read())
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": query["username"],
            "aud": query["client_id"],
            "iat": now,
            "exp": now + EXPIRES_S,
            "nonce": query["nonce"],
        }
        code = secrets.token_urlsafe()
        self.codes[code] = tokens, claims
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form):
        tokens, claims = self.codes.pop(form["code"])
        return {
            "token_type": "Bearer",
            "access_token": tokens["access"],
            "refresh_token": tokens["refresh"],
            "expires_in": EXPIRES_S,
            "id_token": jwt.encode(claims, self.key, "RS256", headers={"kid": KEY_ID}),
        }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        target = urlsplit(self.path)
        if target.path == "/authorize":
            self.answer(302, {}, self.server.authorize(dict(parse_qsl(target.query))))
        elif target.path == "/jwks":
            self.answer(200, self.server.keys())
        else:
            self.answer(404, {})

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(200, self.server.redeem(dict(parse_qsl(form))))

    def answer(self, status, content, location=None):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Only what goes wrong is worth a line, and that has a traceback."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--accounts", required=True, help="URL of the backend with the login")
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    provider = Provider(**vars(options))
    print(f"ready {provider.server_port}", flush=True)
    provider.serve_forever()


if __name__ == "__main__":
    main()
