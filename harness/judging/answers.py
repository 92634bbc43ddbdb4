"""Holds an answer that shows objects against what its user has: one object, or a list of them.

Rules:

- Where the description says where an object's text stands (`Semantics.shows`), that text must be one of its own.
- Where it does not, a text is recognised by its occurrence anywhere in the answer. Then an answer that has been seen to
  show the objects' own texts must not show another object's in their place; if no text of the user's occurs in it,
  nothing is judged.
- What is missing is judged only in a list of all there is, and only if its entries can be told apart.
- An answer that is cut, or a page of text, is not judged for what is not in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.history.model import Call
from harness.history.semantics import at, body_of
from harness.judging.described import Described, Known
from harness.judging.frames import Object, id_of, named
from harness.judging.owned_objects import Group, Item, Own


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


def deviation(call: Call, aspect: Aspect, message: str, *earlier: int) -> Deviation:
    """Return how the answer to a call deviates; `earlier` are the indices of events that show it, too."""
    return Deviation(aspect, message, (*earlier, call.invocation.index, call.completion.index))


class Reading:
    """One answer that shows objects.

    Args:
        call: the answer, and what was asked.
        known: of the operation.
        described: the service.
        own: what the user has; learns which objects belong to which group.
        facts: where facts are counted.
    """

    __slots__ = ("_begun", "_body", "_call", "_described", "_facts", "_known", "_own", "_stated")

    def __init__(self, call: Call, known: Known, described: Described, own: Own, facts: Counter[Aspect]) -> None:
        self._call = call
        self._known = known
        self._described = described
        self._own = own
        self._facts = facts
        self._begun = call.invocation.index
        self._body = body_of(call.completion.value)
        self._stated = known.semantics.shows is not None

    # One object

    def read(self, name: Object) -> Iterator[Deviation]:
        """Judge the answer to the reading of one object."""
        if (self._own.item(name) is None and name not in self._own.gone) or self._is_partly_there():
            return
        if not self._stated:
            yield from self._recognised(name, _text_of(self._body))
            return
        told = id_of(at(self._body, self._known.semantics.id)) if self._known.same_ids else None
        if told is not None and told != name[1]:
            yield self._unexplained(f"was answered with another {name[0]}")
            return
        yield from self._seen(name, self._text(self._body))

    def _is_partly_there(self) -> bool:
        """Return whether not all of the answer is there, or in no form in which a key could be found."""
        answered = self._call.completion.value
        cut = isinstance(answered, dict) and "cut" in answered
        return cut or (isinstance(self._body, str) and bool(self._known.semantics.shows))

    def _recognised(self, name: Object, text: str) -> Iterator[Deviation]:
        """Judge what is shown where an object should be, of which nobody says where its text stands."""
        item, operation = self._own.item(name), self._known.semantics.name
        if item is None or not item.texts:
            return
        if any(_occurs(own, text) for own in item.texts if item.may_read(own, self._begun)):
            self._described.showing.add(operation)
            self._count_shown()
        elif operation in self._described.showing:
            others = [own for other in self._own.items[name[0]].values() for own in other.texts]
            shown = next((own for own in (*others, *self._own.overwritten) if _occurs(own, text)), None)
            if shown is not None:
                self._count_shown()
                yield self._tampered(name, item, shown)

    # A list of objects

    def listed(self) -> Iterator[Deviation]:
        """Judge the answer to a listing."""
        entries = self._known.semantics.entries_in(self._call.completion.value)
        if entries is None:
            is_told = self._stated or self._known.semantics.all  # else nobody says where the list is
            if is_told and not isinstance(self._body, str) and not self._is_partly_there():
                yield self._unexplained("was not answered with a list")
            return
        kind = self._known.lists
        shown = [(self._name_in(entry), entry) for entry in entries]
        texts = {self._text(entry) for _, entry in shown} if self._stated else set()
        for name, entry in shown:
            if self._stated:
                yield from self._seen((kind, name), self._text(entry))
            else:
                yield from self._recognised((kind, name), _text_of(entry))
        if self._is_complete() and not self._is_partly_there():
            whole = "" if self._stated else _text_of(entries)
            is_there = (lambda text: text in texts) if self._stated else (lambda text: _occurs(text, whole))
            yield from self._missing(kind, {name for name, _ in shown}, is_there)
            shows = self._stated or self._known.semantics.name in self._described.showing
            if shows and not self._query and self._within is None:
                yield from self._groups(kind, is_there)

    @property
    def _within(self) -> Object | None:
        """What the listed objects were made within, when the list is asked for within something."""
        return self._known.taken_in(self._call.invocation)

    @property
    def _query(self) -> str:
        return self._known.semantics.query_in(self._call.invocation.value).casefold()

    def _is_complete(self) -> bool:
        return self._known.semantics.all and (bool(self._query) or not self._known.semantics.searches)

    def _name_in(self, entry: Any) -> str:
        """Return the id that an entry has, where ids can be compared, or `""`."""
        return (id_of(at(entry, self._known.semantics.id)) or "") if self._known.same_ids else ""

    def _missing(self, kind: str, names: Collection[str], is_there: Callable[[str], bool]) -> Iterator[Deviation]:
        """Judge whether all is there that must be: by name, or where entries have none, by text."""
        items, query, within = self._own.items[kind], self._query, self._within
        by_text = names and not any(names)
        if by_text and not any(is_there(text) for item in items.values() for text in item.texts):
            return  # a list that shows nothing by which an object is known
        for name, item in items.items():
            if item.made >= self._begun or item.gone_from <= self._call.completion.index or name in names:
                continue
            if within is not None and self._own.within.get((kind, name)) != within:
                continue
            if query and not (item.texts and all(query in text.casefold() for text in item.texts)):
                continue
            if by_text and (not item.texts or any(is_there(text) for text in item.texts)):
                continue
            self._facts[Aspect.LOST] += 1
            message = f"{kind} {name} was acknowledged and is not listed"
            yield deviation(self._call, Aspect.LOST, message, item.made)

    def _groups(self, kind: str, is_there: Callable[[str], bool]) -> Iterator[Deviation]:
        for group in self._own.groups:
            if group.touched or group.kind != kind:
                continue
            if group.aborted < self._begun or group.committed < self._begun:
                self._facts[Aspect.PARTIAL] += 1
            found = self._group(group, sum(is_there(text) for text in group.texts))
            if found is not None:
                yield found

    def _group(self, group: Group, present: int) -> Deviation | None:
        first = short(next(iter(group.texts), ""))
        if 0 < present < len(group.texts):
            message = f"{present} of the {len(group.texts)} {group.kind}s of one piece of work are there: {first}"
            return deviation(self._call, Aspect.PARTIAL, message)
        if present and (group.doomed or group.aborted < self._begun):
            return deviation(self._call, Aspect.PARTIAL, f"work that failed left its {group.kind}: {first}")
        if group.texts and not present and group.committed < self._begun:
            return deviation(self._call, Aspect.LOST, f"work that completed left no {group.kind}: {first}")
        return None

    # One text, where it is said to stand

    def _text(self, entry: Any) -> str:
        text = self._known.semantics.text_of(entry)
        return text if text is not None else _text_of(entry)

    def _seen(self, name: Object, text: str) -> Iterator[Deviation]:
        item = self._own.item(name)
        if item is not None:
            self._count_shown()
            if not item.may_read(text, self._begun):
                yield self._tampered(name, item, text)
            elif item.gone_by < self._begun:
                yield self._unexplained(f"shows {named(name)}, which its owner had deleted")
            return
        if name in self._own.untold or text in self._own.loose:
            return
        if not name[1] and any(item.may_read(text, self._begun) for item in self._own.items[name[0]].values()):
            self._facts[Aspect.UNEXPLAINED] += 1  # an entry without a name is known by its text
            return
        group = self._own.writer_of(name[0], text)
        if group is not None:
            self._own.grouped[name] = group
        elif name in self._own.gone:
            self._facts[Aspect.UNEXPLAINED] += 1
            yield self._unexplained(f"shows {named(name)}, which its owner had deleted")
            return
        if self._own.forgot or self._own.blurred or self._own.blank.get(name[0]):
            return  # it may be of something that is not remembered, or of which nobody knows
        self._facts[Aspect.UNEXPLAINED] += 1
        if group is None and text not in self._own.maybe[name[0]]:
            yield self._unexplained(f"shows a {name[0]} that this user never wrote: {short(text)}")

    def _count_shown(self) -> None:
        self._facts[Aspect.TAMPERED] += 1
        self._facts[Aspect.LOST] += 1

    def _tampered(self, name: Object, item: Item, text: str) -> Deviation:
        message = f"{named(name)} reads {short(text)}, which its owner never wrote"
        return deviation(self._call, Aspect.TAMPERED, message, item.made)

    def _unexplained(self, what: str) -> Deviation:
        return deviation(self._call, Aspect.UNEXPLAINED, f"{self._call.invocation.name} {what}")


def short(text: str) -> str:
    """Return a text in quotes, or the beginning of a long one."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _text_of(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, default=str, ensure_ascii=False)


def _occurs(text: str, within: str) -> bool:
    return bool(text) and (text in within or json.dumps(text, ensure_ascii=False)[1:-1] in within)
