"""What a service writes into its log, and under whose name.

A record under a user's name counts as something that was shown of that user: another's mark in it says that the service
had the wrong user in mind when it wrote. It becomes an event that was pushed to the user who is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from harness.adapter.adapter import LogFile, LogRecords
from harness.history.model import Unreachable

REMEMBERED = 256
"""Bytes that must still stand where they were read, or else the file was truncated."""


class Log(Protocol):
    """Where the records of a service come from."""

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield each new record that names a user: the harness's name of the user, and the record.

        Raises:
            Unreachable: they cannot be had.
        """

    def close(self) -> None:
        """Read no more."""


def log_of(log: LogFile | LogRecords, ids: Mapping[str, str]) -> Log:
    """Return the log of a service, from now on.

    Args:
        log: as its adapter says.
        ids: the harness's name of each user, by the name that the service knows.

    Raises:
        Unreachable: it cannot be read.
    """
    return LogTail(log, ids) if isinstance(log, LogFile) else _LogCalls(log, ids)


class _LogCalls:
    """Asks the adapter for records; those that were there before are not of this run."""

    def __init__(self, new: LogRecords, ids: Mapping[str, str]) -> None:
        self._new, self._ids = new, ids
        for _ in self.records():
            pass

    def records(self) -> Iterator[tuple[str, str]]:
        try:
            found = [(str(user), str(record)) for user, record in self._new()]
        except Exception as error:
            raise Unreachable(
                f"`log` of the adapter gave no records ({error!r}): it is called without arguments, and returns pairs "
                "of a user's name and what was written since the last call"
            ) from error
        yield from ((self._ids[user], record) for user, record in found if user in self._ids)

    def close(self) -> None:
        """Ask no more."""


class LogTail:
    """Reads the records that come in from now on, also when the file is rotated: renamed and made anew, or truncated.

    How it works. The file stays open, so that a renamed one is read to its end; the new one is read once something is
    in it, as its service writes into the old one until then. What was read last must still stand where it was read:
    otherwise the file was truncated, and all of it is new.

    Args:
        log: where they are, and how they name a user.
        ids: the harness's name of each user, by the name that the service knows.

    Raises:
        Unreachable: there is no such file.
    """

    def __init__(self, log: LogFile, ids: Mapping[str, str]) -> None:
        self._user = re.compile(log.user)
        self._ids = ids
        self._path = Path(log.path)
        self._rest = b""
        self._open()
        self._come_in()

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield each new record that names a user: the harness's name of the user, and the record."""
        *lines, self._rest = (self._rest + self._new()).split(b"\n")
        for line in lines:
            record = line.decode("utf-8", "replace")
            named = self._user.search(record)
            user = self._ids.get(named.group(1)) if named else None
            if user is not None:
                yield user, record

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _new(self) -> bytes:
        with self._readable():
            moved = self._has_moved()
            new = self._come_in()
        if moved:
            self.close()
            self._open()
            new += b"\n" + self._come_in()  # what has no end in the old file ends there
        return new

    def _open(self) -> None:
        with self._readable():
            self._file = self._path.open("rb", buffering=0)
        self._at, self._last = 0, b""

    def _has_moved(self) -> bool:
        """Whether another file is in this place by now, and something in it."""
        try:
            here = self._path.stat()
        except FileNotFoundError:
            return False  # it was renamed, and is not made anew yet
        return not os.path.samestat(here, os.fstat(self._file.fileno())) and here.st_size > 0

    def _come_in(self) -> bytes:
        """Return what stands in the file behind what was read."""
        self._file.seek(self._at - len(self._last))
        found = self._file.read()
        if found.startswith(self._last):
            ended, new = b"", found[len(self._last) :]
        else:
            self._file.seek(0)
            self._last, ended, new = b"", b"\n", self._file.read()
        self._at = self._file.tell()
        self._last = (self._last + new)[-REMEMBERED:]
        return ended + new

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unreachable(
                f"the log file {self._path} cannot be read ({error.strerror}): see `log` of the adapter, and whether "
                "the service has been started"
            ) from error
