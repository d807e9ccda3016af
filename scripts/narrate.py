"""bffd's log in plain words: what happened to whom, for a person who watches."""

import collections
import datetime
import json
import time
from pathlib import Path

from components import parse_log_line


class Follower:
    """The complete lines that were added to a file since the last look."""

    def __init__(self, path, from_start=False):
        self._path, self._rest = Path(path), b""
        self._at = 0 if from_start or not self._path.exists() else self._path.stat().st_size

    def lines(self):
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read()
        except FileNotFoundError:
            return []
        self._at += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


class Names:
    """Whose session it is. bffd's log does not say. The test project's journal of calls does, once
    the session has made its first one: the two have the request id in common."""

    def __init__(self, call_log=None):
        self._journal = Follower(call_log, from_start=True) if call_log else None
        self._session_of_request, self._user_of_session = {}, {}

    def learn(self, event):
        session, request = event.get("session", "none"), event.get("request_id")
        if self._journal and session != "none" and session not in self._user_of_session:
            self._session_of_request[request] = session

    def _read_journal(self):
        for line in self._journal.lines() if self._journal else []:
            call = json.loads(line)
            session = self._session_of_request.pop(call["request_id"], None)
            if session and call["user"]:
                self._user_of_session[session] = call["user"]

    def of(self, event):
        session = event.get("session", "none")
        self._read_journal()
        user = self._user_of_session.get(session)
        return f"{user} (session {session})" if user else f"session {session}"


def after_sign_out(event):
    told = {"yes": "Django was told", "later": "Django will be told later"}
    return told.get(event.get("revoked"), "Django did not revoke its token")


def renewals(event):
    return int(event.get("generation", 1)) - 1


def by_capture(event):
    """Which of the file's captures it was; nothing for the login."""
    section = event.get("section", "login")
    return "" if section == "login" else f" by capture {section}"


def without_tokens(event):
    """Django's answer made no session: it refuses, or it wants a further step."""
    status = str(event.get("status"))
    what = "passed on    a step of" if status.startswith(("2", "3")) else "refused     "
    return f"{what} a sign-in{by_capture(event)}: Django said {status}"


# event -> its sentence
SENTENCES = {
    "signed_in": lambda who, e: f"signed in    {who}{by_capture(e)}",
    "login_refused": lambda who, e: without_tokens(e),
    "login_failed": lambda who, e: (
        f"failed       a sign-in{by_capture(e)}: {e.get('reason') or e.get('code')}"
    ),
    "refreshed": lambda who, e: f"refreshed    {who}: refresh number {renewals(e)}",
    "signed_out": lambda who, e: f"signed out   {who}; {after_sign_out(e)}",
    "refresh_rejected": lambda who, e: f"ended        {who}: its refresh token is no longer good",
    "refresh_unavailable": lambda who, e: (
        f"put off      the refresh of {who}: {e.get('reason')}; nobody is signed out"
    ),
    "refreshed_after_sign_out": lambda who, e: f"revoked      the late tokens of {who}",
    "revoke_failed": lambda who, e: f"put off      telling Django of a sign-out: {e.get('reason')}",
    "store_lost": lambda who, e: "lost         Redis",
    "store_back": lambda who, e: "back         Redis",
    "worker_exited": lambda who, e: f"ended        worker {e.get('pid')}",
    "worker_started": lambda who, e: f"started      worker {e.get('pid')}",
    "reloaded": lambda who, e: "reloaded     the configuration",
    "reload_refused": lambda who, e: f"kept         the old configuration: {e.get('reason')}",
}

# code of a request that was refused -> its sentence
REFUSALS = {
    "token_endpoint": "refused      a request to a path where Django gives tokens away",
    "csrf_failed": "refused      a request that did not come from this site",
    "session_expired": "expired      {who}",
    "overloaded": "refused      a request: too many are waiting",
}


def describe_request(event, names):
    """Of the one line for each request, only what is out of the ordinary."""
    if event.get("leg") == "authorize":
        return None  # a refusal comes once more, as the renew leg
    if event.get("leg") == "renew" and event.get("status") in ("200", 200):
        return f"retried      a {event.get('method')} of {names.of(event)}: Django had said 401"
    sentence = REFUSALS.get(event.get("code"))
    return sentence.format(who=names.of(event)) if sentence else None


def describe(event, names):
    """A sentence for an event that is worth one, else None."""
    if event["event"] == "request":
        return describe_request(event, names)
    if event["event"] in SENTENCES:
        return SENTENCES[event["event"]](names.of(event), event)
    if event.get("level") in ("warn", "error"):
        rest = [f"{k}={v}" for k, v in event.items() if k not in ("ts", "level", "event")]
        return f"{event['level']:<12} {event['event']} {' '.join(rest)}"
    return None


def local_time(event):
    try:
        written = datetime.datetime.strptime(event["ts"], "%Y-%m-%dT%H:%M:%S.%f%z")
    except (KeyError, ValueError):
        written = datetime.datetime.now(datetime.timezone.utc)
    return written.astimezone().strftime("%H:%M:%S")


class Narrator:
    """Follows bffd's log. With a journal of calls it tells everything a moment later, when it is
    known who has signed in."""

    def __init__(self, log, call_log=None):
        self._log, self._names = Follower(log), Names(call_log)
        self._delay_s = 0.7 if call_log else 0
        self._waiting = collections.deque()

    def sentences(self):
        """(time of day, sentence) of what is due."""
        now = time.monotonic()
        for line in self._log.lines():
            event = parse_log_line(line) or {"event": line, "level": "error"}
            self._names.learn(event)
            self._waiting.append((now + self._delay_s, event))
        while self._waiting and self._waiting[0][0] <= now:
            event = self._waiting.popleft()[1]
            sentence = describe(event, self._names)
            if sentence:
                yield local_time(event), sentence
