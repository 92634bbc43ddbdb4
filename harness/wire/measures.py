"""What a history says of a service beside isolation: which answers it gave, how it refuses, who hung up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.history.model import Call, CallJoiner, Event, EventKind, Header, is_intruder
from harness.history.probes import DISCONNECTED
from harness.judging.ownership import Ownership

FOREIGN, MISSING = "foreign", "missing"
HUNG_UP = "the client hung up"


@dataclass(slots=True)
class Measured:
    """What one history says.

    Args:
        answers: how many of each status, by operation; where there is no status, of each kind of event.
        requests: how many operations were asked for.
        hung_up: how many times a client hung up or dropped a channel.
        misfits: answers that were not what the adapter says.
        refused_s: how long refusals to valid users took, of others' objects and of ids that nobody has.
    """

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: int = 0
    hung_up: int = 0
    misfits: list[str] = field(default_factory=list)
    refused_s: dict[str, list[float]] = field(default_factory=lambda: {FOREIGN: [], MISSING: []})


def measured(header: Header, events: Sequence[Event]) -> Measured:
    """Return what a history says."""
    found, joiner, ownership = Measured(), CallJoiner(), Ownership(header.promises)
    for event in events:
        if event.kind is EventKind.INVOKE:
            found.requests += 1
        elif event.kind is EventKind.PROBE and event.name == DISCONNECTED:
            found.hung_up += 1
        call = joiner.step(event)
        if call is not None:
            _answered(found, call)
            if event.kind is EventKind.FAIL and not is_intruder(event.user):
                _refused(found, call, header, ownership)
        ownership.step(event)
    return found


def _answered(found: Measured, call: Call) -> None:
    event = call.completion
    value = event.value if isinstance(event.value, dict) else {}
    found.answers[event.name, str(value.get("status", event.kind.value))] += 1
    found.hung_up += "cut" in value or value.get("error") == HUNG_UP
    if "misfit" in value:
        found.misfits.append(value["misfit"])


def _refused(found: Measured, call: Call, header: Header, ownership: Ownership) -> None:
    known = header.promises.operations.get(call.invocation.name)
    name = known.object_in(call.invocation.value) if known is not None else None
    if known is None or known.takes is None or name is None:
        return
    owners = ownership.owners((known.takes, name))
    if call.completion.user not in owners:
        took_s = (call.completion.time_ns - call.invocation.time_ns) / 1e9
        found.refused_s[FOREIGN if owners else MISSING].append(took_s)
