"""dana/dickinson signs in with a code besides her password. Everybody's address is verified."""

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth import get_user_model


def prepare():
    User = get_user_model()
    if not User.objects.filter(username="dana").exists():
        dana = User.objects.create_user("dana", "dana@example.org", "dickinson")
        TOTP.activate(dana, settings.TOTP_SECRET)
    for user in User.objects.all():
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
