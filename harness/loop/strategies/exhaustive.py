"""Bounded exhaustive: every schedule with at most so many preemptions, depth first, and a count of what was left out.

A preemption is a choice other than FIFO's. With bound 0 there is one schedule; each further one multiplies their number
by about the number of choices, and most bugs need one or two. What the bound cut off is counted: as long as `left` is
not 0, the program has schedules that nobody has seen.

Source: Musuvathi and Qadeer, "Iterative Context Bounding", PLDI 2007; Emmi, Qadeer and Rakamaric, "Delay-Bounded
Scheduling", POPL 2011, whose deterministic scheduler is FIFO here.
"""

from __future__ import annotations

from collections.abc import Sequence

BOUND = 2
"""Preemptions, unless told otherwise."""

Branch = tuple[int, ...]
"""The positions taken at the first choices of a schedule; FIFO's from there on."""


class Exhaustive:
    """Walks the tree of choices; one schedule after another.

    Args:
        bound: the most preemptions of one schedule.
        branches: that are still to be followed, the next one last; of a walk that somebody else has begun.
        cut: how many the bound had cut off by then.
    """

    name = "exhaustive"

    def __init__(self, bound: int = BOUND, branches: Sequence[Branch] = ((),), cut: int = 0) -> None:
        self._bound = bound
        self._path: _Path | None = None
        self._stack = list(branches)
        self.cut = cut
        """Branches that the bound has cut off."""
        self.misfits = 0
        """Choices that were gone when a branch was followed: the program does not do the same each time."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        """What is still to be followed, for somebody else to go on with."""
        return tuple(self._stack)

    @property
    def left(self) -> int:
        """How many branches were not followed: cut off by the bound, or still waiting when the search was ended."""
        return self.cut + len(self._stack)

    def scheduler(self, seed: int) -> _Path | None:
        """Return the next schedule; None when all have been seen."""
        if not self._stack:
            return None
        self._path = _Path(self._stack.pop())
        return self._path

    def observe(self, choices: int, steps: int) -> None:
        """Take in the branches of the run that has just ended."""
        path = self._path
        assert path is not None, "observed after a run"
        self._path = None
        self.misfits += path.misfits
        preemptions = sum(1 for pick in path.prefix if pick)
        for place in range(len(path.prefix), len(path.widths)):
            others = path.widths[place] - 1
            if preemptions >= self._bound:
                self.cut += others
                continue
            followed = path.prefix + (0,) * (place - len(path.prefix))
            self._stack.extend((*followed, pick) for pick in range(others, 0, -1))


class _Path:
    """Follows a prefix, then FIFO, and notes how many options there were."""

    def __init__(self, prefix: Branch) -> None:
        self.prefix = prefix
        self.widths: list[int] = []
        self.misfits = 0

    def choose(self, actors: Sequence[int]) -> int:
        place = len(self.widths)
        self.widths.append(len(actors))
        pick = self.prefix[place] if place < len(self.prefix) else 0
        if pick >= len(actors):
            self.misfits += 1
            return 0
        return pick
