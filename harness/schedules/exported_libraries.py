"""Lets the engine of an exported test load where libraries that it imports are not installed. Standard library only.

Rules:

- A library that is installed is used; the engine does what it always does, also for a target that needs it.
- One that is not is stood in for, only while the engine is loaded: a target that asks whether it is there is told the
  truth.
- What stands in does nothing. A target without aiosqlite and anyio has no use for their devices, and a replay reads and
  writes no run folder. Only without time-machine something is missing: the wall clock is then the real one.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

IMPORTED = (
    "aiosqlite",
    "anyio",
    "anyio._backends",
    "anyio._backends._asyncio",
    "pydantic",
    "time_machine",
)
"""What modules of the engine import, besides the standard library and each other."""
CLOCK = "time_machine"


@contextmanager
def stood_in() -> Iterator[frozenset[str]]:
    """Stand in for the libraries that are not installed, while this lasts; yield their names."""
    absent = [name for name in IMPORTED if importlib.util.find_spec(name.partition(".")[0]) is None]
    modules = {name: _StandIn(name) for name in absent}
    for name, module in modules.items():
        sys.modules[name] = module
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(modules[parent], own, module)
    try:
        yield frozenset(absent)
    finally:
        for name in absent:
            del sys.modules[name]


class _StandIn(ModuleType):
    """A module in which every name is a class that does nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (_Nothing,), {})
        setattr(self, name, made)  # the same each time: what a device puts into it can be taken out again
        return made


class _Nothing(Exception):
    """Can be made, named in an `except`, entered, and derived from."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None: ...

    def move_to(self, _: float) -> None:
        """Leave the wall clock as it is."""
