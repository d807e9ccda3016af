"""What an application does behind its sign-in."""

import hashlib

from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from . import tokens
from .models import Task


class TaskSerializer(serializers.ModelSerializer):
    class Meta:
        model = Task
        fields = ["id", "title", "done", "due_date"]


class Tasks(ModelViewSet):
    serializer_class = TaskSerializer

    def get_queryset(self):
        return self.request.user.tasks.all()

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)

    def destroy(self, request, *args, **kwargs):
        """200 with what is gone, for clients that look at the data of a deletion."""
        task = self.get_object()
        data = self.get_serializer(task).data
        task.delete()
        return Response(data)


@api_view(["GET"])
def me(request):
    user = request.user
    return Response({"id": user.id, "username": user.get_username(), "email": user.email})


@api_view(["GET", "POST", "PUT", "PATCH", "DELETE"])
def echo(request):
    """What has arrived. A credential is named, never repeated."""
    headers = dict(request.headers)
    scheme, _, token = headers.pop("Authorization", "").rpartition(" ")
    headers.pop("Cookie", None)
    body = request.stream.read() if request.stream else b""
    return Response(
        {
            "method": request.method,
            "path": request.path,
            "query": request.META.get("QUERY_STRING", ""),
            "headers": headers,
            "scheme": scheme or None,
            "jti": tokens.identity(token),
            "cookies": [[name, tokens.identity(text)] for name, text in request.COOKIES.items()],
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "body_length": len(body),
        }
    )


@api_view(["POST"])
def upload(request):
    digest, size = hashlib.sha256(), 0
    for part in iter(lambda: request.stream.read(1 << 16), b"") if request.stream else ():
        digest.update(part)
        size += len(part)
    return Response({"size": size, "sha256": digest.hexdigest()})
