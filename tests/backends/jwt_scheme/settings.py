"""simplejwt under /api, with the scheme `JWT`, rotation and blacklist."""

from backends.common.base import *  # noqa: F403
from backends.common.base import INSTALLED_APPS, access_life, refresh_life

ROOT_URLCONF = "backends.jwt_scheme.urls"
INSTALLED_APPS += ["rest_framework_simplejwt.token_blacklist"]

SIMPLE_JWT = {
    "AUTH_HEADER_TYPES": ("JWT",),
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=5),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
}
