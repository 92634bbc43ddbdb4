"""What one user alone may see: the single-user model, against which a user's part of a history is held.

How it works. The model hears one user's calls, pushes and faults, and nothing of anybody else. It knows what the
user wrote and when that was acknowledged, so it can say of each answer whether the user's own actions explain it:

- what was acknowledged before a call began must be in its answer; what was asked but not acknowledged may be;
- what a refused or failed request would have written must not be;
- a run that writes several notes writes all of them or none;
- whatever else shows, changed or is missing came from outside: a **deviation**.

Writes are recognised by their text, so texts must differ; the harness puts a fresh canary into each.

Source: porcupine's `Model` (a sequential specification per partition), here with one partition per user.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.history.model import Call, CallJoiner, Event, EventKind
from harness.history.probes import FAULT, FINAL_STATUSES, LAST_EVENTS, VOCABULARY, Kind
from harness.judging.owned_objects import NEVER, Group, Item, Own, Run, group_of


class Aspect(StrEnum):
    """In which way an answer can deviate."""

    TAMPERED = "tampered"
    LOST = "lost-write"
    PARTIAL = "partial-write"
    UNEXPLAINED = "unexplained-answer"


@dataclass(frozen=True, slots=True)
class Deviation:
    """An answer that the user's own actions do not explain."""

    aspect: Aspect
    message: str
    witness: tuple[int, ...]


class SingleUser:
    """The model of one user.

    `facts` counts, by aspect, the answers that could have deviated.
    """

    __slots__ = ("_begun", "_calls", "_excused", "_own", "_pending", "facts")

    def __init__(self) -> None:
        self._calls = CallJoiner()
        self._begun: dict[int, int] = {}
        self._own = Own()
        self._excused: set[int] = set()
        self._pending: dict[int, Group] = {}
        self.facts: Counter[Aspect] = Counter()

    def step(self, event: Event) -> Iterator[Deviation]:
        """Take this user's next event; yield what it shows that the user did not cause."""
        if event.kind is EventKind.PROBE and event.name == FAULT:
            self._own.troubled = True
            self._excused.update(event.value["calls"])
        elif event.kind is EventKind.PUSH:
            self._pushed(event)
        elif event.kind is EventKind.INVOKE:
            self._asked(event)
            self._calls.step(event)
            if event.call is not None:
                self._begun[event.call] = event.index
        elif (call := self._calls.step(event)) is not None and event.call is not None:
            if event.name in VOCABULARY:
                yield from self._answered(call)
            self._excused.discard(event.call)
            del self._begun[event.call]
            self._own.let_go(self._oldest)

    @property
    def _oldest(self) -> int:
        """The event index at which the oldest open call began; what was over before it cannot show any more."""
        return next(iter(self._begun.values()), NEVER)

    # What the user asks: from here on it may be seen.

    def _asked(self, event: Event) -> None:
        arguments = event.value
        match event.name:
            case "open_thread":
                self._own.maybe[Kind.THREAD][arguments["title"]] = None
            case "write_note":
                self._own.maybe[Kind.NOTE][arguments["text"]] = None
            case "edit_note" | "delete_note" if (group := self._own.grouped.get(arguments["id"])) is not None:
                group.touched = True
                self._own.maybe[Kind.NOTE][arguments.get("text", "")] = None
            case "edit_note" if (note := self._item(Kind.NOTE, arguments["id"])) is not None:
                note.texts[arguments["text"]] = NEVER
            case "delete_note" if (note := self._item(Kind.NOTE, arguments["id"])) is not None:
                note.gone_from = min(note.gone_from, event.index)
                note.deleting += 1
            case "cancel_run" if (run := self._own.runs.get(arguments["id"])) is not None:
                run.cancelled = True
            case "start_run":
                group = group_of(arguments.get("agent"), arguments.get("text", ""))
                if group is not None and event.call is not None:
                    self._pending[event.call] = group
                    self._own.expect(group)

    def _pushed(self, event: Event) -> None:
        value = event.value
        if isinstance(value, Mapping) and value.get("type") in LAST_EVENTS:
            self._ended(str(value.get("run")), value["type"] == "agent_completed", event.index)

    def _ended(self, run: str, completed: bool, index: int) -> None:
        known = self._own.runs.get(run)
        if known is None or known.group is None:
            return
        if completed and not known.group.doomed:
            known.group.committed = min(known.group.committed, index)
        else:
            known.group.aborted = min(known.group.aborted, index)

    # What the user is answered.

    def _answered(self, call: Call) -> Iterator[Deviation]:
        match call.completion.kind:
            case EventKind.OK:
                yield from self._succeeded(call)
            case EventKind.FAIL:
                yield from self._refused(call)
            case _:
                yield from self._failed(call)
        if call.completion.call is not None:
            self._pending.pop(call.completion.call, None)

    def _succeeded(self, call: Call) -> Iterator[Deviation]:
        verb = VOCABULARY[call.invocation.name]
        answer = call.completion.value
        if verb.lists is not None:
            yield from self._listed(call, verb.lists, answer)
        elif verb.name in ("read_note", "read_thread"):
            yield from self._read(call, Kind.NOTE if verb.name == "read_note" else Kind.THREAD, answer)
        elif verb.name == "read_run":
            yield from self._read_run(call, answer)
        elif verb.name == "edit_note":
            yield from self._edited(call)
        elif verb.name == "delete_note":
            name = call.invocation.value["id"]
            if (note := self._item(Kind.NOTE, name)) is not None:
                self._own.deleted(name, note, call.completion.index)
        elif verb.makes is not None:
            yield from self._made(call, verb.makes, answer)

    def _made(self, call: Call, kind: str, answer: Any) -> Iterator[Deviation]:
        name = _id_of(answer)
        if name is None:
            yield self._unexplained(call, "was answered without an id")
            return
        arguments = call.invocation.value
        if kind is Kind.RUN:
            group = self._pending.get(call.completion.call or 0)
            self._own.started(name, Run(str(arguments.get("agent")), arguments.get("text", ""), group))
            return
        text = arguments["title" if kind is Kind.THREAD else "text"]
        if name in self._own.items[kind] or self._is_gone(kind, name):
            yield self._unexplained(call, f"was answered with the id of an older {kind}")
        self._own.maybe[kind].pop(text, None)
        version = _version_of(answer)
        made = call.completion.index
        self._own.items[kind][name] = Item(made, {text: NEVER}, {text: made}, set() if version is None else {version})

    def _edited(self, call: Call) -> Iterator[Deviation]:
        arguments = call.invocation.value
        note = self._item(Kind.NOTE, arguments["id"])
        if note is None:
            return
        self.facts[Aspect.LOST] += 1
        version = _version_of(call.completion.value)
        if version is not None and version in note.versions:
            yield Deviation(
                Aspect.LOST,
                f"two edits of note {arguments['id']} were both accepted as version {version}: one is lost",
                _both(call),
            )
        if version is not None:
            note.versions.add(version)
        note.overwrite(call.invocation.index, call.completion.index, self._oldest)
        note.written[arguments["text"]] = call.completion.index

    def _listed(self, call: Call, kind: str, answer: Any) -> Iterator[Deviation]:
        if not isinstance(answer, list):
            yield self._unexplained(call, "was not answered with a list")
            return
        begun = call.invocation.index
        query = str(call.invocation.value.get("text", "")).casefold()
        seen = {_id_of(entry): _text_of(entry, kind) for entry in answer}
        for name, text in seen.items():
            yield from self._seen(call, kind, name, text)
        for name, item in self._own.items[kind].items():
            if item.made < begun and item.gone_from > call.completion.index and name not in seen:
                if query and not all(query in text.casefold() for text in item.texts):
                    continue
                self.facts[Aspect.LOST] += 1
                yield Deviation(
                    Aspect.LOST,
                    f"{kind} {name} was acknowledged and is not listed",
                    (item.made, *_both(call)),
                )
        if kind is Kind.NOTE and not query:
            yield from self._groups(call, set(seen.values()))

    def _seen(self, call: Call, kind: str, name: str | None, text: str) -> Iterator[Deviation]:
        begun = call.invocation.index
        item = self._own.items[kind].get(name or "")
        if item is not None:
            self.facts[Aspect.TAMPERED] += 1
            self.facts[Aspect.LOST] += 1
            if not item.may_read(text, begun):
                yield Deviation(
                    Aspect.TAMPERED,
                    f"{kind} {name} reads {_short(text)}, which its owner never wrote",
                    (item.made, *_both(call)),
                )
            elif item.gone_by < begun:
                yield self._unexplained(call, f"shows {kind} {name}, which its owner had deleted")
            return
        group = self._own.writer_of(text) if kind is Kind.NOTE else None
        if group is not None:
            self._own.grouped[name or ""] = group
        elif self._is_gone(kind, name):
            self.facts[Aspect.UNEXPLAINED] += 1
            yield self._unexplained(call, f"shows {kind} {name}, which its owner had deleted")
            return
        if kind is Kind.NOTE and self._own.forgot:
            return  # it may be of a run that is not remembered
        self.facts[Aspect.UNEXPLAINED] += 1
        if group is None and text not in self._own.maybe[kind]:
            yield self._unexplained(call, f"shows a {kind} that this user never wrote: {_short(text)}")

    def _groups(self, call: Call, seen: set[str]) -> Iterator[Deviation]:
        begun = call.invocation.index
        for group in self._own.groups:
            if group.touched:
                continue
            present = sum(text in seen for text in group.texts)
            if group.aborted < begun or group.committed < begun:
                self.facts[Aspect.PARTIAL] += 1
            if 0 < present < len(group.texts):
                yield Deviation(
                    Aspect.PARTIAL,
                    f"{present} of the {len(group.texts)} notes of one run are there: {_short(group.texts[0])}",
                    _both(call),
                )
            elif present and (group.doomed or group.aborted < begun):
                message = f"a run that failed left its note: {_short(group.texts[0])}"
                yield Deviation(Aspect.PARTIAL, message, _both(call))
            elif not present and group.committed < begun:
                message = f"a run that completed left no note: {_short(group.texts[0])}"
                yield Deviation(Aspect.LOST, message, _both(call))

    def _read(self, call: Call, kind: str, answer: Any) -> Iterator[Deviation]:
        name = call.invocation.value["id"]
        if self._item(kind, name) is None and not self._is_gone(kind, name):
            return
        if _id_of(answer) != name:
            yield self._unexplained(call, f"was answered with another {kind}")
            return
        yield from self._seen(call, kind, name, _text_of(answer, kind))

    def _read_run(self, call: Call, answer: Any) -> Iterator[Deviation]:
        name = call.invocation.value["id"]
        run = self._own.runs.get(name)
        if run is None:
            return
        self.facts[Aspect.UNEXPLAINED] += 1
        status = answer.get("status") if isinstance(answer, Mapping) else None
        if _id_of(answer) != name:
            yield self._unexplained(call, "was answered with another run")
        elif status == "completed" and run.agent == "narrator" and answer.get("result") != run.text:
            yield self._unexplained(
                call, f"gives the result {_short(str(answer.get('result')))} for the text {_short(run.text)}"
            )
        elif status in ("failed", "cancelled") and run.agent == "narrator" and not self._may_fail(run):
            yield self._unexplained(call, f"says {status}, which nothing that this user did explains")
        elif status in FINAL_STATUSES:
            self._ended(name, status == "completed", call.completion.index)

    def _may_fail(self, run: Run) -> bool:
        return run.cancelled or self._own.troubled

    def _refused(self, call: Call) -> Iterator[Deviation]:
        """Judge a FAIL: it did not happen, and the question is whether it may have been refused."""
        verb, arguments = VOCABULARY[call.invocation.name], call.invocation.value
        status = call.completion.value.get("status") if isinstance(call.completion.value, Mapping) else None
        if group := self._pending.get(call.completion.call or 0):
            group.aborted = call.completion.index
        if verb.makes in (Kind.THREAD, Kind.NOTE):
            self._own.maybe[verb.makes].pop(arguments.get(verb.text or ""), None)
        note = self._item(Kind.NOTE, arguments.get("id", "")) if verb.takes is Kind.NOTE else None
        if note is not None and verb.name == "edit_note":
            note.texts.pop(arguments["text"], None)
        if note is not None and verb.name == "delete_note":
            note.deleting -= 1
            if not note.deleting and note.gone_by == NEVER:
                note.gone_from = NEVER
        if self._may_refuse(call, status) or call.completion.call in self._excused:
            return
        self.facts[Aspect.UNEXPLAINED] += 1
        if verb.takes is not None and status == 404:
            yield Deviation(
                Aspect.LOST,
                f"{verb.name}: {verb.takes} {arguments[verb.argument]} was acknowledged and is not there",
                _both(call),
            )
        else:
            yield self._unexplained(call, f"was refused with {status}")

    def _may_refuse(self, call: Call, status: object) -> bool:
        verb, arguments = VOCABULARY[call.invocation.name], call.invocation.value
        if verb.name == "cancel_run" or (verb.name == "start_run" and status == 429):
            return True  # the run may have ended; the limits checker judges limits
        if verb.takes is Kind.RUN:
            return arguments.get("id") not in self._own.runs
        if verb.takes is None:
            return False
        item = self._item(verb.takes, arguments.get(verb.argument, ""))
        if item is None or item.gone_from < call.completion.index:
            return True
        return verb.name == "edit_note" and status == 409 and item.may_conflict(arguments.get("version"))

    def _failed(self, call: Call) -> Iterator[Deviation]:
        """Judge an INFO: an error that the user's own faults do not explain came from somebody else."""
        if call.completion.call in self._excused:
            return
        self.facts[Aspect.UNEXPLAINED] += 1
        reason = call.completion.value.get("error", "") if isinstance(call.completion.value, Mapping) else ""
        yield self._unexplained(call, f"ended in an error: {_short(str(reason))}")

    def _item(self, kind: str, name: object) -> Item | None:
        return self._own.items.get(kind, {}).get(str(name))

    def _is_gone(self, kind: str, name: object) -> bool:
        return kind is Kind.NOTE and name in self._own.gone

    def _unexplained(self, call: Call, what: str) -> Deviation:
        return Deviation(Aspect.UNEXPLAINED, f"{call.invocation.name} {what}", _both(call))


def _both(call: Call) -> tuple[int, ...]:
    return (call.invocation.index, call.completion.index)


def _id_of(answer: Any) -> str | None:
    name = answer.get("id") if isinstance(answer, Mapping) else None
    return name if isinstance(name, str) and name else None


def _version_of(answer: Any) -> int | None:
    version = answer.get("version") if isinstance(answer, Mapping) else None
    return version if isinstance(version, int) else None


def _text_of(answer: Any, kind: str) -> str:
    text = answer.get("title" if kind is Kind.THREAD else "text") if isinstance(answer, Mapping) else None
    return text if isinstance(text, str) else json.dumps(answer, default=str)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
