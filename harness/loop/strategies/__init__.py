"""Ways to search the schedules of a program, one a file. See `harness.loop.scheduling` for what one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.loop.scheduling import Strategy
from harness.loop.strategies.exhaustive import Exhaustive
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.pct import Pct
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.sticky import Sticky

__all__ = ["STRATEGIES"]

STRATEGIES: Mapping[str, Callable[[], Strategy]] = MappingProxyType(
    {"fifo": Fifo, "random": RandomWalk, "sticky": Sticky, "pct": Pct, "exhaustive": Exhaustive}
)
"""By the name that `--strategy` is given; `portfolio` is all of them but the exhaustive one, in turn."""
