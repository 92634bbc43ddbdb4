"""Where a service is: at a URL that is given, or served from here, when the adapter names an application."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from harness.adapter.adapter import Adapter
from harness.history.model import Unreachable
from harness.targets.application import application
from harness.transport.asgi import Application

START_S = 30.0


@contextmanager
def located(adapter: Adapter, url: str = "") -> Iterator[str]:
    """Yield the URL of the service that an adapter is of; serve its application as long as this lasts, if it names one.

    Args:
        adapter: of it.
        url: given on the command line; counts before everything else.

    Raises:
        Unreachable: nobody says where it is, or its application does not start.
        TargetError: there is no such application.
    """
    if known := url or ("" if adapter.app else adapter.url):
        yield known.rstrip("/")
    elif adapter.app:
        with _served(application(adapter.app)) as here:
            yield here
    else:
        raise Unreachable(
            f"nobody says where {adapter.name} is: give --url http://127.0.0.1:PORT, or `url` or `app` in the adapter"
        )


class _Server(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def _served(app: Application) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = _Server(uvicorn.Config(app, log_level="critical", lifespan="auto"))
    thread = threading.Thread(target=_run, args=(server, listener), name="served application", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(START_S) or not server.started:
            raise Unreachable("the application did not start: see what its lifespan says, and mend it")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)
        listener.close()


def _run(server: _Server, listener: socket.socket) -> None:
    try:
        server.run(sockets=[listener])
    finally:
        server.ready.set()
