"""django-oauth-toolkit: opaque tokens by the password grant, for one confidential client."""

from backends.common.base import *  # noqa: F403
from backends.common.base import DATA_DIR, INSTALLED_APPS, REST_FRAMEWORK, access_life, refresh_life

ROOT_URLCONF = "backends.oauth_toolkit.urls"
INSTALLED_APPS += ["oauth2_provider"]

OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": int(access_life(hours=10).total_seconds()),
    "REFRESH_TOKEN_EXPIRE_SECONDS": int(refresh_life(days=14).total_seconds()),
    "ROTATE_REFRESH_TOKEN": True,
}
REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] = [
    "oauth2_provider.contrib.rest_framework.OAuth2Authentication"
]

TOKEN_OWNER = "backends.oauth_toolkit.client.owner"
PREPARE = "backends.oauth_toolkit.client.prepare"
CLIENT_ID = "the-site"
CLIENT_SECRET_FILE = DATA_DIR / "client-secret"
