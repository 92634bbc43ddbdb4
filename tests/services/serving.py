"""Runs one of the services in a process of its own.

with serving("starlette_notes", leaky=True) as url:
    ...
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from tests.services.apps.private_servers import program
from tests.services.catalogue import SERVICES

ROOT = Path(__file__).parents[2]
START_S = 40.0
STOP_S = 5.0


class Missing(Exception):
    """A service cannot be run here. Says what is not installed."""


@contextmanager
def serving(name: str, leaky: bool) -> Iterator[str]:
    """Run a service while the block runs; yield its URL.

    Raises:
        Missing: a package or a program that it needs is not installed.
        RuntimeError: it did not start.
    """
    if lacking := [need for need in SERVICES[name].needs if find_spec(need) is None and program(need) is None]:
        raise Missing(f"{name} needs {', '.join(lacking)}")
    command = [sys.executable, "-m", f"tests.services.apps.{name}", *(["--leaky"] if leaky else [])]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            yield _url(name, process, complaints)
        finally:
            _stop(process)


def _url(name: str, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    assert process.stdout is not None
    told, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if told else b""
    if not line:
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")[-2000:]
        raise RuntimeError(f"{name} did not start within {START_S:.0f} s: {said or 'it said nothing'}")
    announced: dict[str, Any] = json.loads(line)
    return str(announced["url"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()
