"""Ways to search the schedules of a program, one a file. See `harness.schedules.scheduling` for what one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.schedules.scheduling import Strategy
from harness.schedules.strategies.exhaustive import Exhaustive
from harness.schedules.strategies.fifo import Fifo
from harness.schedules.strategies.pct import Pct
from harness.schedules.strategies.random_walk import RandomWalk
from harness.schedules.strategies.sticky import Sticky

__all__ = ["STRATEGIES"]

STRATEGIES: Mapping[str, Callable[[], Strategy]] = MappingProxyType(
    {"fifo": Fifo, "random": RandomWalk, "sticky": Sticky, "pct": Pct, "exhaustive": Exhaustive}
)
"""By the name that `--strategy` is given; `portfolio` is all of them but the exhaustive one, in turn."""
