"""Headless Chromium over its debugging protocol: tabs, clicks, and what went wrong in them."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.request

import websocket

from until import until

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--metrics-recording-only",
    "--window-size=1280,1000",
    "--remote-debugging-port=0",
]
STARTS_WITHIN_S = 30
ANSWERS_WITHIN_S = 30


MIDDLE_IN_VIEW = """(element) => {
    element.scrollIntoView({ block: "center", behavior: "instant" });
    const box = element.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
}"""


class Chromium:
    """One browser, its profile its own. `localhost` is `address`, and so is everything below the
    domains; nothing else is reachable. With domains any certificate will do."""

    def __init__(self, address="127.0.0.1", dark=False, domains=()):
        self.address = address
        self.dark = dark
        self.domains = domains
        self.tabs = []

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="bff-chromium-")
        self.log = open(os.path.join(self.profile, "log"), "wb")
        names = ["localhost", *self.domains, *(f"*.{domain}" for domain in self.domains)]
        known = "".join(f"MAP {name} {self.address}, " for name in names)
        rules = f"{known}MAP * ~NOTFOUND, EXCLUDE {self.address}"
        self.process = subprocess.Popen(
            [
                "/usr/bin/chromium",
                *FLAGS,
                f"--user-data-dir={self.profile}/profile",
                f"--host-resolver-rules={rules}",
                *(["--ignore-certificate-errors"] if self.domains else []),
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={
                **os.environ,
                "HOME": self.profile,
                "XDG_CONFIG_HOME": self.profile,
                "XDG_CACHE_HOME": self.profile,
            },
            start_new_session=True,
        )
        try:
            self.port = until(self._debugging_port, STARTS_WITHIN_S, "chromium starts")
        except AssertionError as late:
            said = pathlib.Path(self.profile, "log").read_text()[-2000:]
            self.__exit__()
            raise AssertionError(f"{late}; it said:\n{said}") from None
        return self

    def __exit__(self, *_):
        for tab in self.tabs:
            tab.disconnect()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        # Its helpers share its group, and write into the profile until they end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _debugging_port(self):
        file = pathlib.Path(self.profile, "profile", "DevToolsActivePort")
        lines = file.read_text().split() if file.exists() else []
        return int(lines[0]) if len(lines) > 1 else None

    def open_tab(self, url):
        """A new tab of the same window; the one opened before it is then in the background."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:
            target = json.load(answer)
        tab = Tab(target["webSocketDebuggerUrl"])
        self.tabs.append(tab)
        tab.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}],
        )
        tab.go(url)
        return tab


class Navigated(RuntimeError):
    """The page that was asked has gone, and another one comes."""


class Tab:
    """One page, and what it complained of."""

    def __init__(self, address):
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=None)
        self._lock = threading.Condition()
        self._answers = {}
        self._last_id = 0
        self._closed = False
        self.complaints = []
        self.requests = {}
        self.responses = []
        threading.Thread(target=self._listen, daemon=True).start()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def disconnect(self):
        self._socket.close()

    def _listen(self):
        try:
            while True:
                message = json.loads(self._socket.recv())
                with self._lock:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self._note(message["method"], message["params"])
                    self._lock.notify_all()
        except (OSError, ValueError, websocket.WebSocketException):
            with self._lock:
                self._closed = True
                self._lock.notify_all()

    def _note(self, method, event):
        if method == "Network.requestWillBeSent":
            self.requests[event["requestId"]] = (
                f"{event['request']['method']} {event['request']['url']}"
            )
        elif method == "Network.responseReceived":
            status = event["response"]["status"]
            request = self.requests.get(event["requestId"], "?")
            self.responses.append((request, status))
            if status >= 400:
                self.complaints.append(f"{request}: {status}")
        elif method == "Network.loadingFailed" and not event.get("canceled"):
            self.complaints.append(
                f"{self.requests.get(event['requestId'], '?')}: {event['errorText']}"
            )
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.complaints.append(
                "console: "
                + " ".join(str(a.get("value", a.get("description"))) for a in event["args"])
            )
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"log: {event['entry']['text']} {event['entry'].get('url', '')}")

    def send(self, method, **params):
        with self._lock:
            self._last_id += 1
            number = self._last_id
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        with self._lock:
            arrived = self._lock.wait_for(
                lambda: number in self._answers or self._closed, ANSWERS_WITHIN_S
            )
            answer = self._answers.pop(number, None)
        if not arrived or answer is None:
            raise TimeoutError(f"{method}: no answer from chromium")
        if "error" in answer and "navigated" in answer["error"]["message"]:
            raise Navigated(f"{method}: {answer['error']['message']}")
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def go(self, url):
        self.send("Page.navigate", url=url)
        self.wait_for(
            "document.readyState === 'complete' && location.href !== 'about:blank'",
            what=f"{url} loads",
        )

    def to_front(self):
        self.send("Page.bringToFront")

    def evaluate(self, script):
        result = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in result:
            raise RuntimeError(
                result["exceptionDetails"]
                .get("exception", {})
                .get("description", "a script failed")
            )
        return result["result"].get("value")

    def wait_for(self, script, within_s=15, what=None):
        """Until the script's value is true; a failure tells what the page shows instead."""

        def is_true():
            try:
                return self.evaluate(f"Promise.resolve({script}).then(Boolean)")
            except Navigated:
                return False  # another page is coming

        try:
            return until(is_true, within_s, what or script)
        except AssertionError as late:
            shown = f"the page shows:\n{self.text()[:2000]}\nand complains: {self.complaints[-10:]}"
            raise AssertionError(f"{late}; {shown}") from None

    def text(self, selector="body"):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def shows(self, text, within_s=15):
        """Wait until the page shows the text, in whatever element."""
        return self.wait_for(
            f"document.body.innerText.includes({json.dumps(text)})",
            within_s,
            f"the page shows {text!r}",
        )

    def has(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}) !== null")

    def click(self, selector):
        """As a finger would: tab in front, element in view, press and release at its middle."""
        self.to_front()
        element = f"document.querySelector({json.dumps(selector)})"
        enabled = f"(e => e && !e.disabled)({element})"
        self.wait_for(enabled, what=f"{selector} can be clicked")
        box = self.evaluate(f"({MIDDLE_IN_VIEW})({element})")
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, **where)

    def type(self, selector, text):
        """Replace what stands in a field by what a keyboard would put there."""
        self.to_front()
        self.wait_for(
            f"document.querySelector({json.dumps(selector)})", what=f"{selector} is there"
        )
        self.evaluate(
            f"(e => {{ e.focus(); e.select(); }})(document.querySelector({json.dumps(selector)}))"
        )
        self.send("Input.insertText", text=text)

    def choose_file(self, selector, path):
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def cookies(self):
        """As Chromium keeps them, HttpOnly ones too."""
        return self.send("Network.getAllCookies")["cookies"]

    def storage(self):
        """All that scripts of the page can read and that outlives a call, as one text."""
        return self.evaluate("""(async () => JSON.stringify({
            cookie: document.cookie,
            local: Object.entries(localStorage),
            session: Object.entries(sessionStorage),
            databases: (await indexedDB.databases()).map((d) => d.name),
            caches: await caches.keys(),
            workers: (await navigator.serviceWorker.getRegistrations()).map((r) => r.scope),
            name: window.name,
            history: history.state,
            html: document.documentElement.outerHTML,
        }))()""")

    def screenshot(self, path, width=None, height=None, full=True):
        if width:
            self.send(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height or 900,
                deviceScaleFactor=1,
                mobile=False,
            )
        image = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        pathlib.Path(path).write_bytes(base64.b64decode(image["data"]))
