"""Speaking with a backend past nginx and bffd, as whoever holds its tokens could."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers.items()} {self.body[:500]!r}>"


class Direct:
    def __init__(self, project):
        self.project = project

    def send(self, method, path, value=None, headers=None, form=None):
        body, headers = None, dict(headers or {})
        if value is not None:
            body, headers["Content-Type"] = json.dumps(value).encode(), "application/json"
        if form is not None:
            body = urllib.parse.urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if method == "POST" and body is None:
            body = b""
        request = urllib.request.Request(self.project.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Reply(refusal.code, refusal.headers, refusal.read())

    def sign_in(self, user="alice", password=None):
        fields = self.project.credentials(user, password)
        if self.project.name == "oauth-toolkit":
            return self._oauth({"grant_type": "password", **fields})
        return self.send("POST", self.project.dialect.login, fields)

    def with_access(self, token):
        """The headers of a call with this access token."""
        dialect = self.project.dialect
        if dialect.access_cookie:
            return {"Cookie": f"{dialect.access_cookie}={token}"}
        return {"Authorization": f"{dialect.scheme} {token}"}

    def me(self, access):
        return self.send("GET", self.project.dialect.me, headers=self.with_access(access))

    def refresh(self, token):
        dialect = self.project.dialect
        if dialect.refresh_cookie:
            cookie = {"Cookie": f"{dialect.refresh_cookie}={token}"}
            return self.send("POST", dialect.refresh, headers=cookie)
        if self.project.name == "oauth-toolkit":
            return self._oauth({"grant_type": "refresh_token", "refresh_token": token})
        return self.send("POST", dialect.refresh, {dialect.refresh_member: token})

    def _oauth(self, form):
        secret = self.project.client_secret.read_text().strip()
        basic = base64.b64encode(f"the-site:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        return self.send("POST", self.project.dialect.login, form=form, headers=headers)
