"""simplejwt, refreshed at /api/token/refreshToken; every error repeats its status in the body."""

from backends.common.base import *  # noqa: F403
from backends.common.base import INSTALLED_APPS, REST_FRAMEWORK, access_life, refresh_life

ROOT_URLCONF = "backends.status_code.urls"
INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist"]
REST_FRAMEWORK["EXCEPTION_HANDLER"] = "backends.status_code.errors.with_status_code"

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=5),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=1),
}
