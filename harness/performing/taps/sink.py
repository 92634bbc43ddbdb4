"""Where taps put what they saw, until the runner fetches it."""

from __future__ import annotations

from collections import deque

from harness.history.calling import CALLING
from harness.history.model import Probe, Value
from harness.history.probes import DOUBT

MOST_PROBES = 1_000_000
"""Kept between two fetches; when there are more the oldest go, and a doubt says so."""


class ProbeSink:
    """A queue of probes, each with the call that was under way."""

    __slots__ = ("_dropped", "_probes")

    def __init__(self) -> None:
        self._probes: deque[Probe] = deque(maxlen=MOST_PROBES)
        self._dropped = 0

    def put(self, name: str, value: Value) -> None:
        """Add a probe."""
        calling = CALLING.get()
        user, call = (calling.user, calling.call) if calling is not None else ("", None)
        self._dropped += len(self._probes) == MOST_PROBES
        self._probes.append(Probe(name, value, user, call))

    def take(self) -> list[Probe]:
        """Return all probes since the last call."""
        taken = list(self._probes)
        if self._dropped:
            reason = f"{self._dropped} probes were dropped, as nobody fetched them"
            taken.append(Probe(DOUBT, {"reason": reason, "checkers": ["sessions"]}))
        self._probes.clear()
        self._dropped = 0
        return taken
