"""Where only a user's newest text belongs, nothing of an earlier request of theirs remains.

Rules:

- Which operations show nothing but the newest, and of what, is stated by the target (`Semantics.newest_of`): elsewhere
  older texts may well belong.
- The newest is the last text that was acknowledged before the reading was asked for; a reading that brings a text in
  itself has its own. A text is older when its request had ended before the newest was asked for. What overlapped may
  have come in either order.

How it works. A mark names the request that carried it; of each request the moments are kept at which it was asked for
and ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from harness.history.canary import Canaries, Mark
from harness.history.model import Call, CallJoiner, Event, EventKind, Header, UserId, is_intruder
from harness.history.semantics import Semantics
from harness.judging.ownership import Bounded
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "remains"
EARLIER = "earlier-text"
MOST_WRITES = 16
"""Writes of one object by one operation that are remembered: the newest."""


@dataclass(frozen=True, slots=True)
class _Write:
    """A request that brought a text in, by the indices of its events."""

    asked: int
    ended: int


class RemainsFold:
    """Finds a user's own older text where only the newest belongs.

    Examined: each answer of an operation that shows the newest only, after an acknowledged write.

    Source: CWE-226; incident rows A12, A24.
    """

    def __init__(self, header: Header) -> None:
        """Derive the key of the marks from the seed."""
        self._canaries = Canaries(header.seed)
        self._tally = Tally(NAME)
        self._calls = CallJoiner()
        reading = header.promises.which(lambda known: known.newest_of)
        names = {known.name for known in reading} | {name for known in reading for name in known.newest_of}
        self._writing = frozenset(name for known in reading for name in known.newest_of)
        self._operations = {name: known for name, known in header.promises.operations.items() if name in names}
        self._newest: Bounded[tuple[UserId, str, str], Bounded[int, _Write]] = Bounded()
        self._carried: Bounded[Mark, tuple[str, _Write]] = Bounded()

    def step(self, event: Event) -> None:
        """Take the next event."""
        known = self._operations.get(event.name)
        if known is None or (call := self._calls.step(event)) is None:
            return
        if event.kind is not EventKind.OK or not known.acknowledged or is_intruder(event.user):
            return
        if known.newest_of:
            self._read(call, known)
        if known.name in self._writing:
            self._written(call, known)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _written(self, call: Call, known: Semantics) -> None:
        user, write = call.completion.user, _Write(call.invocation.index, call.completion.index)
        made = known.made_in(call.completion.value) if known.makes else None
        for name in {"", made or "", known.object_in(call.invocation.value) or ""}:
            key = (user, known.name, name)
            writes = self._newest.get(key) or Bounded(MOST_WRITES)
            writes.set(write.asked, write)
            self._newest.set(key, writes)
        for mark in self._canaries.find(json.dumps(call.invocation.value, default=str)):
            if mark.owner == user:
                self._carried.set(mark, (known.name, write))

    def _read(self, call: Call, known: Semantics) -> None:
        newest = self._newest_before(call, known)
        if newest is None:
            return
        event = call.completion
        self._tally.examine(EARLIER)
        for mark in self._canaries.find(json.dumps(event.value, default=str)):
            name, write = self._carried.get(mark) or ("", None)
            if mark.owner != event.user or write is None or name not in known.newest_of or write.ended >= newest:
                continue
            self._tally.find(
                Finding(
                    anomaly=EARLIER,
                    message=f"{event.user} got an earlier text of their own from {known.name}, which shows the newest",
                    observer=event.user,
                    owner=event.user,
                    witness=(write.asked, call.invocation.index, event.index),
                )
            )
            return

    def _newest_before(self, call: Call, known: Semantics) -> int | None:
        """Return when the text was asked for that should be shown; None when there is none for certain."""
        if known.name in known.newest_of:
            return call.invocation.index
        return max(self._acknowledged(call, known, known.object_in(call.invocation.value) or ""), default=None)

    def _acknowledged(self, call: Call, known: Semantics, name: str) -> Iterator[int]:
        for writing in known.newest_of:
            writes = self._newest.get((call.completion.user, writing, name))
            for _, write in writes.items() if writes is not None else ():
                if write.ended < call.invocation.index:
                    yield write.asked


CHECKER = Checker(
    NAME,
    "where only a user's newest text belongs, nothing of an earlier request of theirs remains",
    (EARLIER,),
    RemainsFold,
)
