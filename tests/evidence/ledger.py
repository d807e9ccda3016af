"""What the ledger Django knows (tests/django/fake_backend.py): every token it issued and what
became of it, and every use of a token, by whom."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Token:
    jti: str
    kind: str  # access or refresh
    user: str
    parent: str | None  # the refresh token that it was issued for; None: a login
    issued_at: float
    expires_at: float
    ended_at: float | None = None
    ended_how: str | None = None  # rotated or revoked, or first the one and then the other
    blacklisted: bool = False


@dataclass(frozen=True)
class Use:
    """A call that carried a token: one refresh, revocation or API call."""

    kind: str
    jti: str | None
    request_id: str
    at: float
    answered_at: float
    status: int | None  # None: no answer was sent
    whole: bool = True  # the answer was sent to its end


class Ledger:
    def __init__(self, tokens=(), uses=(), jti_of=None):
        self.tokens = {token.jti: token for token in tokens}
        self.uses = sorted(uses, key=lambda use: use.at)
        self._jti_of = jti_of or {}

    def token(self, text):
        """The token that reads so, or None: never issued."""
        return self.tokens.get(self._jti_of.get(text))

    def uses_of(self, kind):
        return [use for use in self.uses if use.kind == kind]

    def successors(self):
        """{jti of a refresh token: the refresh tokens that were issued for it}"""
        found = {}
        for token in self.tokens.values():
            if token.kind == "refresh" and token.parent:
                found.setdefault(token.parent, []).append(token)
        return found

    def family(self, jti):
        """The jti of the login's refresh token that a token descends from."""
        while (token := self.tokens.get(jti)) and token.parent:
            jti = token.parent
        return jti


def _lines(path):
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def read(directory):
    """The ledger as it stands in the files of a backend's directory."""
    directory = Path(directory)
    ends = {}
    for end in _lines(directory / "ends.jsonl"):
        if end["how"] == "revoked" or end["jti"] not in ends:
            ends[end["jti"]] = end
    issued = _lines(directory / "tokens.jsonl")
    tokens = [
        Token(
            jti=entry["jti"],
            kind=entry["kind"],
            user=entry["user"],
            parent=entry["parent_jti"],
            issued_at=entry["at"],
            expires_at=entry["exp"],
            ended_at=ends.get(entry["jti"], {}).get("at"),
            ended_how=ends.get(entry["jti"], {}).get("how"),
            blacklisted=ends.get(entry["jti"], {}).get("blacklisted", False),
        )
        for entry in issued
    ]
    columns = ("kind", "jti", "request_id", "at", "answered_at", "status", "whole")
    uses = [
        Use(*(call[name] for name in columns)) for call in _lines(directory / "calls.jsonl")
    ]
    return Ledger(tokens, uses, {entry["token"]: entry["jti"] for entry in issued})
