from django.urls import include, path
from rest_framework_simplejwt import views as jwt

from backends.common import urls as common

urlpatterns = [
    path("api/v1/accounts/token/", jwt.TokenObtainPairView.as_view()),
    path("api/v1/accounts/token/refresh/", jwt.TokenRefreshView.as_view()),
    path("api/v1/", include(common.api)),
    *common.control,
]
