"""The backend of `dj_rest_auth` with JWT_AUTH_HTTPONLY: the refresh token is in a cookie only."""

from backends.dj_rest_auth.settings import *  # noqa: F403
from backends.dj_rest_auth.settings import REST_AUTH

REST_AUTH["JWT_AUTH_HTTPONLY"] = True
