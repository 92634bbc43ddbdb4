"""Another user's canary in what a user was answered or sent.

How it works: every answer, refusal, error and pushed event is searched as JSON text for marks, in any encoding that
`harness.history.canary` knows. A mark names its owner and cannot be forged, so no list of secrets is kept.

The cookies that a service gave a user at their sign-in are held against those that it sets in others' answers.

A canary counts as being inside the target only when its owner has seen it come out again by another way than the
request that carried it in: a target that swallows its input, or merely echoes it, gives nothing to examine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from harness.history.canary import Canaries, Mark
from harness.history.model import Event, EventKind, Header, UserId
from harness.history.probes import SIGNED_IN
from harness.judging.cookies import Cookies
from harness.judging.ownership import Bounded
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "leak"
ANSWERS = {EventKind.OK: "answer", EventKind.FAIL: "refusal", EventKind.INFO: "error"}


class LeakFold:
    """Finds canaries where they do not belong.

    Examined: for each answer and each pushed event, one fact for each other user whose canary is known to be inside
    the target. Refusals and errors are searched too, but are no facts: little can leak through them.

    Source: CWE-488; incident rows A1, A25, B1, B11, C1, C6, C8, D1, D5, D6.
    """

    def __init__(self, header: Header) -> None:
        """Derive the key of the marks from the seed."""
        self._canaries = Canaries(header.seed)
        self._tally = Tally(NAME)
        self._inside: set[UserId] = set()
        self._asking: dict[UserId, dict[int, frozenset[Mark]]] = {}
        self._written: Bounded[Mark, int] = Bounded()
        self._cookies = Cookies()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is EventKind.PROBE:
            if event.name == SIGNED_IN:
                self._cookies.signed_in(event)
            return
        marks = self._canaries.find(f"{event.name} {json.dumps(event.value, default=str)}")
        if event.kind is EventKind.INVOKE:
            self._asked(event, marks)
            return
        if (owner := self._cookies.owner_of(event)) is not None:
            self._tally.examine("leaked-in-answer")
            self._tally.find(
                Finding(
                    anomaly="leaked-in-answer",
                    message=f"{event.user} was given {owner}'s session cookie in the answer of {event.name}",
                    observer=event.user,
                    owner=owner,
                    witness=(event.index,),
                )
            )
        sent = self._sent(event)
        if event.kind in (EventKind.OK, EventKind.PUSH):
            others = len(self._inside) - (event.user in self._inside)
            self._tally.examine(_anomaly(event), others)
        foreign = {mark.owner: mark for mark in reversed(marks) if mark.owner != event.user and mark not in sent}
        for mark in foreign.values():
            self._tally.find(self._finding(event, mark))
        if event.user not in self._inside and any(mark.owner == event.user and mark not in sent for mark in marks):
            self._inside.add(event.user)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _asked(self, event: Event, marks: Iterable[Mark]) -> None:
        for mark in marks:
            if mark.owner == event.user and mark not in self._written:
                self._written.set(mark, event.index)
        if event.call is not None:
            self._asking.setdefault(event.user, {})[event.call] = frozenset(marks)

    def _sent(self, event: Event) -> frozenset[Mark]:
        """Return the marks that this observation may have from the observer's own request, and close the request.

        An event that is pushed while the request is still open may be its echo, too.
        """
        asking = self._asking.get(event.user, {})
        if event.kind is EventKind.PUSH:
            return frozenset[Mark]().union(*asking.values())
        return asking.pop(event.call, frozenset()) if event.call is not None else frozenset()

    def _finding(self, event: Event, mark: Mark) -> Finding:
        where = f"in event {event.name}" if event.kind is EventKind.PUSH else f"in the {ANSWERS[event.kind]} of"
        place = where if event.kind is EventKind.PUSH else f"{where} {event.name}"
        written = self._written.get(mark)
        return Finding(
            anomaly=_anomaly(event),
            message=f"{event.user} observed {mark.owner}'s canary {place}",
            observer=event.user,
            owner=mark.owner,
            witness=(event.index,) if written is None else (written, event.index),
        )


def _anomaly(event: Event) -> str:
    return "leaked-in-event" if event.kind is EventKind.PUSH else "leaked-in-answer"


CHECKER = Checker(
    NAME,
    "nobody is answered or sent anything that carries another user's canary",
    ("leaked-in-answer", "leaked-in-event"),
    LeakFold,
)
