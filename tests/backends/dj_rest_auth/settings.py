"""dj-rest-auth with simplejwt: tokens in the body, and in cookies that scripts can read."""

from backends.common.base import *  # noqa: F403
from backends.common.base import (
    INSTALLED_APPS,
    MIDDLEWARE,
    REST_FRAMEWORK,
    access_life,
    refresh_life,
)

ROOT_URLCONF = "backends.dj_rest_auth.urls"
INSTALLED_APPS += [
    "django.contrib.sessions",
    "django.contrib.sites",
    "rest_framework_simplejwt.token_blacklist",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "dj_rest_auth",
    "dj_rest_auth.registration",
]
SITE_ID = 1
MIDDLEWARE += [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False

REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = [
    "dj_rest_auth.jwt_auth.JWTCookieAuthentication"
]
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=5),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=1),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
REST_AUTH = {
    "USE_JWT": True,
    "TOKEN_MODEL": None,
    "JWT_AUTH_COOKIE": "jwt-auth",
    "JWT_AUTH_REFRESH_COOKIE": "jwt-refresh",
    "JWT_AUTH_HTTPONLY": False,
    "JWT_AUTH_RETURN_EXPIRATION": True,
}
TOKEN_COOKIES = {"jwt-auth": "access", "jwt-refresh": "refresh"}
