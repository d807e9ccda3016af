"""Answers that a proxy has to carry unchanged, or must not let through."""

import hashlib

from django.http import HttpResponseRedirect
from django.views.decorators.http import etag
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.response import Response

from .views import READ

ANY_METHOD = [*READ, "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@api_view(ANY_METHOD)
def echo(request):
    body = request.stream.read() if request.stream else b""
    return Response(
        {
            "method": request.method,
            "path": request.path,
            "query": request.META.get("QUERY_STRING", ""),
            "raw_uri": request.META.get("RAW_URI"),  # as it stood in the request line
            "headers": dict(request.headers),
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "body_length": len(body),
        }
    )


@api_view(READ)
def forbidden(request):
    raise PermissionDenied()


@api_view(READ)
def missing(request):
    raise NotFound()


@api_view([*READ, "POST"])
def broken(request):
    raise RuntimeError("this view is broken")


@api_view(READ)
def redirect(request):
    return HttpResponseRedirect("/api/whoami/")


@api_view([*READ, "POST", "DELETE"])
def empty(request):
    return Response(status=204)


@api_view(READ)
@etag(lambda request: '"the-only-version"')
def not_modified(request):
    return Response({"version": "the only one"})


@api_view(ANY_METHOD)
@authentication_classes([])
@permission_classes([])
def always_401(request):
    return Response({"detail": "never"}, 401, headers={"WWW-Authenticate": 'Bearer realm="api"'})


@api_view([*READ, "POST"])
def hostile(request):
    """Headers by which a backend could steer nginx, speak for the worker or plant cookies."""
    response = Response({"hostile": True})
    for name in ("sessionid", "csrftoken", "__Host-session"):
        response.set_cookie(name, "planted-by-django")
    response["X-Accel-Redirect"] = "/bff/session"
    response["X-Accel-Buffering"] = "no"
    response["X-Accel-Expires"] = "3600"
    response["X-Accel-Limit-Rate"] = "1"
    response["X-Accel-Charset"] = "utf-7"
    response["Authorization"] = "Bearer planted-by-django"
    response["Cookie"] = "access=planted-by-django"
    response["Attach"] = "Token planted-by-django"
    response["X-CSRFToken"] = "planted-by-django"
    response["Note"] = "session_expired"
    return response
