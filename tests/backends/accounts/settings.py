"""simplejwt below /api/v1/accounts/ and nothing besides: no rotation, no blacklist."""

from backends.common.base import *  # noqa: F403
from backends.common.base import access_life, refresh_life

ROOT_URLCONF = "backends.accounts.urls"

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": access_life(minutes=5),
    "REFRESH_TOKEN_LIFETIME": refresh_life(days=1),
}
