"""Deep, immutable copies of plain data.

Rules:
- A frozen copy shares nothing mutable with its source: containers are copied at every depth.
- What cannot be copied into something immutable is refused, never passed through by reference.

How it works: dict becomes a read-only mapping over a dict nobody else holds, list becomes tuple, set becomes
frozenset. Leaves must be of an immutable type named in `LEAVES`, or an enum member.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import uuid
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

MAX_DEPTH = 32
"""Levels of nesting a frozen value may have; also what ends a value that contains itself."""

LEAVES: tuple[type, ...] = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
)
"""Immutable types kept as they are. Subclasses do not count: they may carry mutable attributes."""


def freeze(value: object, *, where: str = "value") -> object:
    """Return an immutable deep copy of `value`.

    Args:
        value: plain data; containers may nest up to `MAX_DEPTH` levels.
        where: how error messages name the value.

    Raises:
        TypeError: something inside cannot be made immutable, or nests too deeply.
    """
    return _freeze(value, where, 0)


def freeze_mapping(value: Mapping[str, object] | None, *, where: str = "metadata") -> Mapping[str, object]:
    """Return an immutable deep copy of a mapping whose keys are strings; None gives an empty one.

    Raises:
        TypeError: `value` is no mapping, a key is no string, or something inside cannot be made immutable.
    """
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} is a {type(value).__name__}: its parts need names. Pass a mapping.")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{where} has the key {key!r}: keys must be strings. Use str keys.")
    return MappingProxyType(_freeze_items(value, where, 0))


def thaw(value: object) -> object:
    """Return a mutable deep copy of frozen data, made of dict, list and set: fit for JSON and pickle."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    if isinstance(value, frozenset):
        return set(value)
    return value


def _freeze_items(value: Mapping[str, object], where: str, depth: int) -> dict[str, object]:
    return {
        _leaf(key, f"a key of {where}"): _freeze(item, f"{where}[{key!r}]", depth + 1)  # type: ignore[misc]
        for key, item in value.items()
    }


def _freeze(value: object, where: str, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise TypeError(f"{where[:80]}... nests deeper than {MAX_DEPTH} levels, or contains itself. Flatten it.")
    if isinstance(value, Mapping):
        return MappingProxyType(_freeze_items(value, where, depth))
    if isinstance(value, list | tuple):
        return tuple(_freeze(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value))
    if isinstance(value, set | frozenset):
        return frozenset(_freeze(item, f"an element of {where}", depth + 1) for item in value)
    return _leaf(value, where)


def _leaf(value: object, where: str) -> object:
    if type(value) in LEAVES or isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # a subclass may carry attributes; its text does not
    raise TypeError(
        f"{where} is a {type(value).__name__}, which may change after it was handed over, so two holders could "
        "see each other's writes. Pass plain data: dict, list, set, str, bytes, numbers, dates, UUIDs or enums."
    )
