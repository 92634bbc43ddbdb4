"""Explains the smallest story of a scene in lines.

How far it is from asyncio's own order, faults, deviations, and where it parts from the nearest in which nothing shows.
"""

from __future__ import annotations

from itertools import zip_longest

from harness.history.model import Event
from harness.schedules.execution import Subject
from harness.schedules.explanation import deviations, distance, left_out
from harness.schedules.scenario_runner import ScenarioExecution
from harness.schedules.shrinking import Shrunk

_MOST = 160
"""Characters of one quoted value."""


def explain(subject: Subject, story: Shrunk) -> tuple[str, ...]:
    """Return a story in lines."""
    execution, passing = story.execution, story.passing
    lines = [*opening(execution), *(f"deviation: {line}" for line in deviations(subject, execution))]
    if execution.schedule.deviations or execution.fault_points:
        if passing is not None:
            place = left_out(execution.schedule, passing.schedule)
            less = "the last fault" if place is None else f"the deviation at choice {place}"
            lines.append(f"without {less} it does not show")
    else:
        lines.append("it shows in asyncio's own order, without any fault")
        if passing is not None:
            lines.append(f"it does not show {distance(passing.schedule)}")
            lines += [f"there, {line}" for line in deviations(subject, passing)]
    return (*lines, *(_first_difference(execution, passing) if passing is not None else ()))


def opening(execution: ScenarioExecution) -> tuple[str, ...]:
    """Return in lines how far a schedule is from asyncio's own, and its faults."""
    return distance(execution.schedule), *(f"fault: {point}" for point in execution.fault_points)


def _first_difference(failing: ScenarioExecution, passing: ScenarioExecution) -> list[str]:
    for here, there in zip_longest(failing.events, passing.events):
        if here is None or there is None or _in_words(here) != _in_words(there):
            place = (here or there).index
            return [f"first difference, event {place}: here {_in_words(here)}; there {_in_words(there)}"]
    return []


def _in_words(event: Event | None) -> str:
    if event is None:
        return "nothing more"
    user = event.user or "the harness"
    return f"{user} {event.kind.value} {event.name} {str(event.value)[:_MOST]}"
