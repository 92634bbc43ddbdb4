"""Starts and stops the process of `harness.targets.server`, for the target `service` and for the load suite."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from typing import IO

import httpx

from harness.model import Unreachable
from harness.targets.server import SECRET_VARIABLE

START_S = 30.0
STOP_S = 10.0


class ServerProcess:
    """One uvicorn process on 127.0.0.1, at a free port. Use as a context manager.

    Args:
        subject: `reference`, or the name of a mutant or twin.
    """

    def __init__(self, subject: str = "reference") -> None:
        self.subject = subject
        self.secret = secrets.token_hex(32)
        self.url = ""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self._process is not None, "the server was not started: use it as a context manager"
        return self._process

    def __enter__(self) -> ServerProcess:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.targets.server", "--subject", self.subject],
            stdout=subprocess.PIPE,
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, SECRET_VARIABLE: self.secret},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            self.url = json.loads(line)["url"]
            self._await_health()
        except (ValueError, KeyError, httpx.HTTPError) as error:
            self.__exit__()
            raise Unreachable(
                f"the server process of {self.subject} did not start ({error or 'no answer'}): {self.log()[-800:]}"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        process = self.process
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def log(self) -> str:
        """Return what the process wrote to its standard error."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def _await_health(self) -> None:
        """Wait until the application has started: the socket listens before it does, so the request just waits."""
        httpx.get(f"{self.url}/healthz", timeout=START_S, trust_env=False).raise_for_status()
