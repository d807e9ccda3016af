from django.contrib.auth import authenticate, get_user_model
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed


class NewUser(serializers.Serializer):
    email = serializers.EmailField()
    password = serializers.CharField(min_length=6)

    def validate_email(self, value):
        if get_user_model().objects.filter(email__iexact=value).exists():
            raise serializers.ValidationError("This address is taken.")
        return value

    def create(self, data):
        return get_user_model().objects.create_user(data["email"], **data)


class Credentials(serializers.Serializer):
    """An address, or a name, and a password."""

    email = serializers.EmailField(required=False)
    username = serializers.CharField(required=False)
    password = serializers.CharField()

    def validate(self, data):
        name = data.get("username")
        if data.get("email"):
            user = get_user_model().objects.filter(email__iexact=data["email"]).first()
            name = user and user.get_username()
        user = authenticate(username=name, password=data["password"])
        if user is None:
            raise AuthenticationFailed("Wrong address or password.")
        return {"user": user}
