"""The live view: one changing line with a spinner on a terminal, plain lines when piped or in CI."""

from __future__ import annotations

import os
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Display:
    """Shows what is going on. Use as a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        live = self._console.is_terminal and not os.environ.get("CI")
        self._status: Status | None = self._console.status("starting") if live else None

    def __enter__(self) -> Display:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, line: str) -> None:
        """Say what is going on now."""
        if self._status is not None:
            self._status.update(Text(line))
        else:
            self._console.print(line, markup=False, soft_wrap=True)

    def complain(self, line: str) -> None:
        """Say something that stays."""
        self._console.print(Text(line), soft_wrap=True)
