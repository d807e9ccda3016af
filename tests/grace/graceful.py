"""A project that uses bffd_grace.py, and what a test asks of it past bffd."""

import base64
import contextlib
import hashlib
import hmac
import json
import sqlite3
import subprocess
from datetime import datetime, timedelta

from projects import Project

from until import until  # isort: skip  (projects.py says where it is)

PATIENCE_S = 30
OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"  # of Django in SQLite


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def settled(site, browser):
    """The first answer that is no "try again"."""

    def answer():
        found = site.me(browser)
        return found if found.status != 503 else None

    return until(answer, PATIENCE_S, "the refresh is tried again")


class GracefulDjango(Project):
    def __init__(self, directory, environment, **env):
        super().__init__(directory, "jwt-scheme-grace", environment, env)

    def command(self):
        words = super().command()
        words[words.index("--workers") + 1] = "2"
        return words

    # What its clients ask.

    def signed_in(self, user="alice"):
        """A new refresh token."""
        return self.direct.sign_in(user).json()["refresh"]

    def refresh(self, token):
        return self.direct.refresh(token)

    def rotated(self, token):
        """The pair that the token is answered with."""
        answer = self.refresh(token)
        assert answer.status == 200, answer
        return answer.json()

    def sign_out(self, token):
        return self.direct.send("POST", self.dialect.revoke, {"refresh": token})

    # What stands in its database.

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(self.directory / "db.sqlite3", timeout=20)) as it:
            with it:
                yield it

    def rows(self, query, *values):
        with self.database() as database:
            return database.execute(query, values).fetchall()

    def outstanding(self, token):
        """The text that is listed for a token; None if it is not listed at all."""
        query = f"SELECT token FROM {OUTSTANDING} WHERE jti = ?"
        found = self.rows(query, claims_of(token)["jti"])
        return found[0][0] if found else None

    def counts(self):
        """Tokens listed, tokens blacklisted."""
        return tuple(
            self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in (OUTSTANDING, BLACKLISTED)
        )

    def let_pass(self, successor, seconds):
        """As if the rotation had been so much earlier."""
        jti = claims_of(successor)["jti"]
        ((text,),) = self.rows(f"SELECT created_at FROM {OUTSTANDING} WHERE jti = ?", jti)
        earlier = datetime.strptime(text, TIME_FORMAT) - timedelta(seconds=seconds)
        query = f"UPDATE {OUTSTANDING} SET created_at = ? WHERE jti = ?"
        self.rows(query, earlier.strftime(TIME_FORMAT), jti)

    def text_of_database(self):
        with self.database() as database:
            return "\n".join(database.iterdump())

    # What else can be done to it.

    def signed(self, claims):
        """A token with these claims, as only the project itself could make one."""
        head = base64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        text = f"{head}.{base64url(json.dumps(claims).encode())}"
        key = (self.directory / "secret-key").read_bytes()
        return f"{text}.{base64url(hmac.digest(key, text.encode(), hashlib.sha256))}"

    def will_die(self, moment):
        """The next refresh ends with the death of its process: before-commit or after-commit."""
        (self.directory / f"die-{moment}").touch()

    @contextlib.contextmanager
    def held(self):
        """Refreshes are done, but not answered before the end of this."""
        mark = self.directory / "hold"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    def evaluate(self, code, **env):
        """What the code prints, or the last line of what it died with."""
        done = self._python(code, env)
        return (done.stderr if done.returncode else done.stdout).strip().splitlines()[-1]

    def do(self, code):
        done = self._python(code, {})
        assert done.returncode == 0, done.stderr

    def _python(self, code, env):
        return subprocess.run(
            [str(self.python), "-c", f"import django; django.setup()\n{code}"],
            cwd=self.working_directory(),
            env={**self.environment(), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
