"""Templates: texts and JSON in which `{canary}`, `{user}` or `{note}` stand for what is put in later.

Rules:

- A name that is none of `GIVEN` is a kind of object; `{note:other}` is a second place for the id of a note.
- `{canary}` is the argument `text` of an operation, `{canary:2}` the argument `text:2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.history.model import Value
from harness.history.semantics import QUERY, TEXT, VERSION

CANARY, USER, EMAIL, SESSION = "canary", "user", "email", "session"
GIVEN = frozenset({CANARY, USER, EMAIL, SESSION, VERSION, QUERY})
"""Placeholders that are no objects."""
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z0-9_]+))?\}")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where an object's id stands.

    Args:
        kind: of the object.
        label: tells several of one kind apart; usually `""`.
    """

    kind: str
    label: str = ""

    @property
    def name(self) -> str:
        """How it is called among the arguments of an operation."""
        return f"{self.kind}:{self.label}" if self.label else self.kind


def taken_of(slots: Sequence[Slot]) -> Slot | None:
    """Return the object that an operation works on: of several the last, without a label if it can be."""
    return next(iter([slot for slot in slots if not slot.label][-1:] or slots[-1:]), None)


def needs_of(slots: Sequence[Slot]) -> tuple[tuple[str, str], ...]:
    """Return the arguments that name objects, each with the kind of the object."""
    return tuple((slot.name, slot.kind) for slot in slots)


def texts_in(parts: Sequence[Value]) -> tuple[str, ...]:
    """Return the arguments that carry the user's texts: `text` for `{canary}`, `text:2` for `{canary:2}`."""
    found = (label for part in parts for name, label in _placeholders(part) if name == CANARY)
    return tuple(dict.fromkeys(f"{TEXT}:{label}" if label else TEXT for label in found))


def slots_in(value: Any) -> Iterator[Slot]:
    """Yield the objects that a template names."""
    for name, label in _placeholders(value):
        if name not in GIVEN:
            yield Slot(name, label)


def names_in(value: Any) -> frozenset[str]:
    """Return the names of all placeholders of a template."""
    return frozenset(name for name, _ in _placeholders(value))


def fill(value: Any, given: Mapping[str, Value]) -> Any:
    """Return a template with its placeholders replaced.

    Args:
        value: a text, or JSON with texts in it.
        given: by `Slot.name` or the name of a placeholder; of a label that is not given, what its kind has. A text that
            is one placeholder and nothing else becomes what is given for it: a number, where an id is one.
    """
    if isinstance(value, str):
        if alone := _PLACEHOLDER.fullmatch(value):
            return _given(alone, given)
        return _PLACEHOLDER.sub(lambda found: str(_given(found, given)), value)
    if isinstance(value, Mapping):
        return {key: fill(item, given) for key, item in value.items()}
    return [fill(item, given) for item in value] if isinstance(value, list | tuple) else value


def _given(found: re.Match[str], given: Mapping[str, Value]) -> Value:
    name, label = found.group(1), found.group(2)
    text = given.get(f"{name}:{label}") if label else None
    return given[name] if text is None else text


def _placeholders(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for found in _PLACEHOLDER.finditer(value):
            yield found.group(1), found.group(2) or ""
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _placeholders(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _placeholders(item)
