"""The work that one user has started, until its end is known: from a pushed frame, or from the service when asked."""

from __future__ import annotations

from collections.abc import Callable

MOST_ENDED = 512
"""Ids of work that has ended are remembered: the newest. A last frame may come before the answer to the start."""


class WorkUnderWay:
    """One user's work that may not have ended.

    Args:
        on_end: called whenever the last frame of some was pushed.
    """

    def __init__(self, on_end: Callable[[], object]) -> None:
        self._on_end = on_end
        self.pushed: dict[str, tuple[str, float]] = {}
        """Kind of what a last frame is awaited of, and when it was asked for; 0 when that is not measured."""
        self.asked_for: dict[str, str] = {}
        """Kind of what only the service's answers tell of."""
        self.untold: set[str] = set()
        """Of which nobody will tell."""
        self._ended: dict[str, None] = {}

    def start(self, kind: str, name: str, *, since_s: float, pushed: bool, told: bool) -> None:
        """Take in that work was started.

        Args:
            kind, name: of it.
            since_s: when it was asked for.
            pushed: whether its last frame must reach the user.
            told: whether the service answers how it goes.
        """
        if name in self._ended:
            return
        if pushed:
            self.pushed[name] = (kind, since_s)
        elif told:
            self.asked_for[name] = kind
        else:
            self.untold.add(name)

    def end(self, name: str) -> None:
        """Take in that its last frame was pushed."""
        self.pushed.pop(name, None)
        self._ended[name] = None
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        self._on_end()

    def has_ended(self, name: str) -> bool:
        """Return whether its last frame was pushed."""
        return name in self._ended

    def since_s(self, name: str) -> float | None:
        """Return when it was asked for; None when that is not known."""
        return self.pushed[name][1] if name in self.pushed else None
