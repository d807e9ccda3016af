"""nginx as it stands before Django where there is no bffd: the page, and the API passed on."""

from harness import HERE  # first: it says where the others are

import site_files
from components import Nginx

SITE = """\
upstream django {{
    server {backend};
}}
server {{
    listen 127.0.0.1:{port};
    root {page};
    proxy_set_header Host $http_host;

    location / {{
        try_files $uri /index.html;
        add_header Cache-Control no-cache;
    }}
    location /api/ {{
        proxy_pass http://django;
    }}
    location = {refresh} {{
        # Where this file stands, the backend's refreshes are out of order.
        if (-f {outage}) {{
            return 503;
        }}
        proxy_pass http://django;
    }}
}}
"""


class Front(Nginx):
    """`project`'s only way out: for the browser itself, or for nginx and bffd before it."""

    name = "front"

    def __init__(self, directory, project):
        super().__init__(directory, self._write)
        self._project = project
        self.outage = self.directory / "outage"

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    @property
    def inner_url(self):
        return f"http://127.0.0.1:{self.port}"

    def _write(self, port):
        self.directory.mkdir(parents=True, exist_ok=True)
        backend = self._project.url.removeprefix("http://")
        told = {"port": port, "page": HERE, "backend": backend}
        told |= {"refresh": self._project.dialect.refresh, "outage": self.outage}
        (self.directory / "front.conf").write_text(SITE.format(**told))
        self.config.write_text(site_files.nginx_main(self.directory, ["front.conf"]))

    def refused_refreshes(self):
        """How often an outage was felt."""
        refused = f' {self._project.dialect.refresh}" 503 '
        return self.access_log.read_text().count(refused)
