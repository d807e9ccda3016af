"""The files of a private site: bff.conf, and the shipped nginx files with addresses filled in."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from components import REPOSITORY, ComponentFailed, run_bffd

SHIPPED = REPOSITORY / "nginx"

SIMPLEJWT = """\
[backend]
preset = simplejwt
"""

KEY_LINE = re.compile(r"\s*([a-z_]+)\s*=")
SECTION_LINE = re.compile(r"\s*\[([^\]]+)\]")


def edit_ini(text, values):
    """An INI text in which each "section.key" has the value given. Every other line stays as it is
    and where it is, so that messages name the right line: new keys come last, in sections that the
    file may have already."""
    left = dict(values)
    lines, section = [], None
    for line in text.splitlines():
        header, key = SECTION_LINE.match(line), KEY_LINE.match(line)
        if header:
            section = header[1].strip()
        full = f"{section}.{key[1]}" if key else None
        if full in left:
            line = f"{key[1]} = {left.pop(full)}"
        lines.append(line)
    new = {}
    for full, value in left.items():
        section, key = full.rsplit(".", 1)
        new.setdefault(f"[{section}]", []).append(f"{key} = {value}")
    for header, keys in new.items():
        lines += [header, *keys]
    return "\n".join(lines) + "\n"


def read_ini(text):
    """{"section.key": value}, as far as a script needs to know: without comments."""
    values, section = {}, None
    for line in text.splitlines():
        header, key = SECTION_LINE.match(line), KEY_LINE.match(line)
        if header:
            section = header[1].strip()
        elif key:
            value = re.sub(r"(^|\s);.*", "", line.split("=", 1)[1])
            values[f"{section}.{key[1]}"] = value.strip()
    return values


def make_key(path):
    """A key file as `bffd keygen` makes it, readable by its owner only."""
    key = run_bffd("keygen")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(key)


def make_certificate(directory):
    """A self-signed certificate for localhost: (certificate, key)."""
    certificate, key = Path(directory) / "localhost.pem", Path(directory) / "localhost.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext"]
    command += ["subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise ComponentFailed(f"openssl made no certificate:\n{done.stderr}")
    return certificate, key


def effective_config(config):
    """{"section.key": value}, all of them, as bffd itself reads its configuration."""
    return read_ini(run_bffd("-c", config, "--print-config"))


def implied_prefixes(effective):
    """Where a backend has its token endpoints, it has more of its API: /auth/ for /auth/login/."""
    calls = [value.split() for name, value in effective.items() if name.endswith(".request")]
    paths = [call[1] for call in calls if len(call) == 2]
    first = {path[: path.index("/", 1) + 1] for path in paths if path.count("/", 1, -1)}
    return first - {"/api/", "/bff/"}


def add_to_site(files, prefixes, microcache):
    """What users add beside bff.conf. An API call is what begins with one of `prefixes`, or with
    /api/; `microcache` is its directory, or None."""
    include = "\n    include bff/bff.conf;"  # a line of the site's, and of no comment
    calls = [
        f"    location ^~ {prefix} {{\n        include bff/bff-call.conf;\n    }}"
        for prefix in sorted(prefixes)
    ]
    calls.append("    include bff/bff-metrics.conf;")
    if microcache:
        calls.append("    include bff/bff-microcache.conf;")
        files.include("bff/bff-microcache-http.conf")
        files.replace("/run/bff-microcache", microcache)
    files.replace(include, "\n".join([include, *calls]))


def attach_line(effective):
    """What bff-proxy.conf asks of a user whose backend.attach names a header of its own."""
    how, name, *_ = effective["backend.attach"].split()
    is_own = how == "header" and name.lower() != "authorization"
    return f"proxy_set_header {name} $bff_header;\n" if is_own else ""


class NginxFiles:
    """Copies of the shipped files in which addresses, and nothing else, are replaced. A text that
    is to be replaced and is nowhere to be found is an error: the two have drifted apart."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._replacements, self._added, self._included = {}, {}, ["bff/bff-http.conf"]

    def replace(self, shipped, ours):
        self._replacements[shipped] = str(ours)

    def add(self, name, text):
        """A file that does not ship, because it is the user's."""
        self._added[name] = text

    def include(self, name):
        """One more that ships, for the `http` block."""
        self._included.append(name)

    def write(self, site):
        """Writes DIRECTORY/bff/*.conf and returns what an `http` block has to include."""
        to = self.directory / "bff"
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True)
        missing = set(self._replacements)
        for source in SHIPPED.glob("*.conf"):
            if source.name.startswith("site-") and source.name != site:
                continue
            text = source.read_text()
            for shipped, ours in self._replacements.items():
                if shipped in text:
                    missing.discard(shipped)
                    text = text.replace(shipped, ours)
            (to / source.name).write_text(text)
        for name, text in self._added.items():
            (to / name).write_text(text)
        if missing:
            raise ComponentFailed(f"no file of {SHIPPED} contains {sorted(missing)}")
        return [*self._included, f"bff/{site}"]


def shipped_login_rate():
    return re.search(r"rate=\S+r/[sm]", (SHIPPED / "bff-http.conf").read_text())[0]


def nginx_main(directory, includes):
    """nginx.conf: what Debian's holds, with every path below `directory`."""
    temp = "\n".join(
        f"    {name}_temp_path {directory}/nginx-temp/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    included = "\n".join(f"    include {name};" for name in includes)
    (Path(directory) / "nginx-temp").mkdir(exist_ok=True)
    user = "user root root;\n" if os.geteuid() == 0 else ""  # so that it reads a private directory
    mime = "include /etc/nginx/mime.types;" if Path("/etc/nginx/mime.types").exists() else ""
    return f"""\
{user}daemon off;
pcre_jit on;
worker_processes 2;
worker_shutdown_timeout 5s;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log notice;
events {{
    worker_connections 4096;
}}
http {{
    {mime}
    default_type application/octet-stream;
    log_format bff '$remote_addr [$time_iso8601] "$request_method $uri" $status $body_bytes_sent '
                   '$request_time $request_id "$upstream_addr" "$upstream_status"';
    access_log {directory}/nginx-access.log bff;
    sendfile on;
    tcp_nopush on;
{temp}
{included}
}}
"""
