"""What the live requests of different users can both reach, and one of them could change.

How it works. From the objects of each live request, everything reachable is walked through containers, attributes
and slots. An object reached from two users is aliased, unless it is

- immutable by its type (atoms, classes, functions, modules, frozen dataclasses, read-only views: walked, not reported);
- declared by the target to be shared on purpose (registry, hub, engine): neither walked nor reported.

A mutable container is one whatever it holds: an empty dict that two users share is a leak that has not happened yet.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import Context, ContextVar
from enum import Enum
from itertools import combinations
from typing import Any
from weakref import ReferenceType

from harness.history.model import Probe, UserId
from harness.history.probes import ALIASES

MOST_OBJECTS = 50_000
"""Walked per user; beyond it the walk is cut, and says so."""

_ATOMS = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type,
    Enum,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    ReferenceType,
    ContextVar,
    Context,
    logging.Logger,
    asyncio.AbstractEventLoop,
)
_LIBRARIES = frozenset({"sqlalchemy", "asyncio", "aiosqlite", "starlette", "threading", "_thread"})
_READ_ONLY = (tuple, frozenset, types.MappingProxyType)


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
        if id(item) in reached or id(item) in declared or isinstance(item, _ATOMS):
            continue
        reached[id(item)] = (path, item)
        waiting.extend(_parts(path, item))
    return reached


def _parts(path: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, Mapping):
        for key, value in list(item.items()):
            yield f"{path}[{key!r}]", value
    elif isinstance(item, (list, tuple, set, frozenset)):
        for index, value in enumerate(list(item)):
            yield f"{path}[{index}]", value
    elif isinstance(item, types.MethodType):
        yield f"{path}.__self__", item.__self__
    elif not _foreign(item):
        yield from ((f"{path}.{name}", value) for name, value in _attributes(item))


def _foreign(item: object) -> bool:
    """Whether the inside of the object belongs to a library: it is compared itself, and not walked."""
    return any(kind.__module__.partition(".")[0] in _LIBRARIES for kind in type(item).__mro__)


def _attributes(item: object) -> Iterator[tuple[str, Any]]:
    yield from vars(item).items() if hasattr(item, "__dict__") else ()
    for kind in type(item).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            mangled = (
                f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
            )
            if hasattr(item, mangled) and name not in ("__dict__", "__weakref__"):
                yield name, getattr(item, mangled)


def _mutable(item: object) -> bool:
    if isinstance(item, (*_READ_ONLY, types.MethodType)):
        return False
    parameters = getattr(type(item), "__dataclass_params__", None)
    if dataclasses.is_dataclass(item) and parameters is not None and parameters.frozen:
        return False
    return isinstance(item, (dict, list, set, bytearray)) or _foreign(item) or bool(dict(_attributes(item)))
