"""A Redis and a PostgreSQL of a service's own, in a temporary folder, reached over a socket file in it."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

START_S = 30.0
UNPRIVILEGED = ("postgres", "nobody")
"""Whom PostgreSQL runs as when we are root, whom it refuses."""


def program(name: str) -> str | None:
    """Return where a program is, in PATH or where Debian puts those of PostgreSQL."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


@asynccontextmanager
async def redis_server() -> AsyncIterator[str]:
    """Run a Redis that keeps nothing; yield its socket file."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        path = Path(folder, "redis.sock")
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", folder]
        async with _running([_needed("redis-server"), *options], None, path.exists):
            yield str(path)


@asynccontextmanager
async def postgres_server() -> AsyncIterator[str]:
    """Run a PostgreSQL whose superuser is `owner`, without a password; yield the folder of its socket file."""
    user = _unprivileged() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        data = Path(folder, "data")
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        uid = None if user is None else user.pw_uid
        made = [_needed("initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        await asyncio.to_thread(subprocess.run, made, check=True, user=uid, capture_output=True, cwd=folder)
        options = ["-D", str(data), "-k", folder, "-h", "", "-F", "-c", "log_min_messages=fatal"]
        async with _running([_needed("postgres"), *options], uid, lambda: _accepts(data / "postmaster.pid")):
            yield folder


@asynccontextmanager
async def _running(command: list[str], uid: int | None, ready: Callable[[], bool]) -> AsyncIterator[None]:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    server = await asyncio.to_thread(lambda: subprocess.Popen(command, user=uid, cwd="/", **quiet))
    try:
        async with asyncio.timeout(START_S):
            while not ready():
                if server.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended at once, with {server.returncode}")
                await asyncio.sleep(0.02)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        await asyncio.to_thread(server.wait)


def _accepts(status_file: Path) -> bool:
    return status_file.exists() and status_file.read_text().rstrip().endswith("ready")


def _needed(name: str) -> str:
    found = program(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed")
    return found


def _unprivileged() -> pwd.struct_passwd:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in UNPRIVILEGED if name in known)
