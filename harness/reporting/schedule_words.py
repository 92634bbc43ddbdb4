"""What may be said of the schedules that were run, and of those that were not.

Rules:

- A sample is called a sample: that nothing new came up lately does not mean that nothing is left.
- What was not explored is said beside what was, for every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.claims.evidence import Report, SuiteRun
from harness.reporting.explored import Explored, runs_of_schedules
from harness.reporting.wording import listed, plural

NOT_RUN = (
    "The schedules suite was not run: nothing was examined under chosen orders of steps, "
    "nor with faults at chosen awaits."
)
NOT_MEASURED = "UNKNOWN: what the schedules went through was not measured."

STRATEGIES: Mapping[str, str] = {
    "fifo": "asyncio's own order, without a fault",
    "sweep": "one fault at one await, in asyncio's own order",
    "sticky": "stays with one task most of the time",
    "random": "picks any task or completion each time",
    "pct": "random priorities that change a few times",
    "exhaustive": "each order with few deviations from asyncio's own, depth first",
}
"""What each strategy does; any other is named without explanation."""

FAULTS: Mapping[str, str] = {
    "cancel": "the request is cancelled",
    "disconnect": "the user's connection is dropped",
    "stop": "the user's newest run is stopped",
    "fail": "the database call that is awaited fails",
    "slow": "the database call, or job in a thread, that is awaited takes seconds",
}
"""What each fault does; any other is named without explanation."""


@dataclass(frozen=True, slots=True)
class Searches:
    """How many schedules each strategy made in each mode: a row per strategy, a column per mode."""

    modes: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[int, ...]], ...]
    totals: tuple[int, ...]


def searches(explored: Explored) -> Searches:
    """Return the table: (strategy, what it does, counts by mode and in all)."""
    modes = tuple(dict.fromkeys(mode for _, mode in explored.searches))
    names = dict.fromkeys(strategy for strategy, _ in explored.searches)
    rows = tuple((name, STRATEGIES.get(name, ""), _with_sum(explored, modes, (name,))) for name in names)
    return Searches(modes, rows, _with_sum(explored, modes, tuple(names)))


def _with_sum(explored: Explored, modes: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    counts = [sum(explored.searches.get((name, mode), 0) for name in names) for mode in modes]
    return (*counts, sum(counts))


def figures(explored: Explored) -> tuple[tuple[str, str], ...]:
    """Return the numbers that say how much was explored, as (value, label)."""
    sweep = f"{explored.swept:,} of {explored.sweep:,}" if explored.sweep else "none"
    return (
        (f"{explored.schedules:,}", "schedules"),
        (f"{explored.traces:,}", "distinct traces"),
        (f"{len(explored.sites):,}", "await sites"),
        (f"{explored.pairs:,}", "adjacent pairs"),
        (sweep, "faults of the sweep"),
        (f"{explored.run_twice:,}", "schedules run twice"),
    )


def in_short(explored: Explored) -> str:
    """Return how much was explored, in a sentence."""
    modes = listed(searches(explored).modes)
    return (
        f"{plural(explored.schedules, 'schedule')}{f' in {modes}' if modes else ''}, "
        f"{explored.traces:,} of them distinct; {plural(len(explored.sites), 'await site')}, "
        f"{plural(explored.pairs, 'adjacent pair')} of two users; {_swept(explored)}."
    )


def _swept(explored: Explored) -> str:
    return f"{explored.swept:,} of {plural(explored.sweep, 'fault')} of the sweep" if explored.sweep else "no sweep"


def state(report: Report) -> str:
    """Return what is known of the suite, in a sentence: for formats that have room for one."""
    runs = runs_of_schedules(report)
    known = [in_short(explored) for _, explored in runs if explored is not None]
    return " ".join(known) if known else NOT_MEASURED if runs else NOT_RUN


def injected(explored: Explored) -> str:
    """Return how many faults were injected, in the sweep and outside, in a sentence."""
    tried = f"Tried: {_swept(explored)}."
    if not explored.faults:
        return f"{tried} No fault was injected."
    injected = f"{plural(explored.faults, 'fault')} were injected, random searches included"
    return f"{tried} In all {injected}, at {plural(len(explored.injected), 'combination')} of fault and line."


def control(run: SuiteRun, explored: Explored) -> str:
    """Return what was done to show that a schedule decides everything, in a sentence."""
    if not explored.run_twice:
        return "No schedule was run twice, so nothing shows that a schedule decides everything."
    twice = plural(explored.run_twice, "schedule was run twice", "schedules were run twice")
    if run.doubt:
        return f"{twice} to check determinism. The suite has a doubt: {run.doubt}."
    return f"{twice} to check determinism, and none differed from its first run."


def passed_over(explored: Explored) -> str:
    """Return which checkers could not judge how many runs, in a sentence, or `""`."""
    if not any(explored.passed_over.values()):
        return ""
    runs = listed(f"{name} ({count:,})" for name, count in explored.passed_over.items() if count)
    return f"Runs that say nothing to a checker, because a fault broke what it looks at: {runs}."


def unhandled_errors(explored: Explored) -> tuple[str, ...]:
    """Return the errors that nobody handled, and how often there was each, in sentences."""
    return tuple(
        f"Unhandled background error, {plural(count, 'time')}: {error}."
        for error, count in explored.unhandled_errors.items()
    )


def first_findings(explored: Explored) -> tuple[str, ...]:
    """Return, for each checker that found something, how many schedules that took, in a sentence."""
    return tuple(
        f"{name}: first found in schedule {first.to_first:,}, by {first.strategy} in {first.mode}, "
        f"in the scene {first.scene}."
        for name, first in sorted(explored.first.items(), key=lambda item: (item[1].to_first, item[0]))
    )


def not_explored(explored: Explored) -> tuple[str, ...]:
    """Return what was left out, in sentences."""
    return tuple(
        text
        for text in (
            _unswept(explored),
            ""
            if explored.left is None
            else f"The exhaustive search did not follow {plural(explored.left, 'branch', 'branches')} that it knew of.",
            "The schedules are a sample: how many orders these programs have in all is not known, and those that were "
            "not drawn were not tried; nor were other programs, inputs, users or faults.",
        )
        if text
    )


def _unswept(explored: Explored) -> str:
    missing, whole = explored.sweep - explored.swept, plural(explored.sweep, "fault")
    if not explored.sweep:
        return "Faults were not tried at each await in turn."
    if not missing:
        return "Every fault of the sweep was tried, but in asyncio's own order only."
    if not explored.swept:
        return f"None of the {whole} of the sweep was tried."
    were = "was" if missing == 1 else "were"
    return f"{missing:,} of the {whole} of the sweep {were} not tried, and the others in asyncio's own order only."
