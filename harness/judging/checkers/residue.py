"""Whatever a request acquired is released when it has ended.

How it works: the target's counts of what it holds are compared between the start, before any call, and the moment at
which every call has ended and every connection has been read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.history.model import Event, EventKind, Header, Value, is_intruder
from harness.history.probes import RESOURCES
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "residue"
ENDS = (EventKind.OK, EventKind.FAIL, EventKind.INFO)


class ResidueFold:
    """Finds what is still held after its request has ended.

    Examined: each kind of resource counted when all is settled, if at least one call has ended since the start.

    Source: CWE-772; incident rows A8, A9, A18, A20, C3, D8.
    """

    def __init__(self, header: Header) -> None:
        """Have no baseline yet."""
        self._tally = Tally(NAME)
        self._baseline: Mapping[str, int] | None = None
        self._begun = 0
        self._ended = 0
        self._found: set[str] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind in ENDS and not is_intruder(event.user):
            self._ended += 1
        elif event.kind is EventKind.PROBE and event.name == RESOURCES:
            held = _counts(event.value)
            if event.value.get("phase") == "start":
                self._baseline, self._begun, self._ended = held, event.index, 0
            elif self._baseline is not None and self._ended:
                self._compare(event, held, self._baseline)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _compare(self, event: Event, held: Mapping[str, int], baseline: Mapping[str, int]) -> None:
        self._tally.examine("residue", len(held))
        for kind, count in held.items():
            if count <= baseline.get(kind, 0) or kind in self._found:
                continue
            self._found.add(kind)
            self._tally.find(
                Finding(
                    anomaly="residue",
                    message=(
                        f"{count} {kind} still held after {self._ended} ended requests "
                        f"({baseline.get(kind, 0)} at start)"
                    ),
                    witness=(self._begun, event.index),
                )
            )


def _counts(value: Value) -> Mapping[str, int]:
    return {kind: count for kind, count in value["held"].items() if isinstance(count, int)}


CHECKER = Checker(NAME, "whatever a request acquired is released when it ends", ("residue",), ResidueFold)
