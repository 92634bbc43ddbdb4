"""What one user has, as the model of that user (`harness.spec`) remembers it.

How it works: for each text that an object may show, the model keeps until when it may; an event index that never comes
(`NEVER`) means that nothing has put an end to it. What an unanswered request would have written may come at any time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harness.vocabulary import Kind

NEVER = 1 << 62
"""An event index beyond every history."""

MOST_GROUPS = 256
"""Runs whose writes are remembered per user: the newest."""


@dataclass(slots=True)
class Item:
    """One object of the user.

    Args:
        texts: each text it may have, with the event index at which it ceased to.
        written: when each text was acknowledged; an edit that never was may still come into effect.
        versions: those that were acknowledged.
        deleting: deletions that may still come into effect.
    """

    made: int
    texts: dict[str, int]
    written: dict[str, int]
    versions: set[int]
    gone_from: int = NEVER
    gone_by: int = NEVER
    deleting: int = 0

    def may_read(self, text: str, since: int) -> bool:
        """Return whether an answer that was asked for at this index may show the text."""
        return self.texts.get(text, -1) > since

    def may_conflict(self, version: object) -> bool:
        """Return whether an edit of this version may be refused: it is not the newest, or another edit may have won."""
        newest = max(self.versions, default=None)
        rivals = sum(until == NEVER for until in self.texts.values())
        return (newest is not None and version != newest) or rivals > 1


@dataclass(slots=True)
class Group:
    """The notes that one run writes together, since which event that is decided, and whether it is to fail."""

    texts: tuple[str, ...]
    doomed: bool = False
    committed: int = NEVER
    aborted: int = NEVER
    touched: bool = False  # by an edit or a deletion of one of them: not judged any more


@dataclass(slots=True)
class Run:
    """What the user asked a run to do, and whether they asked to cancel it."""

    agent: str
    text: str
    group: Group | None
    cancelled: bool = False


@dataclass(slots=True)
class Own:
    """All that the user has."""

    items: dict[Kind, dict[str, Item]] = field(default_factory=lambda: {Kind.THREAD: {}, Kind.NOTE: {}})
    maybe: dict[Kind, dict[str, None]] = field(default_factory=lambda: {Kind.THREAD: {}, Kind.NOTE: {}})
    runs: dict[str, Run] = field(default_factory=dict)
    groups: deque[Group] = field(default_factory=lambda: deque(maxlen=MOST_GROUPS))
    grouped: dict[str, Group] = field(default_factory=dict)
    forgot: bool = False  # some groups: an unknown note may be of one of them
    troubled: bool = False  # by a fault of their own, which may have ended any of their runs

    def writer_of(self, text: str) -> Group | None:
        """Return the notes among which a run was asked to write this text."""
        return next((group for group in self.groups if text in group.texts), None)


def group_of(agent: object, text: str) -> Group | None:
    """Return the notes that a run is to write, or None if it writes none."""
    order, _, rest = text.partition(": ")
    if agent == "notebook" and order == "remember":
        return Group(tuple(part.strip() for part in rest.split("|")))
    if agent == "faulty" and order == "fail":
        return Group((rest,), doomed=True)
    return None
