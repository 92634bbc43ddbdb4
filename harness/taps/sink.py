"""Where taps put what they saw, until the runner fetches it."""

from __future__ import annotations

from collections import deque

from harness.calling import CALLING
from harness.model import Probe, Value

MOST_PROBES = 1_000_000
"""Kept between two fetches; the oldest go first."""


class ProbeSink:
    """A queue of probes, each with the call that was under way."""

    __slots__ = ("_probes",)

    def __init__(self) -> None:
        self._probes: deque[Probe] = deque(maxlen=MOST_PROBES)

    def put(self, name: str, value: Value) -> None:
        """Add a probe."""
        calling = CALLING.get()
        user, call = (calling.user, calling.call) if calling is not None else ("", None)
        self._probes.append(Probe(name, value, user, call))

    def take(self) -> list[Probe]:
        """Return all probes since the last call."""
        taken = list(self._probes)
        self._probes.clear()
        return taken
