"""
urlpatterns = [path("api/", include(common.api)), *common.control]
"""

from django.urls import path
from rest_framework.routers import SimpleRouter

from . import control as switches
from . import views

router = SimpleRouter()
router.register("tasks", views.Tasks, basename="task")

api = [
    path("me/", views.me),
    path("echo/", views.echo),
    path("upload/", views.upload),
    *router.urls,
]

control = [
    path("health/", switches.health),
    path("test/revoke-access/", switches.revoke, {"kind": "access"}),
    path("test/revoke-refresh/", switches.revoke, {"kind": "refresh"}),
]
