"""The histories of the example reports that no schedule decided: of a planted bug, and of the target."""

from __future__ import annotations

from harness.history.model import Event, EventKind, Header, History, user_id
from harness.judging.verdict import Finding

TARGET = "reference"
USERS = 8

_CROSSINGS = {3: (5, 1), 7: (0, 7), 12: (5, 4), 15: (6, 7), 22: (7, 0), 25: (3, 1), 40: (6, 5)}
"""By number of the call: whose run it was, and who received its second event."""


def _story() -> tuple[History, tuple[Finding, ...]]:
    """48 runs of eight users under a shared bridge; seven of their events went to someone else."""
    events: list[Event] = []
    findings: list[Finding] = []

    def add(kind: EventKind, user: int, at_us: int, name: str, call: int | None = None) -> int:
        events.append(
            Event(index=len(events), kind=kind, user=user_id(user), call=call, name=name, time_ns=at_us * 1000)
        )
        return len(events) - 1

    now = 1_000_000
    for call in range(48):
        owner, observer = _CROSSINGS.get(call, ((call * 5) % USERS, -1))
        start = now + call * 1250
        asked = add(EventKind.INVOKE, owner, start, "start_run", call)
        add(EventKind.PUSH, owner, start + 120, "run_started")
        received = owner if observer < 0 else observer
        arrived = add(EventKind.PUSH, received, start + (310 if observer < 0 else 760), "run_completed")
        add(EventKind.OK, owner, start + (420 if observer < 0 else 1180), "start_run", call)
        if observer >= 0:
            findings.append(
                Finding(
                    anomaly="misdelivered",
                    message=f"MISDELIVERY: {user_id(observer)} received run_completed of {user_id(owner)} "
                    f"(event {arrived})",
                    observer=user_id(observer),
                    owner=user_id(owner),
                    witness=(asked, arrived),
                )
            )
    header = Header(target="shared-bridge", suite="properties", seed=20250902, users=USERS)
    return History(header, tuple(events)), tuple(findings)


def bridge_history() -> History:
    """The history of the planted bug."""
    return _story()[0]


def bridge_findings() -> tuple[Finding, ...]:
    """What the checker found in it."""
    return _story()[1]


def target_history() -> History:
    """A small run of the target itself, in which u02 reads u00's note."""
    rows = (
        (EventKind.INVOKE, 0, 0, "write_note", 100),
        (EventKind.OK, 0, 0, "write_note", 900),
        (EventKind.INVOKE, 2, 1, "list_notes", 1400),
        (EventKind.INVOKE, 1, 2, "start_run", 1500),
        (EventKind.PUSH, 1, None, "run_started", 1900),
        (EventKind.OK, 2, 1, "list_notes", 2600),
        (EventKind.INFO, 1, 2, "start_run", 3100),
    )
    events = tuple(
        Event(index=index, kind=kind, user=user_id(user), call=call, name=name, time_ns=at * 1000)
        for index, (kind, user, call, name, at) in enumerate(rows)
    )
    return History(Header(target=TARGET, suite="properties", seed=20250902, users=3), events)


LEAK = Finding(
    anomaly="leaked-in-answer",
    message="LEAK: u02 observed u00's canary in ok of list_notes (event 5)",
    observer="u02",
    owner="u00",
    witness=(0, 5),
)
