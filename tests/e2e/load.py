"""wrk, and what it has to say of the answers it got."""

import re
import subprocess


class Load:
    """Calls over many connections, from start to stop()."""

    def __init__(self, browser, path, connections, seconds):
        command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
        command += ["-H", f"Cookie: __Host-session={browser.cookie}", browser.origin + path]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def is_running(self):
        return self._process.poll() is None

    def finish(self):
        """Wait for its end."""
        self.report = self._process.communicate(timeout=60)[0]
        self.requests = self._number(r"(\d+) requests in")
        self.refused = self._number(r"Non-2xx or 3xx responses: (\d+)")
        errors = re.search(r"Socket errors: (.*)", self.report)
        self.socket_errors = errors.group(1) if errors else None
        return self

    def _number(self, pattern):
        found = re.search(pattern, self.report)
        return int(found.group(1)) if found else 0
