from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

USERS = {"alice": "wonderland", "bob": "builder", "carol": "carroll"}


class Command(BaseCommand):
    help = "Makes the database and the users. Harmless when repeated."
    requires_system_checks = []

    def handle(self, *args, **options):
        call_command("migrate", verbosity=0)
        User = get_user_model()
        for name, password in USERS.items():
            if not User.objects.filter(username=name).exists():
                User.objects.create_user(name, f"{name}@example.org", password)
        if settings.PREPARE:
            import_string(settings.PREPARE)()
