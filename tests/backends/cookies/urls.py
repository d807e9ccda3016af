from django.urls import include, path

from backends.common import urls as common

from . import views

users = [
    path("", views.WhoAmI.as_view()),
    path("create/", views.Create.as_view()),
    path("login/", views.Login.as_view()),
    path("refresh/", views.Refresh.as_view()),
    path("logout/", views.Logout.as_view()),
]

urlpatterns = [
    path("api/v1/users/", include(users)),
    path("api/v1/", include(common.api)),
    *common.control,
]
