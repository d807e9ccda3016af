from django.urls import path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt import views as jwt

from . import views, wire

router = SimpleRouter()
router.register("tasks", views.Tasks, basename="task")

urlpatterns = [
    path("token/", jwt.TokenObtainPairView.as_view()),
    path("token/refresh/", jwt.TokenRefreshView.as_view()),
    path("token/blacklist/", jwt.TokenBlacklistView.as_view()),
    path("whoami/", views.whoami),
    path("password/", views.password),
    path("upload/", views.upload),
    path("stream/", views.stream),
    path("download/", views.download),
    path("echo/", wire.echo),
    path("forbidden/", wire.forbidden),
    path("missing/", wire.missing),
    path("broken/", wire.broken),
    path("redirect/", wire.redirect),
    path("empty/", wire.empty),
    path("notmodified/", wire.not_modified),
    path("always401/", wire.always_401),
    path("hostile/", wire.hostile),
] + router.urls
