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

from harness.claims.evidence import Report, Suite, SuiteRun
from harness.history.model import Value

Point = tuple[int, int, int, int]
"""Schedules run so far, and the distinct traces, await sites and adjacent pairs that they went through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The first schedule in which something was found.

    Args:
        to_first: how many schedules it took, that one included.
        strategy, mode, scene: of it.
    """

    to_first: int
    strategy: str
    mode: str
    scene: str


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


def explored(value: Value) -> Explored | None:
    """Return what was measured, or None when the measure is absent or malformed."""
    if not isinstance(value, Mapping):
        return None
    try:
        return _explored(value)
    except _MalformedError:
        return None


def first_of(value: Value) -> First | None:
    """Return the first finding that a measure tells of, or None."""
    match value:
        case {"to_first": int(to_first), "strategy": str(strategy), "mode": str(mode), "scene": str(scene)} if (
            to_first > 0 and not isinstance(to_first, bool)
        ):
            return First(to_first=to_first, strategy=strategy, mode=mode, scene=scene)
        case _:
            return None


class _MalformedError(Exception):
    """The measure has another form."""


def _explored(value: Mapping[str, Value]) -> Explored:
    sites = _texts(value.get("sites"))
    whole = (_count(value.get("schedules")), _count(value.get("traces")), len(sites), _count(value.get("pairs")))
    return Explored(
        schedules=whole[0],
        searches={_search(name): count for name, count in _counts(value.get("strategies")).items()},
        traces=whole[1],
        sites=sites,
        pairs=whole[3],
        faults=_count(value.get("faults")),
        injected=_injected(value.get("injected")),
        sweep=_count(value.get("sweep")),
        # A sweep that has come to its end begins anew: a fault that is tried again counts once.
        swept=min(_count(value.get("swept")), _count(value.get("sweep"))),
        run_twice=_count(value.get("run_twice")),
        unhandled_errors=_counts(value.get("unhandled_errors", {})),
        passed_over=_counts(value.get("passed_over", {})),
        first={name: first for name, item in _mapping(value.get("first", {})).items() if (first := first_of(item))},
        growth=_growth(value.get("growth"), whole),
        left=None if value.get("left") is None else _count(value["left"]),
    )


def _search(name: str) -> tuple[str, str]:
    """Return strategy and mode of `sticky, asyncio-strict`."""
    strategy, _, mode = name.partition(", ")
    return strategy, mode


def _growth(value: Value, whole: Point) -> tuple[Point, ...]:
    """Return the points, up to the whole; what has been seen never becomes less."""
    points = [_point(row) for row in _sequence(value)]
    if whole[0] and (not points or points[-1][0] < whole[0]):
        points.append(whole)
    start: Point = (0, 0, 0, 0)
    for before, point in pairwise((start, *points)):
        if point[0] <= before[0] or any(now < then for now, then in zip(point, before, strict=True)):
            raise _MalformedError
    if points[-1:] not in ([whole], []):
        raise _MalformedError
    return tuple(points)


def _point(value: Value) -> Point:
    match [_count(item) for item in _sequence(value)]:
        case [schedules, traces, sites, pairs]:
            return schedules, traces, sites, pairs
        case _:
            raise _MalformedError


def _injected(value: Value) -> tuple[tuple[str, str], ...]:
    pairs = [_texts(row) for row in _sequence(value)]
    if any(len(pair) != 2 for pair in pairs):
        raise _MalformedError
    return tuple(dict.fromkeys((pair[0], pair[1]) for pair in pairs))


def _count(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _MalformedError
    return value


def _sequence(value: Value) -> list[Value]:
    if not isinstance(value, list | tuple):
        raise _MalformedError
    return list(value)


def _texts(value: Value) -> tuple[str, ...]:
    texts = _sequence(value)
    if not all(isinstance(text, str) for text in texts):
        raise _MalformedError
    return tuple(texts)


def _mapping(value: Value) -> Mapping[str, Value]:
    if not isinstance(value, Mapping):
        raise _MalformedError
    return value


def _counts(value: Value) -> Mapping[str, int]:
    return {str(name): _count(count) for name, count in _mapping(value).items()}
