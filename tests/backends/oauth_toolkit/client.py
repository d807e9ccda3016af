"""The client that bffd is to this server."""

import os
import secrets

from django.conf import settings
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_refresh_token_model,
)


def prepare():
    Application = get_application_model()
    if Application.objects.filter(client_id=settings.CLIENT_ID).exists():
        return
    secret = secrets.token_urlsafe(32)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(settings.CLIENT_SECRET_FILE, flags, 0o600), "w") as file:
        file.write(secret + "\n")
    Application.objects.create(
        name=settings.CLIENT_ID,
        client_id=settings.CLIENT_ID,
        client_secret=secret,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_PASSWORD,
    )


def owner(token):
    for model in (get_access_token_model(), get_refresh_token_model()):
        found = model.objects.filter(token=token).select_related("user").first()
        if found:
            return found.user
    return None
