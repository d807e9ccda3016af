import json

import jwt
from django.conf import settings

from . import journal


def presented_token(request):
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        return token
    if request.path.startswith("/api/token/") and request.content_type == "application/json":
        try:
            return json.loads(request.body).get("refresh")
        except (ValueError, AttributeError):
            return None
    return None


def unverified_jti(token):
    """The id of a token of any standing: expired, revoked, signed with a key that is gone."""
    try:
        return jwt.decode(token, options={"verify_signature": False}).get("jti")
    except jwt.InvalidTokenError:
        return None


class CallLog:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        jti = unverified_jti(presented_token(request))
        response = self.get_response(request)
        if not request.path.startswith(("/health/", "/test/")):
            user = getattr(request, "user", None)
            journal.append(
                settings.CALL_LOG,
                {
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "request_id": request.headers.get("X-Request-ID"),
                    "user": user.get_username() or None if user else None,
                    "jti": jti,
                },
            )
        return response
