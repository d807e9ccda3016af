from django.urls import include, path
from rest_framework_simplejwt import views as jwt

from backends.common import urls as common

urlpatterns = [
    path("api/token/", jwt.TokenObtainPairView.as_view()),
    path("api/token/refreshToken", jwt.TokenRefreshView.as_view()),
    path("api/token/revokeToken", jwt.TokenBlacklistView.as_view()),
    path("api/", include(common.api)),
    *common.control,
]
