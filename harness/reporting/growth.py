"""How much new each further stretch of schedules brought: three small line charts, and their numbers as a table.

Rules:

- Drawn is what was new, for each 100 schedules, because stretches differ in length; the table has the counts.
- The vertical axis begins at 0. At most MOST_STRETCHES stretches, neighbours being joined where there are more.
- Fewer than two stretches have no course, and no chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.reporting.explored import Explored, Point
from harness.reporting.swimlanes import Mark
from harness.reporting.ticks import round_step
from harness.reporting.wording import listed, plural

MOST_STRETCHES = 20
PER = 100
"""Schedules that the charts count by."""
SEEN = ("trace", "await site", "adjacent pair")

WIDTH, HEIGHT = 340.0, 176.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 26.0, 12.0, 40.0
_MOST_TICKS_ACROSS, _MOST_TICKS_UP = 4, 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many schedules, and what they brought that had not been seen before: traces, await sites, adjacent pairs."""

    first: int
    last: int
    new: tuple[int, int, int]

    @property
    def rates(self) -> tuple[float, ...]:
        """What was new, for each 100 schedules."""
        return tuple(count * PER / (self.last - self.first + 1) for count in self.new)


@dataclass(frozen=True, slots=True)
class Course:
    """The geometry of one chart: a line through points, within axes that begin at 0."""

    title: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    points: tuple[tuple[float, float], ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    description: str


def stretches(explored: Explored) -> tuple[Stretch, ...]:
    """Return what each stretch of schedules brought, in order."""
    found, points = [], _thinned(explored.growth)
    for before, point in pairwise(((0, 0, 0, 0), *points)):
        new = (point[1] - before[1], point[2] - before[2], point[3] - before[3])
        found.append(Stretch(before[0] + 1, point[0], new))
    return tuple(found)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """At most MOST_STRETCHES of them, the last among them."""
    every = -(-len(points) // MOST_STRETCHES) or 1
    return [*reversed(points[::-1][::every])]


def last_stretch(explored: Explored) -> str:
    """Return what the end of the exploration brought, in a sentence, or `""` when there is nothing to compare with."""
    every = stretches(explored)
    if len(every) < 2:
        return ""
    last = every[-1]
    brought = listed(plural(count, f"new {name}") for count, name in zip(last.new, SEEN, strict=True))
    schedules = plural(last.last - last.first + 1, "schedule")
    end = (
        "so there was more to be seen when it ended"
        if any(last.new)
        else "which does not mean that nothing is left to be seen"
    )
    return f"The last {schedules} brought {brought}, {end}."


def courses(explored: Explored) -> tuple[Course, ...]:
    """Return a chart each for traces, await sites and adjacent pairs; none without a course to show."""
    every = stretches(explored)
    if len(every) < 2:
        return ()
    return tuple(_course(name, every, which) for which, name in enumerate(SEEN))


def _course(name: str, every: Sequence[Stretch], which: int) -> Course:
    rates = [stretch.rates[which] for stretch in every]
    step_up, step_across = round_step(max(rates) / _MOST_TICKS_UP), round_step(every[-1].last / _MOST_TICKS_ACROSS)
    top = max(step_up * -(-max(rates) // step_up), 1.0)
    across, up = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(schedules: float) -> float:
        return round(_LEFT + across * schedules / every[-1].last, 1)

    def y(rate: float) -> float:
        return round(_TOP + up * (1 - rate / top), 1)

    return Course(
        title=f"New {name}s in each {PER} schedules",
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=HEIGHT - _BOTTOM,
        points=tuple((x(stretch.last), y(rate)) for stretch, rate in zip(every, rates, strict=True)),
        across=tuple(Mark(x(value), f"{value:,}") for value in range(0, every[-1].last + 1, step_across)),
        up=tuple(Mark(y(value), f"{value:,}") for value in range(0, int(top) + 1, step_up)),
        description=f"{rates[0]:,.0f} at first, {rates[-1]:.3g} at the end; the table has the numbers.",
    )
