from django.urls import include, path

from backends.common import urls as common

urlpatterns = [
    path("auth/", include("djoser.urls")),
    path("auth/", include("djoser.urls.jwt")),
    path("api/", include(common.api)),
    *common.control,
]
