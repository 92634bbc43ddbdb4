"""Explores the order in which concurrent steps are taken: of a target's users, and of anyone's own coroutines.

    from harness.schedules import explore, replay

What is named here is loaded when it is asked for: the engine alone does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.schedules.coroutines import Exploration, Mode, Schedule, explore, replay

__all__ = ["Exploration", "Mode", "Schedule", "explore", "replay"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from harness.schedules import coroutines

        return getattr(coroutines, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
