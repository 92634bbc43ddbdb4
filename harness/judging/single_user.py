"""What one user alone may see: the single-user model, against which a user's part of a history is held.

How it works. The model hears one user's calls, pushes and faults, and nothing of anybody else. It knows what the
operations do (`harness.judging.described`), what the user wrote and when that was acknowledged, so it can say of each
answer whether the user's own actions explain it:

- what was acknowledged before a call began must be in its answer; what was asked but not acknowledged may be;
- what a refused or failed request would have written must not be;
- work that writes several objects writes all of them or none;
- whatever else shows, changed or is missing came from outside: a **deviation**.

What is not described is not judged. Writes are recognised by their text, so texts must differ; the harness puts a fresh
canary into each. How answers are read is in `harness.judging.answers`.

Source: porcupine's `Model` (a sequential specification per partition), here with one partition per user.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.history.model import Call, CallJoiner, Event, EventKind
from harness.history.probes import FAULT
from harness.history.semantics import SENT, Progress, Work, at, body_of
from harness.judging.answers import Aspect, Deviation, Reading, deviation, short
from harness.judging.described import Described, Known
from harness.judging.frames import Object, id_of, named
from harness.judging.owned_objects import NEVER, Group, Item, Own, Run

GONE = frozenset({404, 410})
BESIDE_THE_POINT = frozenset({400, 413, 422, 429})
"""Statuses of refusals for a reason that lies in the request, or in how many there were: not judged here."""
CONFLICT = 409


class SingleUser:
    """The model of one user.

    `facts` counts, by aspect, the answers that could have deviated.

    Args:
        described: what is known of the service; the same for all users.
    """

    __slots__ = ("_begun", "_calls", "_described", "_excused", "_own", "_pending", "facts")

    def __init__(self, described: Described) -> None:
        self._described = described
        self._calls = CallJoiner()
        self._begun: dict[int, int] = {}
        self._own = Own.of(described.collections)
        self._excused: set[int] = set()
        self._pending: dict[int, Group] = {}
        self.facts: Counter[Aspect] = Counter()

    def step(self, event: Event) -> Iterator[Deviation]:
        """Take this user's next event; yield what it shows that the user did not cause."""
        if event.kind is EventKind.PUSH:
            if (frame := self._described.frames.last(event)) is not None and frame.about is not None:
                self._ended(frame.about, frame.type in frame.form.completes, event.index)
        elif event.kind is EventKind.PROBE:
            if event.name == FAULT:
                self._own.troubled = True
                self._excused.update(event.value["calls"])
        elif (known := self._described.operations.get(event.name)) is None:
            return
        elif event.kind is EventKind.INVOKE:
            self._asked(event, known)
            self._calls.step(event)
            if event.call is not None:
                self._begun[event.call] = event.index
        elif (call := self._calls.step(event)) is not None and event.call is not None:
            yield from self._answered(call, known)
            self._excused.discard(event.call)
            self._pending.pop(event.call, None)
            del self._begun[event.call]
            self._own.let_go(self._oldest)

    @property
    def _oldest(self) -> int:
        """The event index at which the oldest open call began; what was over before it cannot show any more."""
        return next(iter(self._begun.values()), NEVER)

    # What the user asks: from here on it may be seen.

    def _asked(self, event: Event, known: Known) -> None:
        semantics, texts = known.semantics, known.semantics.texts_in(event.value)
        taken = known.taken_in(event)
        if semantics.starts is not None:
            self._starts(event, semantics.starts, taken, texts)
        elif known.makes:
            if texts:
                self._own.maybe[known.makes].update(dict.fromkeys(texts))
            else:
                self._own.blank[known.makes] = self._own.blank.get(known.makes, 0) + 1
        elif known.silent:
            self._may_do_anything(taken, texts)
        elif texts and not semantics.edits:
            self._own.loosen(texts)
        if taken is not None and semantics.ends and (run := self._own.runs.get(taken)) is not None:
            run.ended = True
        if semantics.deletes:
            self._own.worked.clear()
        if taken is not None and (semantics.edits or semantics.deletes):
            self._changes(event, known, taken, texts)

    def _starts(self, event: Event, work: Work, within: Object | None, texts: tuple[str, ...]) -> None:
        if work.writes and event.call is not None:
            group = self._pending[event.call] = Group(work.writes, texts, work.fails, within)
            self._own.expect(group)

    def _may_do_anything(self, taken: Object | None, texts: tuple[str, ...]) -> None:
        self._own.loosen(texts)
        if taken is not None or not texts:
            self._own.blurred = True
            self._own.lose_sight_of(taken)

    def _changes(self, event: Event, known: Known, taken: Object, texts: tuple[str, ...]) -> None:
        """Take in that an object is to be edited or deleted."""
        item, deletes = self._own.item(taken), known.semantics.deletes
        if (group := self._own.grouped.get(taken)) is not None:
            group.touched = True
            self._own.maybe[taken[0]].update(dict.fromkeys(texts))
        elif item is not None and deletes:
            item.gone_from = min(item.gone_from, event.index)
            item.deleting += 1
        elif item is not None:
            item.texts.update(dict.fromkeys(texts if item.texts else (), NEVER))
        elif taken[0] not in self._described.telling:
            self._own.touch_groups(taken[0])  # it may be of one of them, and nobody could know
        if deletes:
            self._own.lose_sight_of(taken, itself=False)

    def _ended(self, name: Object, completed: bool, index: int) -> None:
        run = self._own.runs.get(name)
        if run is None or run.group is None:
            return
        if completed and not run.group.doomed:
            run.group.committed = min(run.group.committed, index)
        else:
            run.group.aborted = min(run.group.aborted, index)

    # What the user is answered.

    def _answered(self, call: Call, known: Known) -> Iterator[Deviation]:
        match call.completion.kind:
            case EventKind.OK:
                yield from self._succeeded(call, known)
            case EventKind.FAIL:
                yield from self._refused(call, known)
            case _:
                yield from self._failed(call, known)

    def _succeeded(self, call: Call, known: Known) -> Iterator[Deviation]:
        semantics, taken = known.semantics, known.taken_in(call.invocation)
        if known.repeats and self._own.works(semantics.name, taken):
            self.facts[Aspect.UNEXPLAINED] += 1  # it could have been an error
        if known.lists or (semantics.reads and known.takes and taken is not None):
            reading = Reading(call, known, self._described, self._own, self.facts)
            yield from reading.listed() if known.lists else reading.read(taken or ("", ""))
        elif semantics.progress is not None and taken is not None:
            yield from self._told(call, known, taken, semantics.progress)
        elif semantics.makes is not None:
            yield from self._made(call, known, semantics.makes)
        elif taken is not None and (item := self._own.item(taken)) is not None:
            if semantics.edits:
                yield from self._edited(call, known, taken, item)
            elif semantics.deletes:
                self._own.deleted(taken, item, call.completion.index)

    def _made(self, call: Call, known: Known, kind: str) -> Iterator[Deviation]:
        semantics, own, done = known.semantics, self._own, call.completion.index
        name, texts = semantics.made_in(call.completion.value), semantics.texts_in(call.invocation.value)
        if name is None:
            if known.judged:
                yield _unexplained(call, "was answered without an id")
            return
        made, within = (kind, name), known.taken_in(call.invocation)
        if semantics.starts is not None:
            text, group = next(iter(texts), ""), self._pending.get(call.completion.call or 0)
            own.started(made, Run(semantics.starts, text, group, within))
            return
        if within is not None:
            own.made_within(made, within)
        if not known.makes:
            return
        older = own.item(made)
        if older is not None and older.gone_from > done:  # the id of what is deleted may be given again
            if known.judged:
                yield _unexplained(call, f"was answered with the id of an older {kind}")
            else:
                own.lose_sight_of(made)
        for text in texts:
            own.maybe[kind].pop(text, None)
        if not texts:
            own.blank[kind] -= 1
        if made in own.untold:
            own.loosen(texts)
            return
        version = semantics.version_of(call.completion.value)
        versions = set() if version is None else {version}
        before = older.texts if older is not None and texts else {}  # an older call may still show them
        shown = dict.fromkeys(before, done) | dict.fromkeys(texts, NEVER)
        own.items[kind][name] = Item(done, shown, dict.fromkeys(texts, done), versions, max(1, len(texts)))

    def _edited(self, call: Call, known: Known, taken: Object, item: Item) -> Iterator[Deviation]:
        self.facts[Aspect.LOST] += 1
        texts, version = (
            known.semantics.texts_in(call.invocation.value),
            known.semantics.version_of(call.completion.value),
        )
        if version is not None and version in item.versions:
            message = f"two edits of {named(taken)} were both accepted as version {version}: one is lost"
            yield deviation(call, Aspect.LOST, message)
        if version is not None:
            item.versions.add(version)
        if len(texts) >= item.width:
            for text in item.overwrite(call.invocation.index, call.completion.index, self._oldest):
                self._own.forget_text(text)
        item.written.update(dict.fromkeys(texts if item.texts else (), call.completion.index))

    def _told(self, call: Call, known: Known, name: Object, progress: Progress) -> Iterator[Deviation]:
        """Judge what an answer tells of the progress of work."""
        run = self._own.runs.get(name)
        body = body_of(call.completion.value)
        if run is None or not isinstance(body, dict | list):
            return
        status, result = at(body, progress.status), at(body, progress.result) if progress.result else run.text
        told = id_of(at(body, known.semantics.id)) if known.same_ids else None
        if told is not None and told != name[1]:
            yield _unexplained(call, f"was answered with another {name[0]}")
        elif status in progress.completed and run.work.repeats and result != run.text:
            yield _unexplained(call, f"gives the result {short(str(result))} for the text {short(run.text)}")
        elif status in progress.failed and run.work.repeats and not (run.ended or self._own.troubled):
            yield _unexplained(call, f"says {status}, which nothing that this user did explains")
        elif status in progress.final:
            self._ended(name, status in progress.completed, call.completion.index)

    def _refused(self, call: Call, known: Known) -> Iterator[Deviation]:
        """Judge a FAIL: it did not happen, and the question is whether it may have been refused."""
        taken = known.taken_in(call.invocation)
        self._did_not_happen(call, known, taken)
        status = call.completion.value.get("status")
        if not known.judged or call.completion.call in self._excused or self._may_refuse(call, known, taken, status):
            return
        self.facts[Aspect.UNEXPLAINED] += 1
        if taken is not None and status in GONE:
            message = f"{known.semantics.name}: {named(taken)} was acknowledged and is not there"
            yield deviation(call, Aspect.LOST, message)
        else:
            yield _unexplained(call, f"was refused with {status}")

    def _did_not_happen(self, call: Call, known: Known, taken: Object | None) -> None:
        texts = known.semantics.texts_in(call.invocation.value)
        if group := self._pending.get(call.completion.call or 0):
            group.aborted = call.completion.index
        if known.makes and not texts:
            self._own.blank[known.makes] -= 1
        for text in texts if known.makes else ():
            self._own.maybe[known.makes].pop(text, None)
        item = self._own.item(taken) if taken is not None else None
        if item is not None and known.semantics.edits:
            for text in set(texts) - item.written.keys():
                item.texts.pop(text, None)
        if item is not None and known.semantics.deletes:
            item.deleting -= 1
            if not item.deleting and item.gone_by == NEVER:
                item.gone_from = NEVER

    def _may_refuse(self, call: Call, known: Known, taken: Object | None, status: object) -> bool:
        semantics = known.semantics
        if semantics.ends or status is None or status in BESIDE_THE_POINT:
            return True  # the work may have ended; nothing was answered; the limits checker judges limits
        if status == CONFLICT and not (semantics.edits and semantics.version):
            return True
        if semantics.takes is None:
            return False
        if taken in self._own.runs:
            return False
        item = self._own.item(taken) if taken is not None else None
        if item is None or item.made > call.invocation.index or item.gone_from < call.completion.index:
            return True
        return status == CONFLICT and item.may_conflict(semantics.version_in(call.invocation.value))

    def _failed(self, call: Call, known: Known) -> Iterator[Deviation]:
        """Judge an INFO: an error that the user's own faults do not explain came from somebody else.

        Of what is not described, only what had worked before and changes nothing is judged. Who asks with options of
        their own may have hung up.
        """
        worked = known.repeats and (known.semantics.name, known.taken_in(call.invocation)) in self._own.worked
        value = call.completion.value
        status, options = value.get("status"), at(call.invocation.value, f"{SENT}.options")
        is_own = options is not None if status is None else status < 500
        if not (known.judged or worked) or is_own or call.completion.call in self._excused:
            return
        reason = value.get("error", "")
        yield _unexplained(call, f"ended in an error: {short(str(reason))}")


def _unexplained(call: Call, what: str) -> Deviation:
    return deviation(call, Aspect.UNEXPLAINED, f"{call.invocation.name} {what}")
