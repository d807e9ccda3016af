from django.urls import include, path

from backends.common import urls as common

urlpatterns = [
    path("dj-rest-auth/", include("dj_rest_auth.urls")),
    path("dj-rest-auth/registration/", include("dj_rest_auth.registration.urls")),
    path("api/", include(common.api)),
    *common.control,
]
