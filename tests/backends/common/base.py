"""
Settings that all backends of this directory start from:

    from backends.common.base import *

    BFF_TEST_DIR              database and secrets; the one variable that is required
    BFF_TEST_ACCESS_SECONDS   life of an access token; unset: what the backend itself has
    BFF_TEST_REFRESH_SECONDS  life of a refresh token, likewise
    BFF_TEST_TOKEN_LOG        file: a JSON line for every token that left in an answer, in whatever
                              place: kind, token, jti, user, path. Unset: no file, and the switches
                              below do nothing.
    BFF_TEST_CALL_LOG         file: a JSON line for every request answered: method, path, status,
                              request_id, user, jti (of the token presented). Unset: no file.

Users: alice/wonderland, bob/builder, carol/carroll, each with an address at example.org.
POST /test/revoke-access/ and /test/revoke-refresh/, perhaps with {"user": "alice"}: the tokens that
have left so far are refused from now on, in the library's own words.
"""

import os
from datetime import timedelta
from pathlib import Path

DATA_DIR = Path(os.environ["BFF_TEST_DIR"])
TOKEN_LOG = os.environ.get("BFF_TEST_TOKEN_LOG")
CALL_LOG = os.environ.get("BFF_TEST_CALL_LOG")
REVOKED_FILE = DATA_DIR / "revoked"


def access_life(**default):
    return _life("BFF_TEST_ACCESS_SECONDS", default)


def refresh_life(**default):
    return _life("BFF_TEST_REFRESH_SECONDS", default)


def _life(name, default):
    seconds = os.environ.get(name)
    return timedelta(seconds=float(seconds)) if seconds else timedelta(**default)


# Tokens are signed with it: it must be the same in all processes and after a restart.
SECRET_KEY = (DATA_DIR / "secret-key").read_text()

ALLOWED_HOSTS = ["*"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "backends.common",
]

MIDDLEWARE = [
    "backends.common.middleware.Journal",
    "backends.common.middleware.Revocation",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

WSGI_APPLICATION = "backends.common.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "db.sqlite3",
        "OPTIONS": {"timeout": 20},  # writers wait for each other instead of failing
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Tests sign in often, and Django's own hasher is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

# Which cookies hold which token, and a function that knows whose an opaque token is.
TOKEN_COOKIES = {}
TOKEN_OWNER = None
# Called once, when database and users are there.
PREPARE = None
