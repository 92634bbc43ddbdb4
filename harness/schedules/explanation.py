"""Tells a failing schedule in words: what was done in another order than asyncio's, and where it parts from one that
passes.

Rules:

- Where the story has deviations or faults, they are told, and what happens without the last of them; where it has none,
  the deviations of the nearest schedule that passes are.

How it works. The story is performed once more from its recorded choices. Where it deviates, the options are asked who
they are: a task is named by the user and the operation it works for, and by the await it comes back from; a device by
the call that it has done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context
from itertools import zip_longest
from typing import Any

from harness.history.calling import CALLING
from harness.history.model import Event, EventKind
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import PLAIN, Mode
from harness.loop.strategies.recorded import Recorded
from harness.loop.wait_states import name_of, name_of_other, resumed_from
from harness.performing.runner import task_name
from harness.schedules.scenario_runner import Execution, ScenarioRunner
from harness.schedules.shrinking import Smallest

_MOST = 160
"""Characters of one quoted value."""


class _Narrator(Recorded):
    """Replays a schedule, and says who goes first where it deviates."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution.interleaving.deviations)
        self.lines: list[str] = []
        self.loop: ScheduleLoop | None = None
        asked = [event for event in execution.events if event.kind is EventKind.INVOKE]
        self._calls = {
            event.call: f"{event.user}'s {event.name} (call {event.call})" for event in asked if event.call is not None
        }

    def choose(self, actors: Sequence[int]) -> int:
        """Take the recorded option, and tell it when it is not the first."""
        pick = super().choose(actors)
        if pick:
            usual, chosen = self._who(actors[0]), self._who(actors[pick])
            self.lines.append(f"choice {self._place}: {chosen} goes first; asyncio would let {usual}")
        return pick

    def _who(self, actor: int) -> str:
        if actor == PLAIN:
            return "what is ready go on"
        assert self.loop is not None, "asked during a run"
        job = self.loop.devices.job_of(actor)
        if job is not None:
            calling = job.context.get(CALLING)
            return f"the completion of {job}" + (f" for {calling.user}" if calling is not None else "")
        found = self.loop.ready_task(actor)
        return self._task(*found) if found is not None else name_of_other(actor)

    def _task(self, task: asyncio.Task[Any], context: Context) -> str:
        calling = context.get(CALLING)
        if calling is not None:
            who = self._calls.get(calling.call, f"{calling.user}'s request (call {calling.call})")
        else:  # nobody's, or a call that has not begun
            who = next((told for call, told in self._calls.items() if task.get_name() == task_name(call)), "")
        return f"{who or f'the harness ({name_of(task)})'}{resumed_from(task)}"


def tell(runner: ScenarioRunner, story: Smallest) -> tuple[str, ...]:
    """Return the story in lines: its steps, its faults and deviations, the finding, and the nearest that passes."""
    deviations = [f"deviation: {line}" for line in _deviations(runner, story.execution)]
    lines = [*how(story.execution), *deviations]
    passing, interleaving = story.passing, story.execution.interleaving
    if interleaving.deviations or interleaving.fault_points:
        less = "deviation" if interleaving.deviations else "fault"
        lines += [f"without the last {less} it does not show"] if passing is not None else []
    else:
        lines.append("it shows in asyncio's own order, without any fault")
        if passing is not None:
            there = [f"there, {line}" for line in _deviations(runner, passing)]
            lines += [f"it does not show {how(passing)[0]}", *there]
    return (*lines, *(_first_difference(story.execution, passing) if passing is not None else ()))


def _deviations(runner: ScenarioRunner, execution: Execution) -> list[str]:
    """Perform it once more; return in words where it deviates."""
    narrator = _Narrator(execution)

    def listen(loop: ScheduleLoop) -> None:
        narrator.loop = loop

    interleaving = execution.interleaving
    runner.perform(execution.scene, narrator, Mode(interleaving.mode), interleaving.fault_points, listen=listen)
    return narrator.lines


def how(execution: Execution) -> tuple[str, ...]:
    """Return in lines how far a schedule is from asyncio's own, and its faults."""
    interleaving = execution.interleaving
    return (
        f"in {interleaving.mode}, {_counted(len(interleaving.deviations), 'deviation')} from asyncio's own order",
        *(f"fault: {point}" for point in interleaving.fault_points),
    )


def _first_difference(failing: Execution, passing: Execution) -> list[str]:
    for here, there in zip_longest(failing.events, passing.events):
        if here is None or there is None or _said(here) != _said(there):
            place = (here or there).index
            return [f"first difference, event {place}: here {_said(here)}; there {_said(there)}"]
    return []


def _said(event: Event | None) -> str:
    if event is None:
        return "nothing more"
    user = event.user or "the harness"
    return f"{user} {event.kind.value} {event.name} {str(event.value)[:_MOST]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
