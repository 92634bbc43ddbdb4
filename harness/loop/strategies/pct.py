"""PCT: random priorities, and a few random moments at which whoever steps falls behind all others.

Finds a bug that needs d orderings among n tasks in k choices with a probability of at least 1 / (n k^(d-1)). Rules:

- Plain callbacks have the lowest priority, so that a callback which puts itself back does not shut the tasks out.
- After the horizon (twice the choices that a run had so far) options are taken in turn, so that a task which polls does
  not wait for ever for one that never steps: the fair tail.

Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding
Bugs", ASPLOS 2010; shuttle's `pct.rs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from harness.loop.scheduling import PLAIN

DEPTH = 3
"""Orderings that a bug may need, in the guarantee."""
FIRST_GUESS = 100
"""Choices of a run before any was seen."""


class Pct:
    """Makes PCT schedulers; learns from each run how many choices there are.

    Args:
        choices: how many a run is thought to have.
        depth: one more than there are changes of priority.
    """

    name = "pct"

    def __init__(self, choices: int = FIRST_GUESS, depth: int = DEPTH) -> None:
        self._choices = choices
        self._depth = depth

    def scheduler(self, seed: int) -> _Priorities:
        """Return one scheduler."""
        return _Priorities(Random(seed), max(2, self._choices), self._depth)

    def observe(self, choices: int, steps: int) -> None:
        """Take in how many choices a run had."""
        self._choices = max(choices, 2)


class _Priorities:
    def __init__(self, source: Random, choices: int, depth: int) -> None:
        self._random = source.random
        changes = source.sample(range(1, choices), min(depth - 1, choices - 1))
        self._changes = {at: -1.0 - rank for rank, at in enumerate(changes)}
        self._horizon = 2 * choices
        self._next_change = min(self._changes, default=self._horizon + 1)
        self._made = 0
        self._priorities = _Drawn(self._random)
        self._priority = self._priorities.__getitem__
        self._again: Sequence[int] = []

    def choose(self, actors: Sequence[int]) -> int:
        self._made += 1
        if actors == self._again and self._made < self._next_change:
            return len(actors) - 1  # it has stepped and is ready again, and nobody else has come: it goes on
        if self._made > self._horizon:
            return self._made % len(actors)
        best = max(actors, key=self._priority)
        if self._made == self._next_change:
            best = self._change(actors, best)
        place = actors.index(best)
        self._again = [*actors[:place], *actors[place + 1 :], best]
        return place

    def _change(self, actors: Sequence[int], best: int) -> int:
        """Let the best fall behind all others, and return who is the best then."""
        priority = self._changes.pop(self._made)
        self._next_change = min(self._changes, default=self._horizon + 1)
        if best != PLAIN:
            self._priorities[best] = priority
        return max(actors, key=self._priority)


class _Drawn(dict[int, float]):
    """Priorities by actor; one that is met for the first time draws its own."""

    def __init__(self, draw: Callable[[], float]) -> None:
        super().__init__({PLAIN: -float("inf")})
        self._draw = draw

    def __missing__(self, actor: int) -> float:
        self[actor] = drawn = self._draw()
        return drawn
