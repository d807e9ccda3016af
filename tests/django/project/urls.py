from django.urls import include, path

from api import control

urlpatterns = [
    path("api/", include("api.urls")),
    path("health/", control.health),
    path("test/revoke-access/", control.revoke_access),
]
