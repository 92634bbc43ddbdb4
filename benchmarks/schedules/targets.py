"""What was asked for, held against what was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.schedules.contestants import Contestant, Searched
from benchmarks.schedules.measuring import Cell, Cells
from benchmarks.schedules.whole_app import WholeApp

STOCK = "asyncio.run"
LIKE_PEERS = "harness, random"
"""Ours where a peer is compared with: its own default is a random walk, too."""
EXPLORE = "harness, explore()"
OF_STOCK, OF_PEERS, OF_REBUILDING = 0.8, 1.3, 5.0
MOST_NEEDED = 25
SMALL = ("W1-2", "W1-5", "W2", "W3", "W4")


@dataclass(frozen=True, slots=True)
class Judged:
    """One thing that was asked for.

    Args:
        asked: what.
        measured: what came of it, in words.
        is_met: whether that is enough; None when it could not be measured.
    """

    asked: str
    measured: str
    is_met: bool | None


def judged(
    cells: Cells, contestants: Sequence[Contestant], apps: Sequence[WholeApp], swept: tuple[Searched, int]
) -> list[Judged]:
    """Return everything that was asked for, in order."""
    return [
        *(_of_stock(name, cells) for name in (LIKE_PEERS, "harness, sticky", "harness, pct", EXPLORE)),
        *(_of_peers(name, cells, contestants) for name in (LIKE_PEERS, EXPLORE)),
        *(_of_rebuilding(app) for app in apps),
        _sweep(*swept),
        _needed(cells.get((EXPLORE, "W3"), Cell())),
    ]


def best_peer(workload: str, cells: Cells, contestants: Sequence[Contestant]) -> tuple[str, float]:
    """Return the fastest exploring peer on a workload, and its rate; ("", 0) when there is none."""
    peers = [(one.name, cells[one.name, workload].rate) for one in contestants if one.is_peer]
    return max((peer for peer in peers if peer[1]), key=lambda peer: peer[1], default=("", 0.0))


def _of_stock(name: str, cells: Cells) -> Judged:
    ratios = {work: cells[name, work].rate / cells[STOCK, work].rate for work in SMALL if cells[STOCK, work].rate}
    return _judged_ratios(f"{name}: at least {OF_STOCK:g} of asyncio.run's rate", ratios, OF_STOCK)


def _of_peers(name: str, cells: Cells, contestants: Sequence[Contestant]) -> Judged:
    peers = {work: best_peer(work, cells, contestants) for work in SMALL}
    ratios = {work: cells[name, work].rate / rate for work, (_, rate) in peers.items() if rate}
    return _judged_ratios(f"{name}: at least {OF_PEERS:g} times the best exploring peer", ratios, OF_PEERS)


def _judged_ratios(asked: str, ratios: dict[str, float], least: float) -> Judged:
    if not ratios:
        return Judged(asked, "nobody to compare with on this Python", None)
    said = ", ".join(f"{work} {ratio:.2f}" for work, ratio in ratios.items())
    return Judged(asked, said, min(ratios.values()) >= least)


def _of_rebuilding(app: WholeApp) -> Judged:
    asked = f"{app.program}: built once at least {OF_REBUILDING:g} times as fast as rebuilt"
    return Judged(asked, f"{app.ratio:.2f} ({app.once_ms:.1f} and {app.each_ms:.1f} ms)", app.ratio >= OF_REBUILDING)


def _sweep(swept: Searched, places: int) -> Judged:
    found = "not found" if swept.needed is None else f"found in schedule {swept.needed}"
    said = f"{found}, of {places} places and the baseline"
    return Judged("W4 found within the sweep of cancellations", said, swept.needed is not None)


def _needed(cell: Cell) -> Judged:
    asked = f"W3 found in a median of at most {MOST_NEEDED} schedules by explore()"
    if not cell.searches:
        return Judged(asked, "not searched", None)
    needed = cell.median_needed
    said = "never" if needed is None else f"{needed:g}"
    return Judged(asked, f"{said}, over {len(cell.searches)} seeds", needed is not None and needed <= MOST_NEEDED)
