"""What the live requests of different users can both reach, and one of them could change.

How it works. From the objects of each live request, everything reachable is walked: items, attributes, slots, and what
the garbage collector knows an object to hold beside these. An object reached from two users is aliased, unless it is

- code or a value (functions, classes, modules, descriptors, compiled patterns; numbers, texts, dates, paths, ids):
  neither walked nor reported;
- immutable by its type (tuples, frozen dataclasses, read-only views), or opaque: walked, not reported;
- declared by the target to be shared on purpose (registry, hub, engine): neither walked nor reported.

A mutable container is one whatever it holds: an empty dict that two users share is a leak that has not happened yet. A
generator is one too, and is not walked: its frame is code under way. An opaque object, which tells nothing of what can
be done to it, is judged by what it holds: the list behind an iterator, the statements behind a connection.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import gc
import io
import ipaddress
import logging
import re
import types
import weakref
from collections import deque
from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    ValuesView,
)
from contextvars import Context, ContextVar
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import combinations
from pathlib import PurePath
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from pydantic_core import SchemaSerializer, SchemaValidator

from harness.history.model import Probe, UserId
from harness.history.probes import ALIASES

MOST_OBJECTS = 50_000
"""Walked per user; beyond it the walk is cut, and says so."""

_VALUES = (
    *(type(None), bool, int, float, complex, str, bytes, range, Enum, UUID, Fraction, Decimal, PurePath),
    *(date, time, timedelta, tzinfo, ipaddress.IPv4Address, ipaddress.IPv4Network),
    *(ipaddress.IPv6Address, ipaddress.IPv6Network),
)
_CODE = (
    *(type, types.ModuleType, types.FunctionType, types.CodeType, types.FrameType, types.TracebackType),
    *(types.GenericAlias, types.UnionType, property, staticmethod, classmethod),
    *(types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType),
    *(types.GetSetDescriptorType, types.MemberDescriptorType, type(functools.lru_cache(print))),
    *(re.Pattern, SchemaSerializer, SchemaValidator),
)
_ELSEWHERE = (ContextVar, Context, logging.Logger, asyncio.AbstractEventLoop)
_ATOMS = (*weakref.ProxyTypes, weakref.ReferenceType, *_VALUES, *_CODE, *_ELSEWHERE)
_DESCRIBING = "typing"
"""The module whose objects describe types."""
_LIBRARIES = frozenset({"sqlalchemy", "asyncio", "_asyncio", "aiosqlite", "starlette", "threading", "_thread"})
_VIEWS = (types.MappingProxyType, KeysView, ItemsView, ValuesView)
_READ_ONLY = (tuple, frozenset, slice, *_VIEWS)
_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_CONTAINERS = (MutableMapping, MutableSequence, MutableSet, types.SimpleNamespace, io.BytesIO, io.StringIO, SimpleQueue)
_NO_SLOTS = ("__dict__", "__weakref__")


def aliases(roots: Mapping[UserId, Sequence[object]], shared: Iterable[object]) -> Probe:
    """Compare what each two users' roots can reach.

    Args:
        roots: by user, the objects of that user's live requests.
        shared: what the target declares to be shared on purpose.

    Returns:
        The probe `aliases`; `compared` is the number of pairs of (mutable object, other user).
    """
    declared = {id(item) for item in shared}
    reached = {user: _reachable(objects, declared) for user, objects in roots.items()}
    found = []
    compared = 0
    mutable = {user: sum(_mutable(item) for _, item in objects.values()) for user, objects in reached.items()}
    for owner, observer in combinations(sorted(reached), 2):
        compared += mutable[owner]
        for key in reached[owner].keys() & reached[observer].keys():
            path_owner, item = reached[owner][key]
            if _mutable(item):
                path_observer, _ = reached[observer][key]
                found.append((path_owner, path_observer, type(item).__qualname__, owner, observer))
    pairs = [
        {"type": kind, "owner": owner, "observer": observer, "path_owner": here, "path_observer": there}
        for here, there, kind, owner, observer in sorted(found)
    ]
    cut = any(len(objects) >= MOST_OBJECTS for objects in reached.values())
    return Probe(ALIASES, {"compared": compared, "shared": _outermost(pairs), "cut": cut})


def _outermost(pairs: list[dict[str, str]]) -> list[dict[str, str]]:
    """Leave out what is only reached through something that is aliased itself."""
    kept: list[dict[str, str]] = []
    for pair in sorted(pairs, key=lambda item: len(item["path_owner"])):
        if not any(_is_inside(pair, known) for known in kept):
            kept.append(pair)
    return kept


def _is_inside(pair: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Whether the pair is of the same users, and its path goes on from the known one's."""
    path, start = pair["path_owner"], known["path_owner"]
    same = (pair["owner"], pair["observer"]) == (known["owner"], known["observer"])
    return same and (path == start or path.startswith((f"{start}.", f"{start}[")))


def _reachable(roots: Sequence[object], declared: set[int]) -> dict[int, tuple[str, object]]:
    """Return what can be reached: id -> (path, object). The objects are kept, so no id is used twice."""
    reached: dict[int, tuple[str, object]] = {}
    waiting: list[tuple[str, object]] = [(type(root).__name__, root) for root in reversed(roots)]
    while waiting and len(reached) < MOST_OBJECTS:
        path, item = waiting.pop()
        if id(item) in reached or id(item) in declared or _is_atom(item):
            continue
        reached[id(item)] = (path, item)
        waiting.extend(_parts(path, item))
    return reached


def _is_atom(item: object) -> bool:
    return isinstance(item, _ATOMS) or type(item).__module__ == _DESCRIBING


def _parts(path: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, _GENERATORS):
        return
    named = list(_named(path, item))
    yield from named
    if isinstance(item, (functools.partial, *_VIEWS)) or _foreign(item):
        return  # the dict behind a read-only view cannot be changed through it
    known = {id(getattr(item, "__dict__", None)), *(id(value) for _, value in named)}
    for value in gc.get_referents(item):
        if id(value) not in known:
            yield f"{path}.<{type(value).__qualname__}>", value


def _named(path: str, item: object) -> Iterator[tuple[str, object]]:
    """Yield what an object holds that has a name or a place in it."""
    if isinstance(item, Mapping):
        yield from ((f"{path}[{key!r}]", value) for key, value in list(item.items()))
    elif isinstance(item, (list, tuple, set, frozenset, deque, *_VIEWS)):
        yield from ((f"{path}[{index}]", value) for index, value in enumerate(list(item)))
    elif isinstance(item, (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)):
        yield f"{path}.__self__", item.__self__
    elif isinstance(item, functools.partial):
        yield f"{path}.func", item.func
        yield from _named(f"{path}.args", item.args)
        yield from _named(f"{path}.keywords", item.keywords)
    if not _foreign(item):
        yield from ((f"{path}.{name}", value) for name, value in _attributes(item))


def _foreign(item: object) -> bool:
    """Whether the inside of the object belongs to a library: it is compared itself, and not walked."""
    return any(kind.__module__.partition(".")[0] in _LIBRARIES for kind in type(item).__mro__)


def _attributes(item: object) -> Iterator[tuple[str, Any]]:
    yield from vars(item).items() if hasattr(item, "__dict__") else ()
    for kind, name in _slots(item):
        private = name.startswith("__") and not name.endswith("__")
        mangled = f"_{kind.__name__.lstrip('_')}{name}" if private else name
        if hasattr(item, mangled):
            yield name, getattr(item, mangled)


def _slots(item: object) -> Iterator[tuple[type, str]]:
    """Yield each slot of an object, filled or not, with the class that declares it."""
    for kind in type(item).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from ((kind, name) for name in ((slots,) if isinstance(slots, str) else slots) if name not in _NO_SLOTS)


def _mutable(item: object) -> bool:
    if isinstance(item, (*_READ_ONLY, types.MethodType)):
        return False
    parameters = getattr(type(item), "__dataclass_params__", None)
    if dataclasses.is_dataclass(item) and parameters is not None and parameters.frozen:
        return False
    if isinstance(item, (*_CONTAINERS, *_GENERATORS)) or _foreign(item) or any(_slots(item)):
        return True
    # By convention what compares by its content and can be changed has no hash: arrays of any library.
    return bool(vars(item)) if hasattr(item, "__dict__") else type(item).__hash__ is None
