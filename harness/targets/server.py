"""The bundled backend, or a mutant of it, in a server process of its own: `python -m harness.targets.server`.

It prints one line of JSON, {"url": ...}, when it listens. Requests under /harness/ reach its instruments; they need
the token secret, which only the process that started it knows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import signal
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.history.calling import CALLING, Calling
from harness.performing.adapted_client import CALL_HEADER
from harness.targets.bundled import SECRET_VARIABLE
from harness.targets.instruments import Instruments
from harness.targets.reference import CreateApp, settings_for


class CallTap:
    """Sets which call a request is, as the harness's header says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the call set."""
        for name, value in scope.get("headers", ()):
            if name == CALL_HEADER.encode():
                call, _, user = value.decode().partition(":")
                CALLING.set(Calling(int(call), user))
        await self._app(scope, receive, send)


def instrument(app: FastAPI, secret: str) -> None:
    """Add the routes through which the harness reads probes and counts, and injects slow queries."""
    instruments = Instruments(app.state.backend)
    instruments.install()

    def guard(answer: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def guarded(x_harness_secret: str = Header(""), user: str = "", delay_s: float = 0.0) -> Any:
            if x_harness_secret != secret:
                raise HTTPException(404)
            return answer(user, delay_s)

        return guarded

    routes: Mapping[str, Callable[[str, float], Any]] = {
        "probes": lambda _user, _delay: [asdict(probe) for probe in instruments.probes()],
        "resources": lambda _user, _delay: instruments.resources(),
        "aliases": lambda _user, _delay: asdict(instruments.aliases()),
        "slow": lambda user, delay_s: instruments.slow(user, delay_s),
    }
    for name, answer in routes.items():
        app.add_api_route(f"/harness/{name}", guard(answer), include_in_schema=False)


class Gate:
    """Lets requests under /harness/ past the service's own authentication, which they do not use."""

    def __init__(self, app: ASGIApp, instruments: ASGIApp) -> None:
        self._app = app
        self._instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by path."""
        inside = scope["type"] == "http" and scope["path"].startswith("/harness/")
        await (self._instruments if inside else self._app)(scope, receive, send)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _end_with_input() -> None:
    """Tell this process to stop when its standard input ends, as it does when the process at the other end dies."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: a thread that waits in it would crash the interpreter's end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end with input", daemon=True).start()


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m harness.targets.server", description=__doc__)
    parser.add_argument("--subject", default="reference", help="which application: a name that --maker knows")
    parser.add_argument("--maker", default="harness.mutants:subject_app", help="module:callable, name -> CreateApp")
    parser.add_argument("--end-with-input", action="store_true", help="stop when standard input ends")
    chosen = parser.parse_args(arguments)
    if chosen.end_with_input:
        _end_with_input()
    secret = os.environ[SECRET_VARIABLE]
    create: CreateApp = _imported(chosen.maker)(chosen.subject)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    with tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as folder:
        _serve(create, Path(folder), secret)


def _serve(create: CreateApp, folder: Path, secret: str) -> None:
    app = create(settings_for(folder, secret))
    inside = FastAPI(openapi_url=None)
    inside.state.backend = app.state.backend
    instrument(inside, secret)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(CallTap(Gate(app, inside)), log_level="error", ws_per_message_deflate=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
