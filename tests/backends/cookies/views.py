from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from .serializers import Credentials, NewUser


def set_token(response, name, token, life):
    response.set_cookie(
        name,
        str(token),
        max_age=int(life.total_seconds()),
        httponly=True,
        secure=True,
        samesite="Lax",
    )


def set_tokens(response, access, refresh):
    set_token(response, settings.ACCESS_COOKIE, access, api_settings.ACCESS_TOKEN_LIFETIME)
    if refresh:
        set_token(response, settings.REFRESH_COOKIE, refresh, api_settings.REFRESH_TOKEN_LIFETIME)
    return response


def signed_in(user, status):
    refresh = RefreshToken.for_user(user)
    return set_tokens(Response({"email": user.email}, status), refresh.access_token, refresh)


class Open(APIView):
    """For everybody; a dead access token is no hindrance."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request):
        return 'Cookie realm="api"'  # without a challenge DRF would turn a 401 into a 403


class Create(Open):
    def post(self, request):
        serializer = NewUser(data=request.data)
        serializer.is_valid(raise_exception=True)
        return signed_in(serializer.save(), 201)


class Login(Open):
    def post(self, request):
        serializer = Credentials(data=request.data)
        serializer.is_valid(raise_exception=True)
        return signed_in(serializer.validated_data["user"], 200)


class Refresh(Open):
    def post(self, request):
        token = request.COOKIES.get(settings.REFRESH_COOKIE)
        if not token:
            raise AuthenticationFailed("There is no refresh cookie.")
        serializer = TokenRefreshSerializer(data={"refresh": token})
        try:
            serializer.is_valid(raise_exception=True)
        except TokenError as error:
            raise InvalidToken(error.args[0]) from None
        tokens = serializer.validated_data
        return set_tokens(Response({"refreshed": True}), tokens["access"], tokens.get("refresh"))


class Logout(APIView):
    def post(self, request):
        token = request.COOKIES.get(settings.REFRESH_COOKIE)
        try:
            RefreshToken(token).blacklist()
        except TokenError:
            pass  # it is dead already
        response = Response({"signed_out": True})
        response.delete_cookie(settings.ACCESS_COOKIE)
        response.delete_cookie(settings.REFRESH_COOKIE)
        return response


class WhoAmI(APIView):
    def get(self, request):
        return Response({"email": request.user.email})
