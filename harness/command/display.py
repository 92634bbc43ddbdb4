"""The live view: one changing line on a terminal, plain lines when piped or in CI; and output that goes on unread."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from types import TracebackType
from typing import Any, TextIO

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


class Output:
    """Standard output that outlives its reader: `harness verify | head` goes on to its report and exit code."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        with self._going_on():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, as long as somebody reads."""
        with self._going_on():
            self._stream.flush()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
