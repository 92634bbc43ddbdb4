"""Which versions of a library a device knows, and what is said of one that lacks what the device replaces.

A device replaces what is private to its library, and may change with any release of it. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from inspect import unwrap
from typing import Any


class UnknownVersion(RuntimeError):
    """A library is not as a device knows it. Says which versions are known, and what to do."""


def expect(library: str, known: str, names: Iterable[tuple[Callable[..., Any] | None, str]]) -> None:
    """Do nothing where a library has everything that a device replaces, or is not installed.

    Args:
        library: the name of its distribution.
        known: the versions that were tried, in words.
        names: functions of it, and a name that the code of each must use; None for a function that is not there. One
            that is replaced already, by a device that is in use, counts as what it wraps.

    Raises:
        UnknownVersion: it lacks something.
    """
    try:
        installed = version(library)
    except PackageNotFoundError:
        return
    if lacking := [name for function, name in names if not _uses(function, name)]:
        raise UnknownVersion(
            f"schedules cannot be chosen with {library} {installed}, which lacks {', '.join(lacking)}: known are the "
            f"versions {known}; install one of them, or leave the schedules suite out"
        )


def _uses(function: Callable[..., Any] | None, name: str) -> bool:
    code = getattr(unwrap(function) if function is not None else None, "__code__", None)
    return code is not None and name in {*code.co_names, *code.co_varnames}
