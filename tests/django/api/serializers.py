from rest_framework import serializers

from .models import Task


class TaskSerializer(serializers.ModelSerializer):
    class Meta:
        model = Task
        fields = ["id", "title", "done", "created"]


class PasswordSerializer(serializers.Serializer):
    current = serializers.CharField()
    new = serializers.CharField(min_length=4)
