"""Starts and stops the process of `harness.targets.server`, for the target `service` and for the load suite.

Rules:

- However starting it ends, nothing of it is left behind; it takes START_S at most.
- The process ends with the one that started it, also when that is killed: its standard input closes then.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from typing import IO

import httpx

from harness.history.model import Unreachable
from harness.targets.bundled import SECRET_VARIABLE

START_S = 30.0
STOP_S = 10.0


class ServerProcess:
    """One uvicorn process on 127.0.0.1, at a free port. Use as a context manager, once.

    Args:
        subject: `reference`, or the name of a mutant or twin.
        start_s: how long it may take to answer; then it is stopped.
    """

    def __init__(self, subject: str = "reference", start_s: float = START_S) -> None:
        self.subject = subject
        self.secret = secrets.token_hex(32)
        self.url = ""
        self._start_s = start_s
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self._process is not None, "the server was not started: use it as a context manager"
        return self._process

    def __enter__(self) -> ServerProcess:
        with ExitStack() as undoing:
            undoing.callback(self.__exit__)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.targets.server", "--subject", self.subject, "--end-with-input"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, SECRET_VARIABLE: self.secret},
            )
            self._await_start(self._process)
            undoing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._stop(self._process)
        self._log.close()

    def log(self) -> str:
        """Return what the process wrote to its standard error, while it is there."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def _await_start(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the line that says where the process listens, and until the application has started.

        Raises:
            Unreachable: it did not start. Says what it wrote.
        """
        assert process.stdout is not None
        # Killed, it closes its end of the pipe: that is what ends a read which has no time limit of its own.
        watchdog = threading.Timer(self._start_s, process.kill)
        begun_s = time.monotonic()
        watchdog.start()
        try:
            self.url = json.loads(process.stdout.readline())["url"]
            # The socket listens before the application has started, so the request just waits.
            httpx.get(f"{self.url}/healthz", timeout=self._start_s, trust_env=False).raise_for_status()
        except (ValueError, KeyError, TypeError, httpx.HTTPError) as error:
            late = time.monotonic() - begun_s >= self._start_s
            self._stop(process)
            why = f"gave no answer within {self._start_s:g} s" if late else "did not start"
            raise Unreachable(f"the server process of {self.subject} {why}: {self.log()[-800:] or error}") from error
        finally:
            watchdog.cancel()

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
