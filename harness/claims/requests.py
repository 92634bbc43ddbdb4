"""The requests that a finding is about, in lines: who sent what, and what the observer got."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from harness.history.model import Event, EventKind, Value
from harness.history.semantics import BODY, SENT
from harness.judging.verdict import Finding

MOST_SENT, MOST_GOT = 200, 300
"""Characters of a request, and of an answer, in a line."""


def requests_of(events: Sequence[Event], finding: Finding) -> tuple[str, ...]:
    """Return the requests that a finding is about, and what the observer got, one line each.

    Args:
        events: of the history in which it was found.
        finding: whose witness are indices of these events.
    """
    return tuple(_lines(events, finding))


def _lines(events: Sequence[Event], finding: Finding) -> Iterator[str]:
    shown = {index for index in finding.witness if index < len(events)}
    calls = {events[index].call for index in shown} - {None}
    for event in events:
        if event.kind is EventKind.INVOKE and event.call in calls:
            yield request_line(event)
        elif event.index in shown and event.kind is not EventKind.PROBE:
            yield f"{event.user} got: {event.name} {_got(event.value)}"


def request_line(event: Event) -> str:
    """Return an INVOKE as a line: the request where it is known, else the operation and what was given."""
    sent = event.value.get(SENT) or {"request": event.name, "body": _given(event.value)}
    said = [sent["request"], *(str(sent[key])[:MOST_SENT] for key in ("query", "body") if sent.get(key))]
    return " ".join([f"{event.user}:", *said, *([f"({sent['options']})"] if "options" in sent else [])])


def _given(value: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={text}" for part in ("objects", "given") for name, text in value.get(part, {}).items())


def _got(value: Value) -> str:
    if isinstance(value, Mapping) and not value.keys().isdisjoint({"status", BODY}):
        said = value.get(BODY, value.get("text", ""))
        return f"{value.get('status', '')} {(said if isinstance(said, str) else json.dumps(said))[:MOST_GOT]}".lstrip()
    return str(value)[:MOST_GOT]
