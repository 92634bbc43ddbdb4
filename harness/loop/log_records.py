"""Log records of the program under a schedule: thousands of runs with faults must not fill terminals and files.

Rules:

- Only what stays in this process gets a record: a test's own handler, pytest's, a string, a queue. Terminals, files and
  the network get none.
- A record loses its exception when the run ends: who keeps records would keep every frame of every run.

How it works. `Handler.handle`, through which every record goes to each handler, is replaced.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import StringIO
from logging.handlers import BufferingHandler, QueueHandler

from harness.loop.await_sites import is_of_the_program

_IN_MEMORY = ("unittest._log", "_pytest.logging")
"""Modules whose handlers keep records for tests."""


class LogRecords:
    """The records of one run."""

    def __init__(self) -> None:
        self._with_exceptions: list[logging.LogRecord] = []

    def end(self) -> None:
        """Forget the run."""
        for record in self._with_exceptions:
            record.exc_info = None
        self._with_exceptions.clear()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Keep records in this process while this lasts."""
        original = logging.Handler.handle

        def handle(handler: logging.Handler, record: logging.LogRecord) -> bool:
            if not _stays_here(handler):
                return False
            if record.exc_info:
                self._with_exceptions.append(record)
            return bool(original(handler, record))

        logging.Handler.handle = handle  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            logging.Handler.handle = original  # type: ignore[method-assign]


def _stays_here(handler: logging.Handler) -> bool:
    if isinstance(handler, logging.StreamHandler):
        return isinstance(handler.stream, StringIO)
    return isinstance(handler, BufferingHandler | QueueHandler) or _is_in_memory(type(handler).__module__)


@lru_cache(maxsize=256)
def _is_in_memory(module: str) -> bool:
    """Whether handlers of this module are the program's own, or for tests; libraries' go to terminals and services."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return module in _IN_MEMORY or (path is not None and is_of_the_program(path))
