"""The parts of a target that can be examined on their own, under the names the harness knows them by.

A team that has built the split architecture itself names its own classes here; they must offer the calls that
`harness.properties.parts` makes, which are those of `reference_impl`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Parts of one target.

    Args:
        registry: makes an empty registry.
        agents: two agent classes or more, by name.
        context: the class of contexts, with `for_request` and `for_child`.
        legacy: opens a legacy registry that is not frozen; None when the target has none.
    """

    registry: Callable[[], Any]
    agents: dict[str, type[Any]]
    context: type[Any]
    legacy: Callable[[], AbstractAsyncContextManager[Any]] | None = None
