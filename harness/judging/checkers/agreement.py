"""All reads of a frozen registry agree.

How it works: many threads read one registry while it is filled and frozen; such a race is a round. Reads that say they
saw it frozen must all name the same agents. Reads before the freeze may differ.
"""

from __future__ import annotations

from harness.history.model import Event, EventKind, Header, Value
from harness.history.probes import REGISTRY_READ
from harness.judging.ownership import Bounded
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "agreement"


class AgreementFold:
    """Finds two reads of one frozen registry that differ.

    Examined: each read of a frozen registry that can be compared with an earlier one of its round.

    Source: CWE-362; incident rows A13, A14.
    """

    def __init__(self, header: Header) -> None:
        """Have seen no read yet."""
        self._tally = Tally(NAME)
        self._rounds: Bounded[Value, tuple[int, list[str]]] = Bounded()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE or event.name != REGISTRY_READ or not event.value["frozen"]:
            return
        number, names = event.value["round"], sorted(event.value["names"])
        earlier = self._rounds.get(number)
        if earlier is None:
            self._rounds.set(number, (event.index, names))
            return
        self._tally.examine("split-read")
        index, expected = earlier
        if names != expected:
            self._tally.find(
                Finding(
                    anomaly="split-read",
                    message=f"round {number}: one read of the frozen registry gave {expected}, another {names}",
                    witness=(index, event.index),
                )
            )

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()


CHECKER = Checker(NAME, "all reads of a frozen registry agree", ("split-read",), AgreementFold)
