"""The work that one user has started, until its end is known: from a pushed frame, or from the service when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.scenario.symbols import Id

MOST_ENDED = 512
"""Ids of work that has ended are remembered: the newest. A last frame may come before the answer to the start."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Work that may not have ended.

    Args:
        kind, name: of it.
        since_s: when it was asked for; 0 when that is not measured.
    """

    kind: str
    name: Id
    since_s: float


class WorkUnderWay:
    """One user's work that may not have ended, by id as text.

    Args:
        on_end: called whenever the last frame of some was pushed.
    """

    def __init__(self, on_end: Callable[[], object]) -> None:
        self.pushed: dict[str, Pending] = {}
        """What must tell its end by a last frame."""
        self.asked_for: dict[str, Pending] = {}
        """What tells its end only to whom asks."""
        self.untold: set[str] = set()
        """What does not tell its end."""
        self._on_end = on_end
        self._ended: dict[str, None] = {}

    def start(self, work: Pending, *, pushed: bool, told: bool) -> None:
        """Take in that work was started.

        Args:
            work: which.
            pushed: whether its last frame must reach the user.
            told: whether the service answers how it goes.
        """
        name = str(work.name)
        if name in self._ended:
            return
        if pushed:
            self.pushed[name] = work
        elif told:
            self.asked_for[name] = work
        else:
            self.untold.add(name)

    def end(self, name: str) -> None:
        """Take in that its last frame was pushed."""
        self.pushed.pop(name, None)
        self._ended[name] = None
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        self._on_end()

    def has_ended(self, work: Pending) -> bool:
        """Return whether its last frame was pushed."""
        return str(work.name) in self._ended
