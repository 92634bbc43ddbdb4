"""Recorded: the choices of an earlier run, made again; FIFO where it recorded none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Recorded:
    """Replays one schedule.

    Args:
        deviations: position of the choice -> position of the option.
    """

    name = "recorded"

    def __init__(self, deviations: Mapping[int, int]) -> None:
        self._deviations = deviations
        self._place = -1
        self.misfits = 0
        """How many of the recorded options were not there: the program is not the one that was recorded."""

    def scheduler(self, seed: int) -> Recorded:
        """Return a scheduler for one replay."""
        return Recorded(self._deviations)

    def observe(self, choices: int, steps: int) -> None:
        """Nothing is learned."""

    def choose(self, actors: Sequence[int]) -> int:
        """Take the recorded option; the first where there is none."""
        self._place += 1
        pick = self._deviations.get(self._place, 0)
        if pick >= len(actors):
            self.misfits += 1
            return 0
        return pick
