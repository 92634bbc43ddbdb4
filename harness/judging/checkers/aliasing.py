"""Live requests of two users reach no common mutable object.

How it works: a tap compares, in one process, what the live requests of different users can reach, and says in a PROBE
how many pairs of requests it compared and what they shared. What the target declares to be shared, and what cannot
change (classes, enums, compiled patterns, interned strings), the tap leaves out.
"""

from __future__ import annotations

from harness.history.model import Event, EventKind, Header
from harness.history.probes import ALIASES
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "aliasing"


class AliasingFold:
    """Finds mutable objects that the requests of two users share.

    Examined: each comparison that the tap made.

    Source: CWE-488; incident rows A1, A4, A6, A23, A24.
    """

    def __init__(self, header: Header) -> None:
        """Have seen no comparison yet."""
        self._tally = Tally(NAME)

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE or event.name != ALIASES:
            return
        self._tally.examine("aliased-state", event.value["compared"])
        for shared in event.value["shared"]:
            owner, observer = shared["owner"], shared["observer"]
            self._tally.find(
                Finding(
                    anomaly="aliased-state",
                    message=(
                        f"{observer}'s {shared['path_observer']} and {owner}'s {shared['path_owner']} "
                        f"are one {shared['type']}"
                    ),
                    observer=observer,
                    owner=owner,
                    witness=(event.index,),
                )
            )

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()


CHECKER = Checker(NAME, "live requests of two users reach no common mutable object", ("aliased-state",), AliasingFold)
