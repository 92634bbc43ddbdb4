"""Anybody's ASGI application in this process, by its adapter: for the suites that need no sockets.

Rules:

- Each opening imports anew whatever belongs to the application, so that module-level state of one program is not found
  in the next: all that lies in the folder where its file, or its outermost package, lies is imported again. Installed
  packages are not, nor is the harness, wherever it lies.
- Django keeps its settings and its models for the whole process. An application on it is made once.
- What it keeps outside this process (a file, a database) it keeps. Users therefore have names that nobody has had.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.adapter.adapter import Adapter
from harness.adapter.importing import imported, split
from harness.performing.adapted import AdaptedTarget
from harness.transport.asgi import Application, Lifespan, Receive, Scope, Send
from harness.transport.memory import MemoryExchange

INSTALLED = "site-packages"
DJANGO = "django.core.handlers.asgi"
"""Imported by whoever serves Django over ASGI."""
IN_MEMORY = frozenset({"websocket", "sse", "lines"})
"""The protocols of channels that need no socket."""


def in_process(adapter: Adapter) -> str:
    """Return why a service cannot be opened in this process, or `""` when it can."""
    if not adapter.app:
        return "its adapter names no ASGI application (`app`)"
    if odd := [channel.name for channel in adapter.channels if channel.protocol not in IN_MEMORY]:
        return f"channel {odd[0]} speaks a protocol that needs sockets"
    return ""


_made_once: dict[str, Application] = {}
"""By name, the applications that cannot be made a second time in one process."""


def application(name: str) -> Application:
    """Return the application of this name, or the one that is made by what has this name.

    Raises:
        TargetError: there is no such application.
    """
    return _made_once.get(name) or _made(name, imported(name))


def _made(name: str, app: Any) -> Application:
    made: Application = app() if is_factory(app) else app
    if DJANGO in sys.modules:
        _made_once[name] = made
    return made


def is_factory(app: Any) -> bool:
    """Whether this makes an application, and is none: it takes no arguments."""
    try:
        return callable(app) and not inspect.signature(app).parameters
    except (TypeError, ValueError):
        return False


@asynccontextmanager
async def open_application(adapter: Adapter, name: str) -> AsyncIterator[AdaptedTarget]:
    """Import an application anew, start it, and stop it at the end.

    Raises:
        TargetError: there is no such application.
        Unreachable: it does not start.
    """
    app = _made_once.get(adapter.app) or _made(adapter.app, _anew(adapter.app))
    async with Lifespan(app) as started:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = dict(started.state)
            await app(scope, receive, send)

        target = AdaptedTarget(adapter, MemoryExchange(with_state), name, lasting=None)
        try:
            yield target
        finally:
            await target.close()


def _anew(name: str) -> Any:
    """Import an application, and whatever lies around it, as if for the first time."""
    where, _ = split(name)
    if (folder := _folder_of(where)) is not None:
        beside = f"{folder}{os.sep}"
        for module in [known for known, module in sys.modules.items() if _lies_in(known, module, beside)]:
            del sys.modules[module]
    return imported(name)


def _folder_of(where: str) -> Path | None:
    """Return the folder in which an application lies; None when it was not imported yet, or is installed."""
    if where.endswith(".py"):
        return Path(where).resolve().parent
    outermost = sys.modules.get(where.partition(".")[0])
    file = getattr(outermost, "__file__", None)
    if not isinstance(file, str) or INSTALLED in Path(file).parts:
        return None
    folder = Path(file).resolve().parent
    return folder.parent if hasattr(outermost, "__path__") else folder


def _lies_in(name: str, module: Any, folder: str) -> bool:
    """Return whether a module is of this folder, and of no installed package; looked at as text, as there are many."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or name.partition(".")[0] in ("harness", "__main__"):
        return False
    return file.startswith(folder) and INSTALLED not in file[len(folder) :]
