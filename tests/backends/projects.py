"""
The backends of this directory, each a Django project under gunicorn with a database of its own.

    with tempfile.TemporaryDirectory() as directory:
        project = Project(directory, "cookies")
        project.start()
        with Stack(site, config=project.config, backend_url=project.url,
                   overrides=project.overrides) as stack:
            ...
        project.stop()
"""

import base64
import hashlib
import hmac
import re
import secrets
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import environments

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
for folder in ("scripts", "tests/e2e"):
    if str(REPOSITORY / folder) not in sys.path:
        sys.path.insert(0, str(REPOSITORY / folder))

from components import Component, ComponentFailed, free_port, status_of  # noqa: E402
from fullsite import Calls, post_json, read_lines  # noqa: E402

from direct import Direct  # noqa: E402

PASSWORDS = {"alice": "wonderland", "bob": "builder", "carol": "carroll", "dana": "dickinson"}
MAILED_CODE = re.compile(r"^[A-Z0-9]{3,4}-[A-Z0-9]{3,4}$", re.MULTILINE)
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # dana's, in allauth_headless/settings.py


@dataclass(frozen=True)
class Dialect:
    """What a test has to know of a backend to speak with it past bffd."""

    login: str
    refresh: str
    api: str = "/api/"
    scheme: str = "Bearer"
    revoke: str = ""
    register: str = ""
    who: str = ""  # where the library itself tells who has signed in
    access_cookie: str = ""
    refresh_cookie: str = ""
    identifier: str = "username"  # the field of the login
    refresh_member: str = "refresh"
    rotates: bool = False  # a refresh answers with a new refresh token
    registration: str = "session"  # what it ends in: session, mail (with a code) or account
    on_debian: bool = True  # the library is one of Debian's packages

    @property
    def me(self):
        return self.api + "me/"


COOKIES = Dialect(
    login="/api/v1/users/login/",
    refresh="/api/v1/users/refresh/",
    revoke="/api/v1/users/logout/",
    register="/api/v1/users/create/",
    who="/api/v1/users/",
    api="/api/v1/",
    rotates=True,
    access_cookie="access_token",
    refresh_cookie="refresh_token",
    identifier="email",
)
DJ_REST_AUTH = Dialect(
    login="/dj-rest-auth/login/",
    refresh="/dj-rest-auth/token/refresh/",
    revoke="/dj-rest-auth/logout/",
    register="/dj-rest-auth/registration/",
    who="/dj-rest-auth/user/",
    rotates=True,
    on_debian=False,
)
JWT_SCHEME = Dialect(
    login="/api/token/",
    refresh="/api/token/refresh/",
    revoke="/api/token/blacklist/",
    rotates=True,
    scheme="JWT",
)
DIALECTS = {
    "jwt-scheme": JWT_SCHEME,
    "jwt-scheme-grace": JWT_SCHEME,
    "cookies": COOKIES,
    "cookies-csrf": COOKIES,
    "status-code": Dialect(
        login="/api/token/", refresh="/api/token/refreshToken", revoke="/api/token/revokeToken"
    ),
    "accounts": Dialect(
        login="/api/v1/accounts/token/", refresh="/api/v1/accounts/token/refresh/", api="/api/v1/"
    ),
    "dj-rest-auth": DJ_REST_AUTH,
    "dj-rest-auth-httponly": DJ_REST_AUTH,
    "djoser": Dialect(
        login="/auth/jwt/create/",
        refresh="/auth/jwt/refresh/",
        register="/auth/users/",
        who="/auth/users/me/",
        registration="account",
        scheme="JWT",
    ),
    "allauth-headless": Dialect(
        login="/_allauth/app/v1/auth/login",
        refresh="/_allauth/app/v1/tokens/refresh",
        revoke="/_allauth/app/v1/auth/session",
        register="/_allauth/app/v1/auth/signup",
        registration="mail",
        refresh_member="refresh_token",
        rotates=True,
        on_debian=False,
    ),
    "oauth-toolkit": Dialect(
        login="/o/token/", refresh="/o/token/", revoke="/o/revoke_token/", rotates=True
    ),
}


# (name, environment) of all that can run.
EVERYWHERE = [
    (name, environment)
    for environment in environments.ENVIRONMENTS
    for name, dialect in DIALECTS.items()
    if environment == "newest" or dialect.on_debian
]


class Project(Component):
    """
    name          one of DIALECTS
    environment   "debian" or "newest" (which is made first, if it is not there)
    env           {"BFF_TEST_ACCESS_SECONDS": 3, ...}: see common/base.py
    """

    def __init__(self, directory, name, environment="newest", env=None):
        self.name = name
        super().__init__(directory)
        self.dialect = DIALECTS[name]
        self.environment_name = environment
        self.python = environments.ENVIRONMENTS[environment]
        self.package = name.replace("-", "_")
        self.ledger = self.directory / "tokens.jsonl"
        self.journal = self.directory / "calls.jsonl"
        self.port = 0
        self._env = {name: str(value) for name, value in (env or {}).items()}
        self.direct = Direct(self)

    # What a site is made of.

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self):
        return HERE / self.package / "bff.conf"

    @property
    def client_secret(self):
        """The file that bff.conf's client.secret_file has to be, for oauth-toolkit."""
        return self.directory / "client-secret"

    @property
    def overrides(self):
        if self.name == "oauth-toolkit":
            return {"client.secret_file": self.client_secret}
        return {}

    # The process.

    def working_directory(self):
        return HERE.parent

    def environment(self):
        return {
            **super().environment(),
            "DJANGO_SETTINGS_MODULE": f"backends.{self.package}.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            "BFF_TEST_DIR": str(self.directory),
            "BFF_TEST_TOKEN_LOG": str(self.ledger),
            "BFF_TEST_CALL_LOG": str(self.journal),
            **self._env,
        }

    def command(self):
        words = [self.python, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        words += ["--worker-class", "gthread", "--workers", "1", "--threads", "16"]
        words += ["--graceful-timeout", "2", "--worker-tmp-dir", self.directory]
        if self.environment_name == "newest":
            words += ["--no-control-socket"]  # which would stand in the user's home
        return words + ["backends.common.wsgi"]

    def start(self):
        """The port stays the same over a restart, for nginx and bffd know it."""
        self.prepare()
        self.port = self.port or free_port()
        super().start()

    def prepare(self):
        if self.environment_name == "newest":
            environments.make()
        self.directory.mkdir(parents=True, exist_ok=True)
        key = self.directory / "secret-key"
        if not key.exists():
            key.write_text(secrets.token_hex(32))
        done = subprocess.run(
            [str(self.python), "-m", "django", "prepare"],
            cwd=self.working_directory(),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ComponentFailed(f"{self.name} is not ready to start:\n{done.stderr}")

    def is_ready(self):
        return status_of(self.port, "/health/") == 200

    # What a test asks of it.

    def credentials(self, user="alice", password=None):
        """The fields of a sign-in."""
        who = f"{user}@example.org" if self.dialect.identifier == "email" else user
        return {self.dialect.identifier: who, "password": password or PASSWORDS[user]}

    def new_user(self, user, password="a-long-enough-secret"):
        """The fields of a registration."""
        fields = {"username": user, "email": f"{user}@example.org", "password": password}
        if self.name.startswith("cookies"):
            del fields["username"]
        if self.name.startswith("dj-rest-auth"):
            fields["password1"] = fields["password2"] = fields.pop("password")
        return fields

    def mailed_code(self):
        """The code of the newest mail, where the backend sends such."""
        newest = max((self.directory / "mail").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return MAILED_CODE.search(newest.read_text())[0]

    def all_issued(self):
        return read_lines(self.ledger)

    def issued(self, kind, user):
        """The tokens of that kind that the user was given, oldest first."""
        return [t for t in self.all_issued() if (t["kind"], t["user"]) == (kind, user)]

    def calls_from_now(self):
        return ProjectCalls(lambda: read_lines(self.journal), self.is_refresh)

    def is_refresh(self, call):
        """Where sign-in and refresh share a path, only the second is given a token."""
        shared = self.dialect.refresh == self.dialect.login
        return call["path"] == self.dialect.refresh and (call["jti"] or not shared)

    def revoke_access(self, user=None):
        """Access tokens that have left so far are refused from now on, though unexpired."""
        post_json(self.url + "/test/revoke-access/", {"user": user})

    def revoke_refresh(self, user=None):
        post_json(self.url + "/test/revoke-refresh/", {"user": user})


class ProjectCalls(Calls):
    def __init__(self, read, is_refresh):
        super().__init__(read)
        self._is_refresh = is_refresh

    @property
    def refreshes(self):
        return [call for call in self.all() if self._is_refresh(call)]


def totp_code(secret=TOTP_SECRET, at=None):
    """RFC 6238, six digits, steps of 30 seconds."""
    counter = int((time.time() if at is None else at) // 30)
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"
