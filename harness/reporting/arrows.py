"""The arrows of a swimlane picture: where a curve runs, and where its number stands.

Rules: an arrow stops short of its cross; a number stands on its own arrow, and clear of the numbers before it
as far as the curve allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]

_BADGE = 19.0
"""The least distance of two numbers."""
_ROOM = 60.0
"""The least length of an arrow with room for its number; a shorter one has it beside the cross."""
_SHORT = 8.0
"""How far before its cross an arrow stops."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A cross at (x, y), its number at (badge_x, badge_y), and the path of the curve or `""`."""

    number: int
    path: str
    x: float
    y: float
    badge_x: float
    badge_y: float


def arrow(number: int, start: Point | None, end: Point, before: Sequence[Arrow]) -> Arrow:
    """Return the arrow from start to end; without a start apart from it, a cross and a number."""
    x, y = end
    length = 0.0 if start is None else math.dist(start, end)
    curve = None if start is None or length < 2 * _SHORT else _curve(start, end)
    if curve is None or length < _ROOM:
        spots: list[Point] = [(x + dx, y + dy) for dx, dy in ((17, 0), (-17, 0), (17, -12), (17, 12))]
    else:
        spots = [_on(curve, t) for t in (0.5, 0.38, 0.62, 0.28, 0.72, 0.2, 0.8)]
    path = "" if curve is None else _written(curve)
    badge_x, badge_y = max(spots, key=lambda spot: min(_clearance(spot, end, before), _BADGE))
    return Arrow(number, path, x, y, round(badge_x, 1), round(badge_y, 1))


def _clearance(spot: Point, end: Point, before: Sequence[Arrow]) -> float:
    taken = [(a.badge_x, a.badge_y) for a in before] + [(a.x, a.y) for a in before] + [end]
    return min(math.dist(spot, other) for other in taken)


def _curve(start: Point, end: Point) -> tuple[Point, Point, Point, Point]:
    """A cubic that leaves its lane at once and comes in slantwise, stopped short of its end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    second = (start[0] + dx * 0.08, start[1] + dy * 0.42)
    third = (start[0] + dx * 0.72, start[1] + dy * 0.72)
    length = math.dist(third, end) or 1.0
    stop = (end[0] - (end[0] - third[0]) * _SHORT / length, end[1] - (end[1] - third[1]) * _SHORT / length)
    return start, second, third, stop


def _on(curve: tuple[Point, Point, Point, Point], t: float) -> Point:
    s = 1 - t
    weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
    return (
        sum(weight * point[0] for weight, point in zip(weights, curve, strict=True)),
        sum(weight * point[1] for weight, point in zip(weights, curve, strict=True)),
    )


def _written(curve: tuple[Point, Point, Point, Point]) -> str:
    a, b, c, d = (f"{x:.1f} {y:.1f}" for x, y in curve)
    return f"M{a}C{b} {c} {d}"
