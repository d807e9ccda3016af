"""bffd behind a listening socket that is not its own and outlives it, as under systemd."""

import os
import signal
import socket
import subprocess
import time

from components import START_SECONDS, Bffd

# sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, and the first socket is descriptor 3.
HAND_OVER = 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'


class HeldBffd(Bffd):
    """In place of a stack's own, before that is started."""

    def __init__(self, stack):
        super().__init__(stack.directory, stack.config)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(stack.socket))
        os.chmod(stack.socket, 0o660)
        self._listener.listen(512)

    def launch(self):
        with open(self.log, "ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", HAND_OVER, *map(str, self.command())],
                stdin=self._listener,
                stdout=log,
                stderr=log,
                env=self.environment(),
                start_new_session=True,
            )

    def restart(self):
        """In order: what it had begun it has finished before the next one starts."""
        self.signal(signal.SIGTERM)
        assert self._process.wait(START_SECONDS) == 0, self.log_tail()
        self.start()

    def let_go(self):
        self._listener.close()
