"""A whole site in one private directory: Redis, bffd, nginx and, unless told of a backend, the test
project. For scripts/run, scripts/demo and the end-to-end tests.

    with Stack("/tmp/site") as stack:
        print(stack.url)                      # http://localhost:PORT
        stack.bffd.kill()                     # so are stack.redis, stack.django, stack.nginx
        stack.bffd.start()
        print(stack.bffd.events("refreshed"))

The shipped nginx files are used as they are; only these texts in them are replaced:
    unix:/run/bff/bff.sock, 127.0.0.1:8000, the `listen` lines, root, server_name, certificate,
    the rate of logins and the directory of the micro-cache (if asked for). As a user would, it adds
    bff-paths.conf, which bffd prints, a line for backend.attach if that names a header of its own,
    and the backend's other prefixes.

Several bffd and nginx on one Redis: Stack(..., redis=first.redis, key_file=first.key_file).
"""

import shutil
import tempfile
import urllib.parse
from pathlib import Path

import components
import site_files
from components import Bffd, Component, ComponentFailed, Nginx, Redis, TestDjango

__all__ = ["Bffd", "Component", "ComponentFailed", "Nginx", "Redis", "Stack", "TestDjango"]

EMPTY_PAGE = "<!doctype html><title>bffd</title><p>bffd is running. No page was given to it.\n"


class Stack:
    """
    directory      everything is below it; removed at the end unless keep
    backend_url    where Django is; default: config's backend.url, or a test project of our own
    config         a bff.conf to start from; default: simplejwt as it comes. Its listen, redis.url,
                   redis.user, redis.password_file and csrf.origins give way to those of this site
    overrides      {"session.idle_timeout": "60s"}; they win over the file
    workers        of bffd, where `config` does not say
    port           of nginx; 0: any free one
    https          with HTTP/2 and a certificate of our own; else plain http
    html           directory with the page
    prefixes       paths of API calls besides /api/ and those that bff.conf implies: ["/v2/"]
    login_rate     logins a second from one address, or in nginx's words "30r/m"; None: as shipped
    redis          a Redis component that runs already, and is not ours to stop
    redis_options  {"maxmemory-policy": "allkeys-lru"}
    key_file       an existing one; default: config's if it is readable, else a new one
    django_env     for the test project's settings
    microcache     with nginx' micro-cache, in a directory of its own on a tmpfs
    mask           with bff-mask.conf
    """

    def __init__(
        self,
        directory,
        *,
        backend_url=None,
        config=None,
        overrides=None,
        workers=2,
        port=0,
        https=False,
        html=None,
        prefixes=(),
        login_rate=None,
        redis=None,
        redis_options=None,
        key_file=None,
        django_env=None,
        microcache=False,
        mask=False,
        keep=False,
    ):
        self._base = Path(config).read_text() if config else site_files.SIMPLEJWT
        self._given = site_files.read_ini(self._base)
        if config and not (backend_url or self._given.get("backend.url")):
            raise ComponentFailed(f"{config}: backend.url is not given: where is Django?")
        self.directory = Path(directory).absolute()
        self._existed = self.directory.exists()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.keep = keep
        self.https, self._html, self._login_rate = https, html, login_rate
        self._prefixes, self._mask = prefixes, mask
        self._overrides = dict(overrides or {})
        if not config:
            self._overrides.setdefault("server.workers", workers)

        self._owns_redis = redis is None
        self.redis = redis or Redis(self.directory, redis_options)
        self.django = self._test_project(backend_url, django_env)
        self._backend_url = backend_url or self._given.get("backend.url")
        self.key_file, self.key_is_ours = self._choose_key_file(config, key_file)
        self.config = self.directory / "bff.conf"
        self.microcache = None
        if microcache:
            self._tmpfs = tempfile.TemporaryDirectory(prefix="bff-", dir="/dev/shm")
            self.microcache = Path(self._tmpfs.name)
            self._overrides.setdefault("server.microcache", self.microcache)
        self.socket = components.socket_directory(self.directory) / "bff.sock"
        self.bffd = Bffd(self.directory, self.config)
        self.nginx = Nginx(self.directory, self._write_nginx, port)

    def _test_project(self, backend_url, env):
        if backend_url or "backend.url" in self._given:
            return None
        return TestDjango(self.directory / "django", env)

    def _choose_key_file(self, config, key_file):
        named = key_file or self._given.get("server.key_file")
        if named:
            # A relative path in bff.conf is seen from where the user stands.
            path = Path(named).absolute()
            try:
                path.open().close()
                return path, False
            except OSError:
                pass
        return self.directory / "key", True

    @property
    def backend_url(self):
        return self.django.url if self.django else self._backend_url.rstrip("/")

    @property
    def scheme(self):
        return "https" if self.https else "http"

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.nginx.port}"

    @property
    def redis_socket(self):
        return self.redis.socket

    @property
    def components(self):
        """In the order in which they are started; only those that are ours."""
        parts = [self.redis if self._owns_redis else None, self.django, self.bffd, self.nginx]
        return [part for part in parts if part]

    def write_config(self, **overrides):
        """bff.conf anew, for bffd.reload(): write_config(**{"log.level": "debug"})"""
        self._overrides.update(overrides)
        values = {
            "server.listen": f"unix:{self.socket}",
            "server.key_file": self.key_file,
            "redis.url": self.redis.url,
            "backend.url": self.backend_url,
        }
        # What a file says of the Redis and the site it was written for is not so here.
        for name in ("redis.user", "redis.password_file", "csrf.origins"):
            if name in self._given:
                values[name] = ""
        values.update(self._overrides)
        self.config.write_text(site_files.edit_ini(self._base, values))

    def _write_nginx(self, port):
        files = site_files.NginxFiles(self.directory)
        files.replace("unix:/run/bff/bff.sock", f"unix:{self.socket}")
        files.replace("127.0.0.1:8000", self._backend_address())
        files.replace("root /var/www/app;", f"root {self._page()};")
        if self._login_rate is not None:
            rate = self._login_rate
            rate = rate if isinstance(rate, str) else f"{rate}r/s"
            files.replace(site_files.shipped_login_rate(), f"rate={rate}")
        effective = site_files.effective_config(self.config)
        prefixes = {*site_files.implied_prefixes(effective), *self._prefixes}
        site_files.add_to_site(files, prefixes, self.microcache)
        files.add("bff-paths.conf", components.run_bffd("-c", self.config, "--print-nginx"))
        mask = "include bff/bff-mask.conf;\n" if self._mask else ""
        files.add("bff-attach.conf", site_files.attach_line(effective) + mask)
        site = self._https_site(files, port) if self.https else self._plain_site(files, port)
        main = site_files.nginx_main(self.directory, files.write(site))
        self.nginx.config.write_text(main)

    def _plain_site(self, files, port):
        files.replace("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{port};")
        return "site-localhost.conf"

    def _https_site(self, files, port):
        certificate, key = self.directory / "localhost.pem", self.directory / "localhost.key"
        if not certificate.exists():
            site_files.make_certificate(self.directory)
        files.replace("listen 80;", f"listen 127.0.0.1:{components.free_port()};")
        files.replace("listen [::]:80;", "")
        files.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
        files.replace("listen [::]:443 ssl http2;", "")
        files.replace("server_name app.example.org;", "server_name localhost;")
        files.replace("/etc/ssl/certs/app.example.org.pem", certificate)
        files.replace("/etc/ssl/private/app.example.org.key", key)
        return "site-https.conf"

    def _backend_address(self):
        parts = urllib.parse.urlsplit(self.backend_url)
        if parts.scheme != "http" or not parts.hostname or parts.path:
            raise ComponentFailed(
                f"backend.url is {self.backend_url}: a private site reaches plain http backends "
                "only, such as http://127.0.0.1:8000"
            )
        return f"{parts.netloc.rpartition('@')[2]}" if parts.port else f"{parts.hostname}:80"

    def _page(self):
        if self._html:
            return Path(self._html).absolute()
        page = self.directory / "page"
        page.mkdir(exist_ok=True)
        (page / "index.html").write_text(EMPTY_PAGE)
        return page

    def start(self):
        try:
            for part in self.components:
                if part is self.bffd:
                    self._prepare_bffd()
                if not part.is_running():
                    part.start()
        except BaseException:
            self.stop()
            raise
        return self

    def _prepare_bffd(self):
        if self.key_is_ours and not self.key_file.exists():
            site_files.make_key(self.key_file)
        self.write_config()

    def stop(self):
        for part in reversed(self.components):
            part.stop()

    def log_tail(self, lines=30):
        """The ends of all logs, for a failure's report."""
        return "\n".join(f"--- {part.name}\n{part.log_tail(lines)}" for part in self.components)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self._remove()
            raise

    def __exit__(self, *_):
        self.stop()
        self._remove()

    def _remove(self):
        if self.microcache:
            self._tmpfs.cleanup()
        if not self.keep and not self._existed:
            shutil.rmtree(self.directory, ignore_errors=True)
