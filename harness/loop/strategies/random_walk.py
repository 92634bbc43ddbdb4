"""Random walk: every option alike, at every choice.

Source: the naive random scheduler of PCT's paper (Burckhardt et al. 2010), and shuttle's `random.rs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class RandomWalk:
    """Makes random walks."""

    name = "random"

    def scheduler(self, seed: int) -> _Walk:
        """Return one walk."""
        return _Walk(Random(seed))

    def observe(self, choices: int, steps: int) -> None:
        """Nothing is learned."""


class _Walk:
    def __init__(self, source: Random) -> None:
        self._random = source.random

    def choose(self, actors: Sequence[int]) -> int:
        return int(self._random() * len(actors))
