"""
The backend jwt-scheme with the serializers of scripts/django/bffd_grace.py.

    BFF_TEST_GRACE_SECONDS   BFFD_GRACE_SECONDS; unset: what the file itself has
    BFF_TEST_STOCK           simplejwt's own serializers, for comparison
    BFF_TEST_PLAIN           ROTATE_REFRESH_TOKENS or BLACKLIST_AFTER_ROTATION: this one is off

Files in BFF_TEST_DIR make a refresh end badly, see deaths.py.
"""

import os
import sys
from pathlib import Path

from backends.jwt_scheme.settings import *  # noqa: F403
from backends.jwt_scheme.settings import MIDDLEWARE, SIMPLE_JWT

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts" / "django"))

MIDDLEWARE = ["backends.jwt_scheme_grace.deaths.Deaths", *MIDDLEWARE]

if not os.environ.get("BFF_TEST_STOCK"):
    SIMPLE_JWT = {
        **SIMPLE_JWT,
        "TOKEN_REFRESH_SERIALIZER": "bffd_grace.TokenRefreshSerializer",
        "TOKEN_BLACKLIST_SERIALIZER": "bffd_grace.TokenBlacklistSerializer",
    }
if os.environ.get("BFF_TEST_PLAIN"):
    SIMPLE_JWT[os.environ["BFF_TEST_PLAIN"]] = False
if os.environ.get("BFF_TEST_GRACE_SECONDS"):
    BFFD_GRACE_SECONDS = float(os.environ["BFF_TEST_GRACE_SECONDS"])
