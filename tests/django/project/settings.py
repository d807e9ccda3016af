"""
A Django project as one finds it behind bffd: DRF, simplejwt with rotation and blacklist, SQLite.
It serves the demo and the tests, on Debian's own packages (Django 3.2, so /usr/bin/python3).

Start it from the directory of manage.py:

    export BFF_TEST_DIR=$(mktemp -d)
    /usr/bin/python3 manage.py prepare
    /usr/bin/python3 -m gunicorn --worker-class gthread --threads 16 -w 2 \
        --bind 127.0.0.1:8000 project.wsgi

A stream holds one of the 2 x 16 threads for as long as it lasts.

    BFF_TEST_DIR              database, uploads and secrets; the one variable that is required
    BFF_TEST_ACCESS_SECONDS   life of an access token (30)
    BFF_TEST_REFRESH_SECONDS  life of a refresh token (86400)
    BFF_TEST_ROTATE           1: a refresh answers with a new refresh token (1)
    BFF_TEST_BLACKLIST        1: and the old one is dead from then on (1)
    BFF_TEST_SIGNING_KEY_FILE read at every use: rename another file over it and every token
                              issued so far is worthless (BFF_TEST_DIR/signing-key, which
                              `prepare` makes)
    BFF_TEST_TOKEN_LOG        file: a JSON line for every token issued: kind, token, jti, parent_jti
                              (the refresh token it was made from), user. Unset: no file.
    BFF_TEST_CALL_LOG         file: a JSON line for every request answered: method, path, status,
                              request_id, user, jti (of the token presented, valid or not, in
                              Authorization or in the body of a token endpoint). Unset: no file.
                              /health/ and /test/ are not in it: they are not calls through bffd.

Users: alice/wonderland, bob/builder, carol/carroll.
POST /test/revoke-access/, perhaps with {"user": "alice"}: access tokens issued so far answer 401.
"""

import os
from datetime import timedelta
from pathlib import Path


def flag(name, default):
    return os.environ.get(name, default) == "1"


def seconds(name, default):
    return timedelta(seconds=float(os.environ.get(name, default)))


DATA_DIR = Path(os.environ["BFF_TEST_DIR"])
SIGNING_KEY_FILE = Path(os.environ.get("BFF_TEST_SIGNING_KEY_FILE", DATA_DIR / "signing-key"))
REVOCATIONS_FILE = DATA_DIR / "revocations"
TOKEN_LOG = os.environ.get("BFF_TEST_TOKEN_LOG")
CALL_LOG = os.environ.get("BFF_TEST_CALL_LOG")

# Nothing here is signed with it: tokens have a key of their own, and there are no Django sessions.
SECRET_KEY = os.urandom(32).hex()

# Which hosts are served is nginx's decision, and tests use names of their own.
ALLOWED_HOSTS = ["*"]
# Links in answers then carry the browser's scheme.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "api",
]

MIDDLEWARE = [
    "api.middleware.CallLog",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "db.sqlite3",
        "OPTIONS": {"timeout": 20},  # writers wait for each other instead of failing
        "CONN_MAX_AGE": None,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A test signs in hundreds of times, and Django's own hasher is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

FILE_UPLOAD_TEMP_DIR = DATA_DIR / "uploads"

USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.AlwaysJSON",
    "DEFAULT_PAGINATION_CLASS": "api.pagination.Pages",
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": seconds("BFF_TEST_ACCESS_SECONDS", "30"),
    "REFRESH_TOKEN_LIFETIME": seconds("BFF_TEST_REFRESH_SECONDS", "86400"),
    "ROTATE_REFRESH_TOKENS": flag("BFF_TEST_ROTATE", "1"),
    "BLACKLIST_AFTER_ROTATION": flag("BFF_TEST_BLACKLIST", "1"),
    "AUTH_TOKEN_CLASSES": ["api.tokens.AccessToken"],
    "TOKEN_OBTAIN_SERIALIZER": "api.tokens.ObtainSerializer",
    "TOKEN_REFRESH_SERIALIZER": "api.tokens.RefreshSerializer",
    "TOKEN_BLACKLIST_SERIALIZER": "api.tokens.BlacklistSerializer",
}

# Tracebacks of /api/broken/ belong in the server's log, also without DEBUG.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
