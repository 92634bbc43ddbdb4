"""What a service writes into its log, and under whose name.

A record under a user's name counts as something that was shown of that user: another's mark in it says that the service
had the wrong user in mind when it wrote. It becomes an event that was pushed to the user who is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.adapter import LogFile
from harness.model import Unreachable


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
