"""What a service writes into its log, and under whose name.

A record under a user's name counts as something that was shown of that user: another's mark in it says that the service
had the wrong user in mind when it wrote. It becomes an event that was pushed to the user who is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from harness.adapter.adapter import LogFile, LogRecords
from harness.history.model import Unreachable


class Log(Protocol):
    """Where the records of a service come from."""

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield each new record that names a user: the harness's name of the user, and the record.

        Raises:
            Unreachable: they cannot be had.
        """


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


class LogTail:
    """Reads the records that come in from now on.

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
        self._at = 0
        self._rest = ""
        self._at = len(self._new())

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield each new record that names a user: the harness's name of the user, and the record."""
        new = self._new()
        self._at += len(new)
        *lines, self._rest = (self._rest + new.decode("utf-8", "replace")).split("\n")
        for line in lines:
            named = self._user.search(line)
            user = self._ids.get(named.group(1)) if named else None
            if user is not None:
                yield user, line

    def _new(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                return file.read()
        except OSError as error:
            raise Unreachable(
                f"the log file {self._path} cannot be read ({error.strerror}): see `log` of the adapter, and whether "
                "the service has been started"
            ) from error
