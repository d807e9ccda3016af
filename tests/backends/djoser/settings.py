"""djoser with its JWT endpoints."""

from backends.common.base import *  # noqa: F403
from backends.common.base import INSTALLED_APPS, access_life, refresh_life

ROOT_URLCONF = "backends.djoser.urls"
INSTALLED_APPS += ["djoser"]

SIMPLE_JWT = {
    "AUTH_HEADER_TYPES": ("JWT",),
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=5),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=1),
}
