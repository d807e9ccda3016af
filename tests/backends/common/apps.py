from django.apps import AppConfig
from django.db.backends.signals import connection_created


def tune(connection, **_):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        # The database need not outlive a power cut, and then no commit waits for the disk.
        cursor.execute("PRAGMA synchronous = OFF")


class CommonConfig(AppConfig):
    name = "backends.common"

    def ready(self):
        connection_created.connect(tune)
