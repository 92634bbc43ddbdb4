"""No operation without a valid credential, none on another's object, and no hint that such an object exists.

Rules:

- A refusal is evidence only beside a success: of a valid user with the same operation, or of the owner with the same
  operation on the same object. A target that refuses everybody gives nothing to examine.
- Once the owner has asked to delete an object, its refusal to others proves nothing.
- Refusals that have nothing to do with whose object it is (malformed, too many) are not compared; neither are those of
  a request that names another's object besides.
- A connection that stays open for a stranger proves nothing by itself: some services let anybody wait. It is held
  against them where an id that nobody has was refused.
- An answer may say no with the status of a success. What a stranger gets counts as a refusal where an id of nobody
  gets the same, and the owner something else; where all three are alike, nothing is known. What an intruder gets is
  held against a service where it carries something of a user, or where it says that something was done.
- A subscription is acknowledged in the same words whatever it is to, so its success is one.
- A public operation may be asked by anybody, as long as nothing of a user is in its answer.
- An operation of which the service never says whether it was done has neither successes nor refusals.
- What is sent to an intruder is held against a service if it is a frame about an object that the intruder has not
  named: anything else may be a refusal.

How it works: refusals that wait for the success beside them are counted, by operation or by operation and object.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import chain

from harness.history.canary import Canaries
from harness.history.model import Call, CallJoiner, Event, EventKind, Header, UserId, Value, is_intruder
from harness.history.semantics import OBJECTS, Semantics
from harness.judging.frames import Frames, Object, named
from harness.judging.ownership import MOST_PER_USER, Bounded, Made, Ownership
from harness.judging.refusals import ComparableAnswer, comparable
from harness.judging.subscriptions import Replies
from harness.judging.verdict import MOST_FINDINGS, Checker, Finding, Tally, Verdict

NAME = "access"
UNAUTHENTICATED, FOREIGN, REVEALED = "unauthenticated", "foreign-object", "existence-revealed"
BESIDE_THE_POINT = frozenset({400, 409, 422, 429})
"""Statuses of refusals that can have another reason than whose object it is."""
NOT_COMPARED = BESIDE_THE_POINT - {409}
"""The same, for comparing refusals: a conflict says that there is something to conflict with."""
GONE = frozenset({404, 410})
MOST_COMPARED = 100
"""Answers of one operation to users who may ask that are looked at."""
MOST_SUCCESSES = 1_000
"""Of strangers and intruders with one operation that are kept until it is known how others are answered."""


@dataclass(slots=True)
class _Object:
    """What was tried on one object with one operation: the owner's success, and refusals that wait for it."""

    succeeded: bool = False
    refused: int = 0


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How an operation refuses."""

    answer: ComparableAnswer
    index: int


@dataclass(frozen=True, slots=True)
class _Success:
    """An answer to a stranger or an intruder that looks like a success; what the others get says whether it is one."""

    known: Semantics
    taken: Object | None
    answer: ComparableAnswer
    finding: Finding


class AccessFold:
    """Finds intruders that are served, users that reach others' objects, and refusals that tell too much.

    Examined: unauthenticated: each answer to an intruder, for an operation with which a valid user has had success at
    any time. foreign-object: each refusal of another's object, beside the owner's success with the same one on it.
    existence-revealed: each comparison of the refusal of another's object with that of an id nobody was given.

    Source: CWE-862, CWE-639, CWE-203; incident rows B12, E1, E2, E3, E5, E6, E7.
    """

    def __init__(self, header: Header) -> None:
        """Have seen no call yet."""
        self._tally = Tally(NAME)
        self._calls = CallJoiner()
        acknowledged = header.promises.which(lambda known: known.acknowledged)
        self._operations = {known.name: known for known in acknowledged}
        self._frames = Frames(header.promises)
        self._replies = Replies(header.promises)
        self._ownership = Ownership(header.promises)
        self._canaries = Canaries(header.seed)
        self._working: set[str] = set()
        self._showing: set[str] = set()
        self._compared: Counter[str] = Counter()
        self._own: dict[str, ComparableAnswer] = {}
        self._structures: dict[str, set[str]] = {}
        self._nobodys: dict[str, _Refusal] = {}
        self._successes: dict[str, list[_Success]] = {}
        self._refused: Counter[str] = Counter()
        self._objects: Bounded[tuple[str, Object], _Object] = Bounded()
        self._deleted: Bounded[Object, None] = Bounded()
        self._attempted: dict[UserId, Bounded[Object, Event]] = {}
        self._foreign: dict[str, _Refusal] = {}
        self._unknown: dict[str, _Refusal] = {}
        self._stayed_open: dict[str, list[Finding]] = {}
        self._revealing: set[str] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is EventKind.PUSH:
            if is_intruder(event.user):
                self._sent(event)
            return
        self._ownership.step(event)
        self._replies.step(event)
        known = self._operations.get(event.name)
        if known is None:
            return
        if event.kind is EventKind.INVOKE and known.deletes:
            self._deleting(event, known)
        call = self._calls.step(event)
        if call is None:
            return
        if is_intruder(event.user):
            self._tried(call, known)
        else:
            self._answered(call, known)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        successes = Tally(NAME)
        for success in chain.from_iterable(self._successes.values()):
            self._judge(success, successes)
        return self._tally.verdict().merge(successes.verdict())

    # Intruders

    def _sent(self, event: Event) -> None:
        frame = self._frames.read(event)
        if frame is not None and frame.about is not None and not self._replies.may_be(frame, event.user):
            self._tally.examine(UNAUTHENTICATED)
            self._tally.find(_intruded(event, f"was sent {event.name}", (event.index,)))

    def _tried(self, call: Call, known: Semantics) -> None:
        event = call.completion
        if event.kind is EventKind.INFO or (known.opens and event.kind is EventKind.OK):
            return
        if event.kind is EventKind.OK:
            self._served(call, known)
        elif event.name in self._working:
            self._tally.examine(UNAUTHENTICATED)
        else:
            self._refused[event.name] += 1

    def _served(self, call: Call, known: Semantics) -> None:
        """Take in that an intruder was answered as if they had succeeded."""
        event = call.completion
        finding = _intruded(event, f"succeeded with {event.name}", (call.invocation.index, event.index))
        if self._marks(event) or (known.makes and not known.public and known.made_in(event.value) is not None):
            self._tally.examine(UNAUTHENTICATED)
            self._tally.find(finding)
        elif not known.public:
            name = known.object_in(call.invocation.value)
            taken = (known.takes, name) if known.takes is not None and name is not None else None
            self._keep(_Success(known, taken, comparable(call, name), finding))

    def _marks(self, event: Event) -> frozenset[UserId]:
        """Return whose marks an answer carries."""
        return frozenset(mark.owner for mark in self._canaries.find(json.dumps(event.value, default=str)))

    # Valid users

    def _answered(self, call: Call, known: Semantics) -> None:
        event = call.completion
        if event.kind is EventKind.OK and known.name not in self._working:
            self._working.add(known.name)
            self._tally.examine(UNAUTHENTICATED, self._refused.pop(known.name, 0))
        name = known.object_in(call.invocation.value)
        if known.takes is None or name is None or event.kind is EventKind.INFO:
            if event.kind is EventKind.OK:
                self._succeeded(call, known, None)
            return
        taken = (known.takes, name)
        owners = self._ownership.owners(taken)
        if event.user in owners:
            if event.kind is EventKind.OK:
                self._succeeded(call, known, name)
                self._reached_own(known, taken)
            elif _status(event) in GONE and taken not in self._deleted:
                self._lost(event, taken)
        elif event.kind is EventKind.OK:
            if owners:
                self._reached(call, known, taken, *next(iter(owners.items())))
            elif not self._ownership.forgotten:
                self._nobodys.setdefault(known.name, _Refusal(comparable(call, name), event.index))
        elif owners:
            self._withheld(call, known, taken)
        elif not self._ownership.forgotten:
            self._compare(known.name, self._refusal(call, known, name), self._unknown, self._foreign)
            if known.name in self._unknown:
                for finding in self._stayed_open.pop(known.name, ()):
                    self._found_reached(finding)

    def _succeeded(self, call: Call, known: Semantics, name: str | None) -> None:
        """Take in how a user is answered who may ask; the first answers of an operation tell."""
        self._compared[known.name] += 1
        if self._compared[known.name] > MOST_COMPARED:
            return
        if known.name not in self._showing and call.completion.user in self._marks(call.completion):
            self._showing.add(known.name)
        answer = comparable(call, name)
        self._own[known.name] = answer
        self._structures.setdefault(known.name, set()).add(answer.structure)

    def _reached_own(self, known: Semantics, taken: Object) -> None:
        tried = self._objects.get((known.name, taken)) or _Object()
        tried.succeeded = True
        self._tally.examine(FOREIGN, tried.refused)
        tried.refused = 0
        self._objects.set((known.name, taken), tried)

    def _lost(self, event: Event, taken: Object) -> None:
        """Take in that an object is gone that its owner has not deleted: somebody else may have, refused or not."""
        attempted = self._attempted.get(event.user)
        if attempted is None or (attempt := attempted.pop(taken)) is None:
            return
        self._tally.examine(FOREIGN)
        self._tally.find(
            Finding(
                anomaly=FOREIGN,
                message=f"{event.user}'s {named(taken)} is gone after {attempt.user} asked for {attempt.name}",
                observer=attempt.user,
                owner=event.user,
                witness=(attempt.index, event.index),
            )
        )

    def _reached(self, call: Call, known: Semantics, taken: Object, owner: UserId, made: Made) -> None:
        observer = call.completion.user
        finding = Finding(
            anomaly=FOREIGN,
            message=f"{observer} succeeded with {known.name} on {owner}'s {named(taken)}",
            observer=observer,
            owner=owner,
            witness=(made.given, call.invocation.index, call.completion.index),
        )
        if not (known.opens or known.subscribes):
            self._keep(_Success(known, taken, comparable(call, taken[1]), finding))
        elif known.subscribes or known.name in self._unknown:
            self._found_reached(finding)
        elif len(waiting := self._stayed_open.setdefault(known.name, [])) < MOST_FINDINGS:
            waiting.append(finding)

    # Successes that may be refusals

    def _keep(self, success: _Success) -> None:
        kept = self._successes.setdefault(success.known.name, [])
        if len(kept) < MOST_SUCCESSES:
            kept.append(success)

    def _judge(self, success: _Success, tally: Tally) -> None:
        """Say by what the others got whether it is a success; a refusal counts beside the success of who may ask."""
        if success.finding.anomaly == FOREIGN:
            self._judge_stranger(success, tally)
            return
        refused, counts = self._turned_away(success)
        if counts or not refused:
            tally.examine(UNAUTHENTICATED)
        if not refused:
            tally.find(success.finding)

    def _judge_stranger(self, success: _Success, tally: Tally) -> None:
        name = success.known.name
        nobodys, structures = self._nobodys.get(name), self._structures.get(name, set[str]())
        unlike_owners = bool(structures) and success.answer.structure not in structures
        if nobodys is None or (success.answer != nobodys.answer and not unlike_owners):
            tally.examine(FOREIGN)
            tally.find(success.finding)
            return
        tried = self._objects.get((name, success.taken)) if success.taken is not None else None
        if tried is None or not tried.succeeded or self._own.get(name) == nobodys.answer:
            return
        tally.examine(FOREIGN)
        tally.examine(REVEALED)
        if success.answer != nobodys.answer and name not in self._revealing:
            index = success.finding.witness[-1]
            tally.find(_revealed(name, _Refusal(success.answer, index), nobodys))

    def _turned_away(self, success: _Success) -> tuple[bool, bool]:
        """Return whether an intruder was refused, and whether that is evidence: where a user gets another answer."""
        known, structures = success.known, self._structures.get(success.known.name, set[str]())
        differs = bool(structures) and success.answer.structure not in structures
        nobodys = self._nobodys.get(known.name)
        if (
            (nobodys is not None and success.answer == nobodys.answer)
            or differs
            or (known.safe and known.name in self._showing)
        ):
            return True, known.name in self._working and success.answer != self._own.get(known.name)
        return known.safe and success.taken is None, False

    def _found_reached(self, finding: Finding) -> None:
        self._tally.examine(FOREIGN)
        self._tally.find(finding)

    def _withheld(self, call: Call, known: Semantics, taken: Object) -> None:
        if taken in self._deleted:
            return
        event = call.completion
        if _status(event) not in BESIDE_THE_POINT:
            tried = self._objects.get((known.name, taken)) or _Object()
            self._objects.set((known.name, taken), tried)
            if tried.succeeded:
                self._tally.examine(FOREIGN)
            else:
                tried.refused += 1
        self._compare(known.name, self._refusal(call, known, taken[1]), self._foreign, self._unknown)

    def _deleting(self, event: Event, known: Semantics) -> None:
        """Take in that somebody asks that an object be deleted: its owner, or another who should not get it.

        What an owner deletes may take other objects of theirs with it, so no attempt before that counts any more.
        """
        name = known.object_in(event.value)
        if known.takes is None or name is None:
            return
        taken = (known.takes, name)
        owners = self._ownership.owners(taken)
        if event.user in owners:
            self._deleted.set(taken, None)
            self._attempted.pop(event.user, None)
            return
        for owner in owners:
            self._attempted.setdefault(owner, Bounded(MOST_PER_USER)).set(taken, event)

    def _refusal(self, call: Call, known: Semantics, name: str) -> _Refusal | None:
        """Return a refusal that can be compared: one of this object alone, as every other that was named is the user's.

        A folder that is another's is refused as a folder, and so says nothing of the note in it.
        """
        objects = call.invocation.value[OBJECTS]
        others = ((kind, str(objects.get(argument))) for argument, kind in known.needs if argument != known.argument)
        if any(call.completion.user not in self._ownership.owners(other) for other in others):
            return None
        if _status(call.completion) in (None, *NOT_COMPARED):  # without a status nothing was answered
            return None
        return _Refusal(comparable(call, name), call.completion.index)

    def _compare(
        self, operation: str, refusal: _Refusal | None, own: dict[str, _Refusal], other: dict[str, _Refusal]
    ) -> None:
        """Hold a refusal against one of the other sort, of the same operation."""
        if refusal is None:
            return
        own.setdefault(operation, refusal)
        against = other.get(operation)
        if against is None:
            return
        self._tally.examine(REVEALED)
        if refusal.answer != against.answer and operation not in self._revealing:
            self._revealing.add(operation)
            foreign, unknown = (refusal, against) if own is self._foreign else (against, refusal)
            self._tally.find(_revealed(operation, foreign, unknown))


def _intruded(event: Event, what: str, witness: tuple[int, ...]) -> Finding:
    message = f"{event.user} {what} without a valid credential"
    return Finding(anomaly=UNAUTHENTICATED, message=message, observer=event.user, witness=witness)


def _status(event: Event) -> Value:
    return event.value.get("status")


def _revealed(operation: str, foreign: _Refusal, unknown: _Refusal) -> Finding:
    message = (
        f"{operation} refuses another's object with {_shown(foreign.answer)}, "
        f"but an id that nobody has with {_shown(unknown.answer)}"
    )
    return Finding(anomaly=REVEALED, message=message, witness=tuple(sorted((foreign.index, unknown.index))))


def _shown(answer: ComparableAnswer) -> str:
    return f"{answer.status} {answer.text[:80]!r}"


CHECKER = Checker(
    NAME,
    "nobody is served without a valid credential, or reaches another's object by its id",
    (UNAUTHENTICATED, FOREIGN, REVEALED),
    AccessFold,
)
