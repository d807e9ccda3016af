import os

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

USERS = {"alice": "wonderland", "bob": "builder", "carol": "carroll"}


class Command(BaseCommand):
    help = "Makes the database, the signing key and the users. Harmless when repeated."
    requires_system_checks = []

    def handle(self, *args, **options):
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        settings.FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
        self.make_signing_key()
        call_command("migrate", verbosity=0)
        User = get_user_model()
        for name, password in USERS.items():
            if not User.objects.filter(username=name).exists():
                User.objects.create_user(name, password=password)

    def make_signing_key(self):
        try:
            fd = os.open(settings.SIGNING_KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(fd, "w") as key:
            key.write(os.urandom(32).hex() + "\n")
