from django.conf import settings
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework_simplejwt.authentication import JWTAuthentication


class CookieAuthentication(JWTAuthentication):
    """The access token of a cookie. No header counts."""

    def authenticate(self, request):
        token = request.COOKIES.get(settings.ACCESS_COOKIE)
        if not token:
            return None
        validated = self.get_validated_token(token.encode())
        user = self.get_user(validated)
        if settings.COOKIES_NEED_CSRF:
            self.enforce_csrf(request)
        return user, validated

    def enforce_csrf(self, request):
        check = CSRFCheck(lambda _: None)
        check.process_request(request)
        reason = check.process_view(request, None, (), {})
        if reason:
            raise PermissionDenied(f"CSRF Failed: {reason}")
