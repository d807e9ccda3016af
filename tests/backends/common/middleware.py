import io
import json
from urllib.parse import parse_qsl

from django.conf import settings

from . import journal, ledger, revocation, tokens

# A body that may hold a token is a small form or JSON.
BODY_MAX = 16384
BODY_TYPES = ("application/json", "application/x-www-form-urlencoded")
TOKEN_FIELDS = ("refresh", "refresh_token", "token")


def may_hold_tokens(request):
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    return request.content_type in BODY_TYPES and length <= BODY_MAX


def token_in_body(request):
    text = request.body.decode(errors="replace")
    if request.content_type == "application/json":
        try:
            fields = json.loads(text or "{}")
        except ValueError:
            return None
    else:
        fields = dict(parse_qsl(text))
    names = [name for name in TOKEN_FIELDS if isinstance(fields, dict) and fields.get(name)]
    return str(fields[names[0]]) if names else None


def presented_token(request):
    """The access token of a call, or the token that a token endpoint is given."""
    scheme, _, credential = request.META.get("HTTP_AUTHORIZATION", "").rpartition(" ")
    if credential and scheme != "Basic":
        return credential
    cookies = {settings.TOKEN_COOKIES.get(name): value for name, value in request.COOKIES.items()}
    for kind in ("access", "refresh"):
        if cookies.get(kind):
            return cookies[kind]
    return token_in_body(request) if may_hold_tokens(request) else None


class Journal:
    """What was asked, what was answered, and which tokens left with it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        presented = presented_token(request)
        response = self.get_response(request)
        if not request.path.startswith(("/health/", "/test/")):
            ledger.record(request, response)
            user = getattr(request, "user", None)
            journal.append(
                settings.CALL_LOG,
                {
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "request_id": request.headers.get("X-Request-ID"),
                    "user": user.get_username() or None if user else None,
                    "jti": tokens.identity(presented),
                },
            )
        return response


class Revocation:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        for name in ("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_SESSION_TOKEN"):
            if name in request.META:
                request.META[name] = revocation.without_revoked(request.META[name])
        request.__dict__.pop("COOKIES", None)  # read anew from what stands there now
        if may_hold_tokens(request) and revocation.revoked():
            text = revocation.without_revoked(request.body.decode("latin-1"))
            request._body = text.encode("latin-1")
            request._stream = io.BytesIO(request._body)
        return self.get_response(request)
