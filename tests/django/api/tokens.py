"""
simplejwt's tokens with what the tests need: a signing key that can change under a running server,
a ledger of every token that was handed out, and access tokens that can be revoked before they
expire.
"""

from django.conf import settings
from rest_framework_simplejwt import serializers, tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings

from . import journal, revocation


class Recorded(tokens.Token):
    parent_jti = None

    def __init__(self, token=None, verify=True):
        super().__init__(token, verify)
        # A token that came in was recorded when it was made.
        self.recorded_jti = self["jti"] if token else None

    @property
    def token_backend(self):
        key = settings.SIGNING_KEY_FILE.read_text().strip()
        return TokenBackend(api_settings.ALGORITHM, signing_key=key)

    @classmethod
    def for_user(cls, user):
        token = super().for_user(user)
        token["username"] = user.get_username()
        return token

    def set_jti(self):
        self.parent_jti = self.get("jti")  # rotation turns the old token object into the new one
        super().set_jti()

    def __str__(self):
        encoded = super().__str__()
        if self.recorded_jti != self["jti"]:
            self.recorded_jti = self["jti"]
            journal.append(
                settings.TOKEN_LOG,
                {
                    "kind": self.token_type,
                    "token": encoded,
                    "jti": self["jti"],
                    "parent_jti": self.parent_jti,
                    "user": self.get("username"),
                },
            )
        return encoded


class AccessToken(tokens.AccessToken, Recorded):
    def __init__(self, token=None, verify=True):
        super().__init__(token, verify)
        if token is None:
            self["epoch"] = revocation.epoch()

    def verify(self):
        super().verify()
        if revocation.since(self.get("epoch", 0), self.get("username")):
            raise TokenError("Token is revoked")


# The order of the bases matters: BlacklistMixin.for_user() encodes the token, and
# Recorded.for_user(), which it calls, must have completed the claims by then.
class RefreshToken(tokens.RefreshToken, Recorded):
    access_token_class = AccessToken

    @property
    def access_token(self):
        access = super().access_token
        access.parent_jti = self["jti"]
        return access


class ObtainSerializer(serializers.TokenObtainPairSerializer):
    token_class = RefreshToken


class RefreshSerializer(serializers.TokenRefreshSerializer):
    token_class = RefreshToken


class BlacklistSerializer(serializers.TokenBlacklistSerializer):
    token_class = RefreshToken
