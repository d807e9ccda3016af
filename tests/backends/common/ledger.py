"""Every token that leaves in an answer, wherever it stands there."""

import json

from django.conf import settings

from . import journal, tokens

MEMBERS = {
    "access": "access",
    "access_token": "access",
    "token": "access",
    "refresh": "refresh",
    "refresh_token": "refresh",
    "session_token": "session",
}
# Shorter values are flags and names, not secrets.
SECRET_LENGTH = 16


def in_json(value):
    if isinstance(value, list):
        for item in value:
            yield from in_json(item)
    if isinstance(value, dict):
        for name, member in value.items():
            if name in MEMBERS and isinstance(member, str):
                yield MEMBERS[name], member
            yield from in_json(member)


def in_body(response):
    if response.streaming or "json" not in response.get("Content-Type", ""):
        return
    try:
        yield from in_json(json.loads(response.content))
    except ValueError:
        return


def in_cookies(response):
    for name, cookie in response.cookies.items():
        yield settings.TOKEN_COOKIES.get(name, "cookie"), cookie.value


def record(request, response):
    seen = set()
    for kind, token in [*in_body(response), *in_cookies(response)]:
        if len(token) < SECRET_LENGTH or token in seen:
            continue
        seen.add(token)
        journal.append(
            settings.TOKEN_LOG,
            {
                "kind": kind,
                "token": token,
                "jti": tokens.identity(token),
                "user": tokens.owner(token),
                "path": request.path,
            },
        )
