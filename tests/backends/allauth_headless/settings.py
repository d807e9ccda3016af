"""django-allauth headless for apps, with JWT, a second factor, and mails that have a code."""

from backends.common.base import *  # noqa: F403
from backends.common.base import (
    DATA_DIR,
    INSTALLED_APPS,
    MIDDLEWARE,
    REST_FRAMEWORK,
    access_life,
    refresh_life,
)

ROOT_URLCONF = "backends.allauth_headless.urls"
INSTALLED_APPS += [
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.headless",
]
MIDDLEWARE += [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
ACCOUNT_RATE_LIMITS = False
MFA_TOTP_TOLERANCE = 1  # a code may be late by one step of 30 seconds

HEADLESS_ONLY = True
HEADLESS_CLIENTS = ("app",)
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = int(access_life(minutes=5).total_seconds())
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = int(refresh_life(days=1).total_seconds())

REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = [
    "allauth.headless.contrib.rest_framework.authentication.JWTTokenAuthentication"
]

TOKEN_COOKIES = {"sessionid": "session"}
PREPARE = "backends.allauth_headless.users.prepare"
# For authenticator apps; one of tests only.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
