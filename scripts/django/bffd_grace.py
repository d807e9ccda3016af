"""
A refresh token that was rotated a moment ago is answered with the same successor again.

For Django projects on djangorestframework-simplejwt that keep both of

    ROTATE_REFRESH_TOKENS = True
    BLACKLIST_AFTER_ROTATION = True

Tested with simplejwt 5.2.2 on Django 3.2 and 5.5.1 on Django 5.2, on SQLite and PostgreSQL.

WHY
    A refresh kills the token that it was asked with. If its answer is lost afterwards (a crash, a
    power cut, a network that fails in the wrong moment), the client holds a dead token, nobody
    holds the live one, and the user is signed out. No client can prevent it. With this file the
    client asks again, and gets what it would have got: refresh tokens are still used once, but the
    answer can be repeated for a minute.

INSTALL
    Copy this file to where Django finds it (beside manage.py, say), and:

        SIMPLE_JWT = {
            ...
            "TOKEN_REFRESH_SERIALIZER": "bffd_grace.TokenRefreshSerializer",
            "TOKEN_BLACKLIST_SERIALIZER": "bffd_grace.TokenBlacklistSerializer",
        }

    There is nothing to migrate, and no cache to set up. `manage.py shell -c "import bffd_grace"`
    says so if a setting is wrong. A project with serializers or tokens of its own takes the parts:

        class MyRotatingToken(bffd_grace.Rotating, MyRefreshToken): pass
        class MyRefreshSerializer(bffd_grace.Repeating, TheirRefreshSerializer):
            token_class = MyRotatingToken

SETTING
    BFFD_GRACE_SECONDS = 60      1 to 3600. Longer than bffd's refresh.lease (20 s), for while a
                                 dead worker's lease stands nobody asks again; and long enough for
                                 the user's next request to come, for bffd asks when that does.

WHAT IT DOES
    The successor is not remembered, it is made again. Its `jti` is an HMAC, under SECRET_KEY, of
    its predecessor's `jti`; its `iat` and `exp` are of the moment of the rotation. That moment
    stands in the successor's row in simplejwt's own table OutstandingToken, which is written in the
    same transaction in which the predecessor is blacklisted: a process that dies has done both or
    neither. The row is unique, so of many requests with one token, on whatever host, one rotates;
    the others wait for it in the database, and answer the same.

    A predecessor is answered while all of this is true, and else refused as simplejwt refuses it:
      - it has been rotated, not signed out, and less than BFFD_GRACE_SECONDS ago;
      - its successor is not blacklisted: neither signed out, nor rotated in its turn. Hence only
        the immediate predecessor is answered, and only until its successor is first used;
      - the user exists, and USER_AUTHENTICATION_RULE says yes (is_active).
    A sign-out with a predecessor (TokenBlacklistSerializer) ends its successor with it.

    The access token is the same, too, until half of its life is over; then it is a new one.

STORAGE
    One row in OutstandingToken for each rotation, which simplejwt would write as well: 5.5.1 at the
    rotation, 5.2.2 when the successor is blacklisted. It holds the token where simplejwt itself
    lists it at the rotation; with 5.2.2 its text is empty. So whoever reads the database finds no
    usable token that he would not have found anyway. `manage.py flushexpiredtokens` removes the
    rows.

LIMITS
    - Who steals a refresh token and uses it within BFFD_GRACE_SECONDS of its rotation, and before
      its successor is first used, gets that successor. Without this file he would have been
      refused. In particular a thief and the owner who always refresh within that time of one
      another both stay signed in, where stock simplejwt signs one of them out. A token that is
      older, or whose successor has been used, gives nothing. So a minute, not an hour.
    - Every process needs the same SECRET_KEY, and clocks that agree better than the seconds.
    - The database must have transactions, at READ COMMITTED (Django's default on PostgreSQL and
      MySQL) or as SQLite has them. SQLite with ATOMIC_REQUESTS needs Django 5.1 and the option
      "transaction_mode": "IMMEDIATE": else some of several parallel refreshes are a 500.
    - Tokens whose user is not in Django's database are rotated, but not answered again.
    - A token that was rotated before this file was installed, or under another SECRET_KEY, is
      refused. One that an administrator takes off the blacklist by hand stays refused, too.
    - With ES256 and its like the same token has another signature each time. Either is valid.
    - Sliding tokens, django-allauth and django-oauth-toolkit have refreshes of their own. The last
      has a setting for this, REFRESH_TOKEN_GRACE_PERIOD_SECONDS.

MIT license. Part of bffd, and useful without it.
"""

import copy
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, router, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from rest_framework_simplejwt import serializers as simplejwt
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import aware_utcnow, datetime_from_epoch

SECONDS_DEFAULT, SECONDS_MAX = 60, 3600

# Where one of these is missing no refresh kills a token, and simplejwt is left as it is.
IS_NEEDED = (
    api_settings.ROTATE_REFRESH_TOKENS
    and api_settings.BLACKLIST_AFTER_ROTATION
    and "rest_framework_simplejwt.token_blacklist" in settings.INSTALLED_APPS
)


def grace():
    seconds = getattr(settings, "BFFD_GRACE_SECONDS", SECONDS_DEFAULT)
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 1 <= seconds <= SECONDS_MAX:
        raise ImproperlyConfigured(
            f"BFFD_GRACE_SECONDS is {seconds!r}: a number of seconds from 1 to {SECONDS_MAX}"
        )
    return timedelta(seconds=seconds)


grace()  # a wrong setting is told at once


def derived_jti(kind, predecessor_jti):
    """Of the same form as simplejwt's own: 128 bits in hexadecimal."""
    return salted_hmac(f"bffd_grace.{kind}", predecessor_jti, algorithm="sha256").hexdigest()[:32]


def database():
    """Where rows are written. A replica may not have them yet."""
    return router.db_for_write(OutstandingToken)


def living_successor(jti):
    """The row of what the token of this `jti` was rotated to, if that may be given out (again)."""
    now = aware_utcnow()
    row = (
        OutstandingToken.objects.using(database())
        .select_related("user")
        .filter(
            jti=derived_jti("refresh", jti),
            blacklistedtoken__isnull=True,
            # Another host's clock may be ahead of ours.
            created_at__range=(now - grace(), now + grace()),
        )
        .first()
    )
    has_user = row and row.user and api_settings.USER_AUTHENTICATION_RULE(row.user)
    return row if has_user else None


class Overtaken(TokenError):
    """Another request has rotated the token since we looked."""


class Graceful:
    """A refresh token that is valid, too, while its successor may be given out again."""

    presented_jti = None
    successor = None  # the row of it; None until there is one

    def check_blacklist(self):
        self.presented_jti = self.payload[api_settings.JTI_CLAIM]
        # First, for simplejwt may look at a replica, where a new entry of the blacklist is not yet.
        self.successor = living_successor(self.presented_jti)
        if self.successor is not None:
            return
        try:
            super().check_blacklist()
        except TokenError:
            # And last, for it may have been rotated between the two looks.
            self.successor = living_successor(self.presented_jti)
            if self.successor is None:
                raise


class Rotating(Graceful):
    """As TokenRefreshSerializer uses a token: checked, access token made, blacklisted, renewed."""

    def verify(self, *args, **kwargs):
        super().verify(*args, **kwargs)
        if self.successor is not None:
            # What is made from here on counts from the moment of the rotation.
            self.current_time = self.successor.created_at

    @property
    def access_token(self):
        access = super().access_token
        if self.presented_jti is None:
            return access
        if access.current_time - self.current_time > access.lifetime / 2:
            access.set_exp(from_time=access.current_time)
            return access
        access[api_settings.JTI_CLAIM] = derived_jti("access", self.presented_jti)
        if "iat" in self.no_copy_claims:  # else it is the presented token's
            access.set_iat(at_time=self.current_time)
        return access

    def blacklist(self):
        """Rotate: blacklist this token and list its successor, both or neither."""
        if self.successor is not None:
            return
        row = self.new_successor()
        try:
            with transaction.atomic(using=database()):
                # First what only one can do. It also makes the transaction one that writes, which
                # SQLite cannot always do later.
                row.save(force_insert=True, using=database())
                _entry, is_new = super().blacklist()
                if not is_new:
                    raise TokenError(_("Token is blacklisted"))  # a sign-out was faster
        except IntegrityError:
            raise Overtaken(_("Token is blacklisted")) from None
        self.successor = row

    def new_successor(self):
        token = copy.copy(self)
        token.payload = dict(self.payload)
        token.payload[api_settings.JTI_CLAIM] = derived_jti("refresh", self.presented_jti)
        token.set_exp()
        token.set_iat()
        users = get_user_model().objects
        user_id = self.payload.get(api_settings.USER_ID_CLAIM)
        return OutstandingToken(
            jti=token.payload[api_settings.JTI_CLAIM],
            user=users.filter(**{api_settings.USER_ID_FIELD: user_id}).first(),
            token=str(token) if hasattr(RefreshToken, "outstand") else "",
            created_at=self.current_time,
            expires_at=datetime_from_epoch(token.payload["exp"]),
        )

    def set_jti(self):
        if self.successor is None:
            super().set_jti()
        else:
            self.payload[api_settings.JTI_CLAIM] = self.successor.jti

    def outstand(self):
        """It is listed since the rotation."""


class Ending(Graceful):
    """As TokenBlacklistSerializer uses a token: a predecessor's successor ends with it."""

    def blacklist(self):
        entry = super().blacklist()
        # Looked for anew: it may have been rotated while we were at it.
        successor = living_successor(self.presented_jti)
        if successor is not None:
            BlacklistedToken.objects.get_or_create(token=successor)
        return entry


class Repeating:
    """A refresh serializer whose token is Rotating."""

    def validate(self, attrs):
        try:
            return super().validate(attrs)
        except Overtaken:
            return super().validate(attrs)  # now what the other request has made is there


class RotatingRefreshToken(Rotating, RefreshToken):
    pass


class EndingRefreshToken(Ending, RefreshToken):
    pass


class TokenRefreshSerializer(Repeating, simplejwt.TokenRefreshSerializer):
    if IS_NEEDED:
        token_class = RotatingRefreshToken


class TokenBlacklistSerializer(simplejwt.TokenBlacklistSerializer):
    if IS_NEEDED:
        token_class = EndingRefreshToken
