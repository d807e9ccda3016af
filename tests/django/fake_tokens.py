"""Tokens as simplejwt makes them (HS256) or as OAuth servers do (opaque), their rotation and their
blacklist, in memory."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
import uuid

USERS = {"alice": "wonderland", "bob": "builder", "carol": "carroll"}


def add_users(count):
    """user1, user2, ... whose passwords are their names."""
    USERS.update({f"user{i}": f"user{i}" for i in range(1, count + 1)})


HEADER = {"alg": "HS256", "typ": "JWT"}


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(claims):
    return json.dumps(claims, separators=(",", ":")).encode()


def unverified_claims(token):
    """What a token says, whoever signed it; {} for what is no token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims if isinstance(claims, dict) else {}
    except (AttributeError, IndexError, ValueError):
        return {}


class Issuer:
    def __init__(self, settings, ledger, ends):
        self.settings = settings
        self.ledger, self.ends = ledger, ends
        self.lock = threading.RLock()
        self.issued = []
        self.dead = set()
        self.repeatable = {}  # jti of a rotated refresh token: (until when, its successor)
        self.new_key()

    def new_key(self):
        self.key = os.urandom(32)
        self.opaque = {}

    def signature(self, signed):
        return encode(hmac.new(self.key, signed.encode(), hashlib.sha256).digest())

    def issue(self, kind, user, parent_jti):
        at = time.time()
        ahead_s = self.settings["clock_ahead"]
        now = int(at + ahead_s)
        until = self.settings["access_until"] if kind == "access" else None
        claims = {
            "token_type": kind,
            "exp": until or now + self.settings[f"{kind}_seconds"],
            "iat": now,
            "jti": uuid.uuid4().hex,
            "user_id": list(USERS).index(user) + 1,
            "username": user,
        }
        token = self.written(claims)
        entry = {"kind": kind, "token": token, "jti": claims["jti"], "parent_jti": parent_jti}
        with self.lock:
            self.issued.append({**entry, "user": user, "exp": claims["exp"] - ahead_s, "at": at})
            self.ledger.write(json.dumps(self.issued[-1]) + "\n")
        return token

    def written(self, claims):
        if self.settings["opaque"]:
            token = secrets.token_hex(20)
            self.opaque[token] = claims
            return token
        signed = ".".join(encode(compact(part)) for part in (HEADER, claims))
        return f"{signed}.{self.signature(signed)}"

    def claims(self, token):
        """What a token stands for, good or not."""
        return self.opaque.get(token) or unverified_claims(token)

    def is_genuine(self, token):
        signed, _, signature = (token or "").rpartition(".")
        return token in self.opaque or hmac.compare_digest(
            signature.encode(), self.signature(signed).encode()
        )

    def sign_in(self, user):
        refresh = self.issue("refresh", user, None)
        access = self.issue("access", user, self.claims(refresh)["jti"])
        return {"refresh": refresh, "access": access}

    def valid(self, token, kind):
        """The claims of a token that is good now, else None."""
        claims = self.claims(token)
        good = (
            claims.get("token_type") == kind
            and self.is_genuine(token)
            and claims["exp"] > time.time() + self.settings["clock_ahead"]
            and claims["jti"] not in self.dead
        )
        return claims if good else None

    def refresh(self, token):
        with self.lock:
            old = self.valid(token, "refresh")
            if not old:
                return self.repeated(token)
            user, jti = old["username"], old["jti"]
            answer = {"access": self.issue("access", user, jti)}
            if self.settings["rotate"]:
                self.end("rotated", jti, self.settings["blacklist"])
                answer["refresh"] = self.issue("refresh", user, jti)
                until = time.time() + self.settings["grace_seconds"]
                self.repeatable[jti] = (until, answer["refresh"])
        return answer

    def repeated(self, token):
        """As scripts/django/bffd_grace.py: the immediate predecessor gets the same successor again,
        until that is used. (Lock held.)"""
        successor = self.successor(token)
        if not successor:
            return None
        claims = self.claims(token)
        access = self.issue("access", claims["username"], claims["jti"])
        return {"access": access, "refresh": successor}

    def successor(self, token):
        until, successor = self.repeatable.get(self.claims(token).get("jti"), (0, None))
        good = until > time.time() and self.is_genuine(token) and self.valid(successor, "refresh")
        return successor if good else None

    def blacklist(self, token):
        """With a grace a predecessor stands for its successor here as well."""
        with self.lock:
            claims = self.valid(token, "refresh") or self.valid(self.successor(token), "refresh")
            if claims:
                self.end("revoked", claims["jti"], True)
        return claims

    def end(self, how, jti, blacklisted):
        """A refresh token has served; blacklisted, it is refused from now on. (Lock held.)"""
        if blacklisted:
            self.dead.add(jti)
        end = {"jti": jti, "how": how, "at": time.time(), "blacklisted": blacklisted}
        self.ends.write(json.dumps(end) + "\n")

    def revoke_access(self):
        with self.lock:
            self.dead.update(entry["jti"] for entry in self.issued if entry["kind"] == "access")
