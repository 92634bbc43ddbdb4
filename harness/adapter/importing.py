"""From `module:attribute` or `path/to/file.py:attribute` to the attribute."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class TargetError(Exception):
    """A target cannot be found. Says what was looked for, why it failed, and what to give instead."""


def imported(name: str, default: str = "") -> Any:
    """Return what a name stands for. What is imported may import what lies in the working directory or beside it.

    Args:
        name: `module:attribute` or `path/to/file.py:attribute`.
        default: the attribute, where the name is of a file alone.

    Raises:
        TargetError: there is no such thing.
    """
    where, attribute = split(name, default)
    try:
        return getattr(module_of(where), attribute)
    except AttributeError as error:
        raise TargetError(f"{where} has no {attribute!r}, so there is no target: name a callable in it") from error


def split(name: str, default: str = "") -> tuple[str, str]:
    """Return module or file, and attribute; both empty where the name is no such thing."""
    if default and name.endswith(".py"):
        return name, default
    where, colon, attribute = name.rpartition(":")
    return (where, attribute) if colon and where and attribute else ("", "")


def module_of(where: str) -> ModuleType:
    """Import a module, or a file.

    Raises:
        TargetError: it cannot be imported.
    """
    beside = [str(Path(where).resolve().parent)] if where.endswith(".py") else []
    # At the end, so that a user's folder called `reports` hides nothing of ours.
    sys.path.extend(folder for folder in (str(Path.cwd()), *beside) if folder not in sys.path)
    try:
        if not where.endswith(".py"):
            return importlib.import_module(where)
        path = Path(where).resolve()
        spec = importlib.util.spec_from_file_location(f"harness_target_{path.stem}", path)
        assert spec is not None, f"{path} ends in .py"
        assert spec.loader is not None, f"{path} ends in .py"
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except Exception as error:
        raise TargetError(f"{where} cannot be imported ({error!r}): mend it, or name another target") from error
    return module
