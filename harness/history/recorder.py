"""Where a history comes into being: gives each event its index and time, and hands it to whoever listens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from itertools import count

from harness.history.model import Event, EventKind, UserId, Value

Listener = Callable[[Event], None]


class Recorder:
    """Makes the events of one history.

    Listeners are called in order, at once, with each event: folds, and the file that keeps the history.
    """

    __slots__ = ("_calls", "_indices", "_listeners", "asked", "counts", "faults")

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners
        self._indices = count()
        self._calls = count(1)
        self.counts: Counter[EventKind] = Counter()
        self.asked: set[str] = set()
        self.faults = 0

    @property
    def operations(self) -> int:
        """How many operations were asked for."""
        return self.counts[EventKind.INVOKE]

    def next_call(self) -> int:
        """Return a number for a new call: 1, 2, ..."""
        return next(self._calls)

    def record(
        self,
        kind: EventKind,
        name: str,
        value: Value = None,
        *,
        user: UserId = "",
        device: int = 0,
        call: int | None = None,
    ) -> Event:
        """Record that this has just happened."""
        event = Event(
            index=next(self._indices),
            kind=kind,
            user=user,
            device=device,
            call=call,
            name=name,
            value=value,
            time_ns=time.monotonic_ns(),
        )
        self.counts[kind] += 1
        if kind is EventKind.INVOKE:
            self.asked.add(name)
        for listen in self._listeners:
            listen(event)
        return event
