"""Views of its own that keep simplejwt's tokens in two HttpOnly cookies."""

from backends.common.base import *  # noqa: F403
from backends.common.base import INSTALLED_APPS, REST_FRAMEWORK, access_life, refresh_life

ROOT_URLCONF = "backends.cookies.urls"
INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist"]
REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = [
    "backends.cookies.authentication.CookieAuthentication"
]

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=15),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}

ACCESS_COOKIE, REFRESH_COOKIE = "access_token", "refresh_token"
TOKEN_COOKIES = {ACCESS_COOKIE: "access", REFRESH_COOKIE: "refresh"}
# True: a call with the cookie also needs Django's CSRF token, in a cookie and in a header.
COOKIES_NEED_CSRF = False
