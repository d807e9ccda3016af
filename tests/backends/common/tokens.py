"""What can be said of a token without knowing which library made it."""

import base64
import hashlib
import json
import re

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string

CREDENTIAL = re.compile(r"[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+){0,2}")


def claims_of(token):
    """The claims of a JWT of any standing; {} for what is none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims if isinstance(claims, dict) else {}
    except (IndexError, ValueError):
        return {}


def identity(token):
    """Its `jti`, or a digest of what has none."""
    if not token:
        return None
    return claims_of(token).get("jti") or hashlib.sha256(token.encode()).hexdigest()[:32]


def owner(token):
    """The name of the user whose it is; None for those that are nobody's."""
    claims = claims_of(token)
    user_id = claims.get("user_id") or claims.get("sub")
    if user_id:
        user = get_user_model().objects.filter(pk=user_id).first()
    else:
        user = import_string(settings.TOKEN_OWNER)(token) if settings.TOKEN_OWNER else None
    return user.get_username() if user else None
