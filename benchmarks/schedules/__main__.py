"""How fast schedules are explored, and how soon something is found: the harness beside asyncio and its peers.

    python -m benchmarks.schedules [--seeds N] [--rounds N] [--json FILE]

Everything is measured in one process; only ratios within one run mean anything. The peers are not dependencies of the
project: see README.md for the environment in which they are compared.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.schedules import apps, whole_app
from benchmarks.schedules.contestants import CONTESTANTS, Searched, sweep
from benchmarks.schedules.measuring import Cell, Cells, measure_rates, measure_searches
from benchmarks.schedules.targets import Judged, judged
from benchmarks.schedules.whole_app import WholeApp
from benchmarks.schedules.workloads import WORKLOADS, Workload

WIDTH = 150
"""Of the tables, in characters."""
TELLING = ("W3", "W4")
"""The small workloads that tell searches apart: the others go wrong in asyncio's own order, too."""


def rates(cells: Cells, workloads: Sequence[Workload]) -> Table:
    """Return the table of schedules per CPU-second."""
    names = [workload.name for workload in workloads]
    table = Table("", *names, title="schedules per CPU-second, best round")
    for contestant in CONTESTANTS:
        row = [_rate(cells.get((contestant.name, name), Cell())) for name in names]
        table.add_row(contestant.name, *row)
    return table


def searches(cells: Cells, workloads: Sequence[Workload], most: int) -> Table:
    """Return the table of schedules to the first that went wrong."""
    names = [workload.name for workload in workloads]
    title = f"schedules to the first that went wrong: median (searches that found one), at most {most:,}"
    table = Table("", *names, title=title)
    for contestant in CONTESTANTS:
        row = [_search(cells.get((contestant.name, name), Cell())) for name in names]
        table.add_row(contestant.name, *row)
    return table


def whole(measured: Sequence[WholeApp]) -> Table:
    """Return the table of what building once saves."""
    table = Table("application", "steps", whole_app.ONCE, whole_app.EACH, "times", title="CPU ms per schedule")
    for app in measured:
        table.add_row(app.program, f"{app.steps}", f"{app.once_ms:.1f}", f"{app.each_ms:.1f}", f"{app.ratio:.2f}")
    return table


def verdicts(items: Sequence[Judged]) -> Table:
    """Return the table of what was asked for."""
    table = Table("asked for", "measured", "", title="what was asked for")
    for item in items:
        table.add_row(item.asked, item.measured, {True: "met", False: "MISSED", None: "not measured"}[item.is_met])
    return table


def passed_over(cells: Cells) -> Table | None:
    """Return the table of who could not take part where, and why; None when everybody could."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for (contestant, workload), cell in cells.items():
        if cell.missing:
            reasons.setdefault((contestant, cell.missing), []).append(workload)
    if not reasons:
        return None
    table = Table("", "on", "why", title="passed over")
    for (contestant, why), names in reasons.items():
        table.add_row(contestant, ", ".join(names), why)
    return table


def _rate(cell: Cell) -> str:
    return f"{cell.rate:,.0f}" if cell.rates else "-"


def _search(cell: Cell) -> str:
    if not cell.searches:
        return "-"
    needed = cell.median_needed
    return f"{'more' if needed is None else f'{needed:,.0f}'} ({cell.found} of {len(cell.searches)})"


def _record(cells: Cells, measured: Sequence[WholeApp], items: Sequence[Judged], swept: tuple[Searched, int]) -> str:
    record = {
        "python": platform.python_version(),
        "cells": [{"contestant": one, "workload": on, **asdict(cell)} for (one, on), cell in cells.items()],
        "whole_app": [asdict(app) for app in measured],
        "sweep": {"needed": swept[0].needed, "schedules": swept[0].schedules, "places": swept[1]},
        "judged": [asdict(item) for item in items],
    }
    return json.dumps(record, indent=1) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedules", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="searches of each contestant on each workload")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant on each workload")
    parser.add_argument("--most", type=int, default=3_000, help="schedules of one search")
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds for the searches of one cell")
    parser.add_argument("--json", type=Path, help="also write everything that was measured to this file")
    return parser.parse_args()


def main() -> None:
    """Measure, and print one table per question."""
    given = _arguments()
    console = Console(width=WIDTH)
    cells: Cells = {}
    with apps.built() as built:
        workloads = [*WORKLOADS, *built]
        measure_rates(CONTESTANTS, workloads, given.rounds, cells)
        console.print(rates(cells, workloads))
        telling = [workload for workload in workloads if workload.name in TELLING or workload in built]
        measure_searches(CONTESTANTS, telling, given.seeds, given.most, given.limit, cells)
        console.print(searches(cells, telling, given.most))
    measured = whole_app.measure(given.rounds)
    console.print(whole(measured))
    swept = sweep(next(workload for workload in WORKLOADS if workload.name == "W4"))
    items = judged(cells, CONTESTANTS, measured, swept)
    if (missing := passed_over(cells)) is not None:
        console.print(missing)
    console.print(verdicts(items))
    if given.json is not None:
        given.json.write_text(_record(cells, measured, items, swept))


if __name__ == "__main__":
    main()
