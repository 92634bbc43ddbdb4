"""The legacy API works, warns with the name of its replacement, and is as isolated as the new one.

How it works: the harness makes every call of the legacy API and says in PROBEs whether it worked, what it warned, and
whose event reached whom.
"""

from __future__ import annotations

from harness.history.model import Event, EventKind, Header, UserId
from harness.history.probes import LEGACY_CALL, LEGACY_EVENT
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "migration"


class LegacyFold:
    """Finds legacy calls that are broken or silent, and events that the legacy API gave to the wrong user.

    Examined: legacy-broken and legacy-silent: each call. legacy-shared: each event, once two users are known; with one
    user nothing can be shared.

    Source: CWE-439, CWE-477, CWE-488; incident rows A1, A15, A23.
    """

    def __init__(self, header: Header) -> None:
        """Have seen no call yet."""
        self._tally = Tally(NAME)
        self._users: set[UserId] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE:
            return
        if event.name == LEGACY_CALL:
            self._called(event)
        elif event.name == LEGACY_EVENT:
            self._delivered(event)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _called(self, event: Event) -> None:
        call, replacement = event.value["call"], event.value["replacement"]
        self._tally.examine("legacy-broken")
        if not event.value["works"]:
            message = f"the legacy call {call} does not work"
            self._tally.find(Finding(anomaly="legacy-broken", message=message, witness=(event.index,)))
        if replacement is None:
            return  # no warning is due
        self._tally.examine("legacy-silent")
        warning = event.value["warning"] or ""
        if not warning or replacement not in warning:
            how = f"warns without naming {replacement}" if warning else "does not warn"
            message = f"the legacy call {call} {how}"
            self._tally.find(Finding(anomaly="legacy-silent", message=message, witness=(event.index,)))

    def _delivered(self, event: Event) -> None:
        owner, observer = event.value["owner"], event.value["observer"]
        self._users |= {owner, observer}
        if len(self._users) > 1:
            self._tally.examine("legacy-shared")
        if owner != observer:
            self._tally.find(
                Finding(
                    anomaly="legacy-shared",
                    message=f"{observer} received an event of {owner} by the legacy API",
                    observer=observer,
                    owner=owner,
                    witness=(event.index,),
                )
            )


CHECKER = Checker(
    NAME,
    "the legacy API works, warns, and gives nobody another's events",
    ("legacy-broken", "legacy-silent", "legacy-shared"),
    LegacyFold,
)
