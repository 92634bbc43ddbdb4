"""The timers of a loop, by the instant at which they fall due. Standard library only."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count

from harness.loop.task_ids import NumberedTimer

FIRST_TIMER = 2_000_000
"""As actors, timers count up from here: there are never so many tasks."""


class Timers:
    """A heap of timers; those that were cancelled are passed over."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, float, NumberedTimer]] = []
        """By moment, then in the order in which they were set."""
        self._orders = count()

    def add(self, timer: NumberedTimer, *, set_at: float) -> None:
        """Add a timer that was set at this time."""
        heapq.heappush(self.heap, (timer.when(), next(self._orders), set_at, timer))

    def clear(self) -> None:
        """Forget all of them."""
        self.heap.clear()

    def next_due(self, now: float) -> dict[float, deque[NumberedTimer]]:
        """Take the timers of the earliest instant, if that has come: by the time at which they were set, in order."""
        heap = self.heap
        due: dict[float, deque[NumberedTimer]] = {}
        while heap and heap[0][0] <= now and not due:
            moment = heap[0][0]
            while heap and heap[0][0] == moment:
                _, _, set_at, timer = heapq.heappop(heap)
                if not timer._cancelled:
                    due.setdefault(set_at, deque()).append(timer)
        return due

    def next_moment(self) -> float | None:
        """Return when the next timer falls due; None when there is none."""
        while self.heap and self.heap[0][3]._cancelled:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None
