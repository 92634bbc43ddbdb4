"""Who received whose events, as a picture: a row per owner, a column per observer.

Rules: at most MOST_USERS users, those with crossed deliveries first; the sentence beside the picture counts
all. Only cells with a count are drawn, so that the picture stays small.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.reporting.before_after import Deliveries
from harness.reporting.wording import natural

MOST_USERS = 12

_LEFT, _TOP, _SIDE = 74.0, 44.0, 400.0
_LARGEST_CELL = 50.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A count in the middle of its cell; crossed when the observer is not the owner."""

    x: float
    y: float
    text: str
    size: float
    crossed: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """A user's name at (column, top) and (left, row)."""

    column: float
    row: float
    text: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The geometry of the picture: a square of `side` at (left, top), cut by lines."""

    width: float
    height: float
    left: float
    top: float
    side: float
    cell: float
    headings: tuple[Heading, ...]
    lines: tuple[tuple[float, float], ...]
    cells: tuple[Cell, ...]
    note: str


def matrix(deliveries: Deliveries) -> Matrix | None:
    """Return the picture, or None when nothing was delivered or measured."""
    counts = deliveries.counts or {}
    if not deliveries.total:
        return None
    users = sorted({user for pair, count in counts.items() if count for user in pair}, key=natural)
    kept = _kept(deliveries, users)
    cell = min(_LARGEST_CELL, round(_SIDE / len(kept), 1))
    side = round(cell * len(kept), 1)
    middle = {user: (at + 0.5) * cell for at, user in enumerate(kept)}
    cut = f"{len(kept)} of {len(users)} users are in the picture; the sentence counts all."
    return Matrix(
        width=_LEFT + side + 2,
        height=_TOP + side + 2,
        left=_LEFT,
        top=_TOP,
        side=side,
        cell=cell,
        headings=tuple(Heading(round(_LEFT + at, 1), round(_TOP + at, 1), user) for user, at in middle.items()),
        lines=tuple((round(_LEFT + at * cell, 1), round(_TOP + at * cell, 1)) for at in range(1, len(kept))),
        cells=tuple(
            _cell(_LEFT + middle[observer], _TOP + middle[owner], count, cell, crossed=owner != observer)
            for owner in kept
            for observer in kept
            if (count := counts.get((owner, observer), 0))
        ),
        note=cut if len(kept) < len(users) else "",
    )


def _cell(x: float, y: float, count: int, cell: float, *, crossed: bool) -> Cell:
    text = _short(count)
    return Cell(round(x, 1), round(y, 1), text, _size(text, cell), crossed)


def _kept(deliveries: Deliveries, users: list[str]) -> list[str]:
    crossed: Counter[str] = Counter()
    for (owner, observer), count in (deliveries.counts or {}).items():
        if owner != observer:
            crossed[owner] += count
            crossed[observer] += count
    ranked = sorted(users, key=lambda user: -crossed[user])
    return sorted(ranked[:MOST_USERS], key=natural)


def _short(count: int) -> str:
    return f"{count:,}" if count < 100_000 else f"{count // 1000:,}k"


def _size(text: str, cell: float) -> float:
    """A size of type at which the text fits its cell."""
    return round(min(13.0, cell * 0.42, (cell - 4) * 1.65 / len(text)), 1)
