"""What stands behind every contender: an nginx of its own that answers at once, or late."""

import json
from pathlib import Path

import components
import site_files

BODY_BYTES = 1024
DELAY_MS = 200
FIELDS = {"id": 17, "title": "Write the report", "done": False, "owner": "alice", "note": ""}


def kilobyte():
    short = json.dumps(FIELDS)
    return json.dumps({**FIELDS, "note": "x" * (BODY_BYTES - len(short))})


class Upstream:
    """/api/item, /api/slow and /api/check, as contender.py describes them."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.body = kilobyte().encode()
        self._nginx = components.Nginx(self.directory, self._write_config)
        self.stop = self._nginx.stop

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self._nginx.start()

    @property
    def address(self):
        return f"127.0.0.1:{self._nginx.port}"

    @property
    def url(self):
        return f"http://{self.address}"

    def _write_config(self, port):
        answer = f"default_type application/json; return 200 '{self.body.decode()}';"
        # nginx has no directive that waits, but for one: a 401 may be held back. The error page of
        # that 401 is the answer.
        (self.directory / "answers.conf").write_text(f"""\
access_log off;
keepalive_requests 1000000;
server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /api/item {{ {answer} }}
    location = /api/check {{
        default_type application/json;
        return 200 '{{"authorization":"$http_authorization"}}';
    }}
    location = /api/slow {{
        auth_request /never;
        auth_delay {DELAY_MS}ms;
        error_page 401 =200 /late;
    }}
    location = /never {{ internal; return 401; }}
    location = /late {{ internal; {answer} }}
}}
""")
        self._nginx.config.write_text(site_files.nginx_main(self.directory, ["answers.conf"]))
