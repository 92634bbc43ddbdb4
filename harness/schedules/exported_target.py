"""Opens the target of an exported test. Knows the bundled ones only where the test is of one of them.

A target of one's own is `module:attribute` or `path/to/file.py:attribute`, as `harness.verification.resolve` has it;
without the bundled backend, which that module needs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.history.model import Target
    from harness.performing.performance import OpenTarget

REFERENCE = "reference"


class TargetMissing(Exception):
    """The target cannot be opened. Says what was looked for, and what to do."""


def is_own(name: str) -> bool:
    """Return whether this is a target of one's own, and none of the bundled ones."""
    return ":" in name


def load(name: str, folders: Sequence[str] = ()) -> None:
    """Import all that it takes to open a target.

    Raises:
        TargetMissing: it cannot be imported.
    """
    _maker(name, folders)


def prepared(name: str, folders: Sequence[str] = ()) -> AbstractContextManager[OpenTarget]:
    """Return what opens a target as new, again and again.

    Args:
        name: of the target.
        folders: where a relative path may begin; the first that has the file is taken.

    Raises:
        TargetMissing: it cannot be imported.
    """
    make = _maker(name, folders)
    if is_own(name):
        return nullcontext(lambda: _opened(make))
    built: AbstractContextManager[OpenTarget] = make()
    return built


def _maker(name: str, folders: Sequence[str]) -> Callable[[], Any]:
    """Return what makes a target of one's own, or builds a bundled one."""
    try:
        if is_own(name):
            where, _, attribute = name.rpartition(":")
            own: Callable[[], Any] = getattr(_module(where, folders), attribute)
            return own
        if name == REFERENCE:
            workshop: Any = importlib.import_module("harness.targets.reference").Workshop(name=name)
            return workshop.built  # type: ignore[no-any-return]
        subject = importlib.import_module("harness.mutants").SUBJECTS[name]
        return subject.built  # type: ignore[no-any-return]
    except Exception as error:
        raise TargetMissing(
            f"the target {name!r} cannot be imported ({error!r}): run this where it can be, or name another target"
        ) from error


def _module(where: str, folders: Sequence[str]) -> ModuleType:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    places = [Path(folder, where) for folder in ("", *folders)]
    path = next((place for place in places if place.exists()), places[0]).resolve()
    sys.path.append(str(path.parent))
    name = f"harness_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, f"{path} ends in .py"
    assert spec.loader is not None, f"{path} ends in .py"
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def _opened(make: Callable[[], Any]) -> AsyncIterator[Target]:
    made = make()
    if isinstance(made, AbstractAsyncContextManager):
        async with made as target:
            yield target
        return
    try:
        yield made
    finally:
        await made.close()
