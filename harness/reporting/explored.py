"""What the schedules suite went through, in numbers.

Rules:

- Counts come from the measure `schedules`; where it is missing or has another form, nothing was measured, and a
  sentence says so.
- How many orders a program has in all is not known, so no share of them is ever given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter

from harness.claims.evidence import Report, Suite, SuiteRun
from harness.history.model import Value

Count = Annotated[int, Field(strict=True, ge=0)]
Point = tuple[int, int, int, int]
"""Schedules run so far, and the distinct traces, await sites and adjacent pairs that they went through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first schedule in which something was found.

    Args:
        to_first: how many schedules it took, that one included.
        strategy, mode, scene: of it.
    """

    to_first: Annotated[Count, Field(ge=1)]
    strategy: str
    mode: str
    scene: str


_FIRST = TypeAdapter(First)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What the schedules of one run went through.

    Args:
        schedules: how many were run.
        searches: how many by (strategy, mode).
        traces: how many differed in the order of their steps.
        sites: where tasks of users waited, as `file.py:line`.
        pairs: how many pairs of sites of two users followed each other.
        faults: how many faults were injected at an await.
        injected: (fault, site) of each, once.
        sweep, swept: how many faults the whole sweep has, and how many of them were tried.
        run_twice: how many schedules were run a second time.
        unhandled_errors: that nobody took, as of a background task, and in how many schedules; the most frequent ones.
        passed_over: by checker, the runs that said nothing to it, as a fault broke what it looks at.
        first: by checker, the first finding on the target.
        growth: what had been seen after so many schedules, in order; the last is the whole.
        left: branches that an exhaustive search knew of and did not follow; None where there was none.
    """

    schedules: int
    searches: Mapping[tuple[str, str], int]
    traces: int
    sites: tuple[str, ...]
    pairs: int
    faults: int
    injected: tuple[tuple[str, str], ...]
    sweep: int
    swept: int
    run_twice: int
    unhandled_errors: Mapping[str, int]
    passed_over: Mapping[str, int]
    first: Mapping[str, First]
    growth: tuple[Point, ...]
    left: int | None


def runs_of_schedules(report: Report) -> tuple[tuple[SuiteRun, Explored | None], ...]:
    """Return each run of the suite on the target, and what was measured; empty when the suite was not run."""
    return tuple(
        (run, explored(run.measures.get("schedules"))) for run in report.suites if run.suite is Suite.SCHEDULES
    )


class _Measure(BaseModel):
    """The measure `schedules` of a suite, as it is stored."""

    schedules: Count
    strategies: dict[str, Count]
    traces: Count
    sites: tuple[str, ...]
    pairs: Count
    faults: Count
    injected: tuple[tuple[str, str], ...]
    sweep: Count
    swept: Count
    run_twice: Count
    unhandled_errors: dict[str, Count] = {}
    passed_over: dict[str, Count] = {}
    first: dict[str, Any] = {}
    growth: tuple[tuple[Count, Count, Count, Count], ...]
    left: Count | None = None


def explored(value: Value) -> Explored | None:
    """Return what was measured, or None when the measure is absent or malformed."""
    try:
        measure = _Measure.model_validate(value)
        growth = _growth(measure)
    except ValueError:
        return None
    return Explored(
        schedules=measure.schedules,
        searches={_search(name): count for name, count in measure.strategies.items()},
        traces=measure.traces,
        sites=measure.sites,
        pairs=measure.pairs,
        faults=measure.faults,
        injected=tuple(dict.fromkeys(measure.injected)),
        sweep=measure.sweep,
        # A sweep that has come to its end begins anew: a fault that is tried again counts once.
        swept=min(measure.swept, measure.sweep),
        run_twice=measure.run_twice,
        unhandled_errors=measure.unhandled_errors,
        passed_over=measure.passed_over,
        first={name: first for name, item in measure.first.items() if (first := first_of(item))},
        growth=growth,
        left=measure.left,
    )


def first_of(value: Value) -> First | None:
    """Return the first finding that a measure tells of, or None."""
    try:
        return _FIRST.validate_python(value)
    except ValueError:
        return None


def _search(name: str) -> tuple[str, str]:
    """Return strategy and mode of `sticky, asyncio-strict`."""
    strategy, _, mode = name.partition(", ")
    return strategy, mode


def _growth(measure: _Measure) -> tuple[Point, ...]:
    """Return the points, up to the whole; what has been seen never becomes less.

    Raises:
        ValueError: here it does.
    """
    whole = (measure.schedules, measure.traces, len(measure.sites), measure.pairs)
    points = [*measure.growth]
    if whole[0] and (not points or points[-1][0] < whole[0]):
        points.append(whole)
    start: Point = (0, 0, 0, 0)
    for before, point in pairwise((start, *points)):
        if point[0] <= before[0] or any(now < then for now, then in zip(point, before, strict=True)):
            raise ValueError("what has been seen becomes less")
    if points[-1:] not in ([whole], []):
        raise ValueError("the last point is not the whole")
    return tuple(points)
