from django.urls import include, path

from backends.common import urls as common

urlpatterns = [
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/", include(common.api)),
    *common.control,
]
