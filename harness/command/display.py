"""The live view: one changing line on a terminal, plain lines when piped or in CI."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from types import TracebackType

_TO_LINE_BEGINNING = "\r\x1b[K"
"""Back to the beginning of the line, and clear it (ECMA-48: CR, EL)."""


class Display:
    """Shows what is going on. Use as a context manager."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(_TO_LINE_BEGINNING if self._live else "")

    def say(self, line: str) -> None:
        """Say what is going on now."""
        self._write(_TO_LINE_BEGINNING + line[: get_terminal_size().columns - 1] if self._live else f"{line}\n")

    def complain(self, line: str) -> None:
        """Say something that stays."""
        self._write(f"{_TO_LINE_BEGINNING if self._live else ''}{line}\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
