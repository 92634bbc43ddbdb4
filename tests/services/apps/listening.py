"""How every service of `tests.services.apps` is run: `python -m tests.services.apps.NAME [--leaky]`.

It listens on a free port of 127.0.0.1, prints `{"url": "http://127.0.0.1:PORT"}` when it is ready to answer, and serves
until its stdin ends or it gets a SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

GRACE_S = 1
"""How long open streams may keep a service from ending."""


def is_leaky() -> bool:
    """Return whether the service is to make its mistake."""
    return "--leaky" in sys.argv[1:]


def bound_socket() -> socket.socket:
    """Return a socket that listens on a free port."""
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def announce(port: int) -> None:
    """Say where the service is."""
    print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)


def when_stdin_ends(stop: Callable[[], object]) -> None:
    """Call `stop`, in another thread, when there will be no more input."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        stop()

    threading.Thread(target=wait, daemon=True, name="stdin").start()


async def until_told() -> None:
    """Return when the service is to end."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    when_stdin_ends(lambda: loop.call_soon_threadsafe(told.set))
    await told.wait()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and not self.should_exit:
            announce(sockets[0].getsockname()[1])


def serve_asgi(app: Any) -> None:
    """Serve an ASGI application until told to end."""
    server = _Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=GRACE_S))
    when_stdin_ends(lambda: setattr(server, "should_exit", True))
    server.run(sockets=[bound_socket()])
