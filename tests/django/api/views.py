"""What an application does: its data, uploads, a stream, a download."""

import hashlib
import json
import time

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from . import ranges
from .serializers import PasswordSerializer, TaskSerializer

# api_view() has no HEAD of itself.
READ = ["GET", "HEAD"]


class Tasks(ModelViewSet):
    serializer_class = TaskSerializer

    def get_queryset(self):
        return self.request.user.tasks.all()

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)


def number(request, name, default, least, most):
    try:
        value = type(default)(request.query_params.get(name, default))
    except ValueError:
        raise ValidationError({name: "Not a number."})
    if not least <= value <= most:
        raise ValidationError({name: f"Between {least} and {most}."})
    return value


@api_view(READ)
def whoami(request):
    return Response({"id": request.user.id, "username": request.user.get_username()})


@api_view(["POST"])
def password(request):
    """A 401 that concerns the password sent, and not the token."""
    serializer = PasswordSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    if not request.user.check_password(serializer.validated_data["current"]):
        return Response({"detail": "The current password is wrong.", "code": "wrong_password"}, 401)
    request.user.set_password(serializer.validated_data["new"])
    request.user.save(update_fields=["password"])
    return Response({"detail": "Password changed."})


def pieces(stream, size=1 << 16):
    return iter(lambda: stream.read(size), b"")


@api_view(["POST"])
def upload(request):
    """The first file of a form, or else the body itself, which is never held in memory."""
    if request.content_type.startswith("multipart/"):
        if not request.FILES:
            raise ValidationError({"detail": "The form holds no file."})
        parts = next(iter(request.FILES.values())).chunks()
    else:
        parts = pieces(request.stream) if request.stream else ()
    digest, size = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return Response({"size": size, "sha256": digest.hexdigest()})


@api_view(READ)
def stream(request):
    count = number(request, "count", 10, 0, 100_000)
    interval = number(request, "interval", 1.0, 0, 3600)

    def events():
        for n in range(1, count + 1):
            tick = {"n": n, "of": count, "at": timezone.now().isoformat()}
            yield f"id: {n}\nevent: tick\ndata: {json.dumps(tick)}\n\n"
            if n < count:
                time.sleep(interval)

    body = () if request.method == "HEAD" else events()
    response = StreamingHttpResponse(body, content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    return response


@api_view(READ)
def download(request):
    return ranges.respond(request, number(request, "size", 1 << 20, 0, 1 << 32))
