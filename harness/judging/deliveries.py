"""Whose events reached whom, counted: the table that shows isolation at a glance.

Rules:

- This is a tally and no checker: it says how often, never whether that is right.
- The owner is whom the harness knows to own what a frame is about; frames of unknown owners are not counted.

How it works: a table of (owner, observer) pairs; in an isolated target only its diagonal is filled. Tables of parts
(load workers, shards) add up to the table of the whole.
"""

from __future__ import annotations

from collections import Counter

from harness.history.model import Event, EventKind, Promises, UserId
from harness.judging.frames import Frames
from harness.judging.ownership import Ownership

NOTHING = Promises()
"""What a target states that states nothing."""


class Deliveries:
    """How many frames of each owner reached each observer.

    Args:
        promises: with what is known of frames, and of the operations that make what they are about; without them it
            only adds other tables up.
    """

    __slots__ = ("_counts", "_frames", "_ownership")

    def __init__(self, promises: Promises = NOTHING) -> None:
        self._counts: Counter[tuple[UserId, UserId]] = Counter()
        self._frames = Frames(promises)
        self._ownership = Ownership(promises)

    def step(self, event: Event) -> None:
        """Take the next event of a history."""
        if event.kind is not EventKind.PUSH:
            self._ownership.step(event)
            return
        frame = self._frames.read(event)
        owner = self._ownership.owner_of(frame, event.user) if frame is not None else None
        if owner is not None:
            self._counts[owner, event.user] += 1

    def add(self, other: Deliveries) -> None:
        """Add the counts of another part of the same run."""
        self._counts.update(other._counts)

    def table(self) -> list[list[UserId | int]]:
        """Return the rows [owner, observer, count], sorted."""
        return [[owner, observer, count] for (owner, observer), count in sorted(self._counts.items())]
