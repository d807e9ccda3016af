"""The backend of `cookies`, where a call with the cookie needs Django's CSRF token as well."""

from backends.cookies.settings import *  # noqa: F403

COOKIES_NEED_CSRF = True
