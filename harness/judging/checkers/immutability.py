"""The registry holds classes only, and neither a frozen registry nor a context can change.

How it works: the harness attacks the parts themselves, by every reference they hand out, and says in a PROBE what each
attempt changed.
"""

from __future__ import annotations

from harness.history.model import Event, EventKind, Header
from harness.history.probes import CONTEXT_WRITE, REGISTRY_ENTRY, REGISTRY_WRITE
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "immutability"


class ImmutabilityFold:
    """Finds instances in the registry, and attempts to change what must not change that succeeded.

    Examined: each entry of the registry; each attempt to change a frozen registry; each attempt to change a context.

    Source: CWE-488, CWE-471, CWE-374; incident rows A4, A5, A14, A24.
    """

    def __init__(self, header: Header) -> None:
        """Have seen nothing yet."""
        self._tally = Tally(NAME)

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE:
            return
        value = event.value
        match event.name:
            case name if name == REGISTRY_ENTRY:
                message = f"the registry holds {value['name']!r}, which is not a class"
                self._judge(event, "instance-in-registry", not value["is_class"], message)
            case name if name == REGISTRY_WRITE:
                message = f"a frozen registry was changed via {value['via']}"
                self._judge(event, "mutable-registry", value["changed"], message)
            case name if name == CONTEXT_WRITE:
                message = f"a context was changed via {value['via']}"
                self._judge(event, "mutable-context", value["changed"], message)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _judge(self, event: Event, anomaly: str, wrong: bool, message: str) -> None:
        self._tally.examine(anomaly)
        if wrong:
            self._tally.find(Finding(anomaly=anomaly, message=message, witness=(event.index,)))


CHECKER = Checker(
    NAME,
    "the registry holds classes only, and neither it nor a context can change",
    ("instance-in-registry", "mutable-registry", "mutable-context"),
    ImmutabilityFold,
)
