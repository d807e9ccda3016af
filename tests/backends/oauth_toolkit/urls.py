from django.urls import include, path

from backends.common import urls as common

urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("api/", include(common.api)),
    *common.control,
]
