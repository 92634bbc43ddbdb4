"""Sticky: whoever stepped last goes on, with a high probability; otherwise any option alike.

Long stretches of one task are what ordering bugs of some depth need, and what a random walk hardly ever gives. FIFO
never does: there every await lets everybody else step once.

Source: the weighted random walks of CHESS's successors; measured here beside the others (`benchmarks/schedules`).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

STAY = (0.7, 0.8, 0.9, 0.95)
"""Probabilities of staying; each schedule draws one."""


class Sticky:
    """Makes sticky walks."""

    name = "sticky"

    def scheduler(self, seed: int) -> _Stay:
        """Return one walk."""
        return _Stay(Random(seed))

    def observe(self, choices: int, steps: int) -> None:
        """Nothing is learned."""


class _Stay:
    def __init__(self, source: Random) -> None:
        self._random = source.random
        self._stay = source.choice(STAY)
        self._last = 0

    def choose(self, actors: Sequence[int]) -> int:
        is_behind = actors[-1] == self._last  # as who has just stepped mostly is
        if (is_behind or self._last in actors) and self._random() < self._stay:
            return len(actors) - 1 if is_behind else actors.index(self._last)
        pick = int(self._random() * len(actors))
        self._last = actors[pick]
        return pick
