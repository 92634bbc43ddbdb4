"""Where the service writes of its users: a file, or a call that returns what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogFile:
    """What the service writes of its users.

    Args:
        path: of the file, as seen from where the harness runs.
        user: a regular expression whose first group is the name of the user whom a record is about.
    """

    path: str
    user: str = r'"user": "([^"]*)"'


LogRecords = Callable[[], Iterable[tuple[str, str]]]
"""Returns what a service has written since the last call: pairs of the user's name whom a record is about, and it."""
