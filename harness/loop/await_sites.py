"""Where a task waits: the file and line of the await that it has not come back from.

How it works. A suspended coroutine knows the awaitable it waits for, and that one the next, down to a future. The site
is the innermost of these frames that belongs to the program: neither to the standard library, nor to an installed
package, nor to the harness. A task that consists of such frames only (a driver's own) gets its innermost frame.

Asynchronous generators, and so context managers made of them, are not looked into: the lines that iterate over one, or
enter it, tell more places apart than those inside, which many share. Nor are awaitables of the program's own classes.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from types import CoroutineType, GeneratorType
from typing import Any

_HARNESS = str(Path(__file__).parents[1]) + "/"
_PLANTED = _HARNESS + "mutants/"
_LIBRARIES = tuple(
    dict.fromkeys(str(Path(sysconfig.get_path(name))) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
)
_INSIDE: Mapping[type, Callable[[Any], tuple[Any, Any]]] = {
    CoroutineType: attrgetter("cr_frame", "cr_await"),
    GeneratorType: attrgetter("gi_frame", "gi_yieldfrom"),
}
"""How to look into what can be awaited: its frame, and what it awaits."""


def site_of(task: asyncio.Task[Any]) -> str:
    """Return where a task waits, as `folder/file.py:line`; `""` when it does not wait."""
    awaitable: Any = task.get_coro()
    innermost: Any = None
    of_the_program: Any = None
    while (look_inside := _INSIDE.get(type(awaitable))) is not None:
        frame, awaitable = look_inside(awaitable)
        if frame is not None:
            innermost = frame
            if is_of_the_program(frame.f_code.co_filename):
                of_the_program = frame
    frame = of_the_program or innermost
    return "" if frame is None else _site(frame.f_code.co_filename, frame.f_lineno)


@lru_cache(maxsize=4096)
def is_of_the_program(path: str) -> bool:
    """Return whether a file is the program's own: not of the standard library, a package, or the harness."""
    if path.startswith(_PLANTED):
        return True
    return not path.startswith((*_LIBRARIES, _HARNESS, "<"))


@lru_cache(maxsize=4096)
def _site(path: str, line: int) -> str:
    return f"{_short(path)}:{line}"


@lru_cache(maxsize=4096)
def _short(path: str) -> str:
    """Return the path relative to where it is imported from: the same on every machine."""
    for root in sorted({str(Path(entry).resolve()) for entry in sys.path if entry}, key=len, reverse=True):
        if path.startswith(root + "/"):
            return path[len(root) + 1 :]
    return "/".join(Path(path).parts[-2:])
