"""Whose events reached whom, counted: the table that shows isolation at a glance.

Rules:

- This is a tally and no checker: it says how often, never whether that is right.
- The owner is whom the harness knows to own the run or thread; frames of unknown owners are not counted.

How it works: a table of (owner, observer) pairs; in an isolated target only its diagonal is filled. Tables of parts
(load workers, shards) add up to the table of the whole.
"""

from __future__ import annotations

from collections import Counter

from harness.history.model import Event, EventKind, UserId
from harness.judging.ownership import Ownership, frame_of


class Deliveries:
    """How many frames of each owner reached each observer."""

    __slots__ = ("_counts", "_ownership")

    def __init__(self) -> None:
        self._counts: Counter[tuple[UserId, UserId]] = Counter()
        self._ownership = Ownership()

    def step(self, event: Event) -> None:
        """Take the next event of a history."""
        if event.kind is not EventKind.PUSH:
            self._ownership.step(event)
            return
        frame = frame_of(event)
        owner = self._ownership.owner_of(frame, event.user) if frame is not None else None
        if owner is not None:
            self._counts[owner, event.user] += 1

    def add(self, other: Deliveries) -> None:
        """Add the counts of another part of the same run."""
        self._counts.update(other._counts)

    def table(self) -> list[list[UserId | int]]:
        """Return the rows [owner, observer, count], sorted."""
        return [[owner, observer, count] for (owner, observer), count in sorted(self._counts.items())]
