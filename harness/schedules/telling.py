"""Tells a failing schedule in words: what was done in another order than asyncio's, and where it parts from one that
passes.

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

from harness.calling import CALLING
from harness.model import Event, EventKind
from harness.schedules.await_sites import site_of
from harness.schedules.execution import Executed, Stage
from harness.schedules.loop import ScheduleLoop
from harness.schedules.scheduling import PLAIN, Mode
from harness.schedules.smallest import Smallest
from harness.schedules.strategies.recorded import Recorded

_MOST = 160
"""Characters of one quoted value."""


class _Narrator(Recorded):
    """Replays a schedule, and says who goes first where it deviates."""

    def __init__(self, executed: Executed) -> None:
        super().__init__(executed.interleaving.deviations)
        self.lines: list[str] = []
        self.loop: ScheduleLoop | None = None
        self._operations = {event.call: event.name for event in executed.events if event.kind is EventKind.INVOKE}

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
        return self._task(*found) if found is not None else f"task {actor}"

    def _task(self, task: asyncio.Task[Any], context: Context) -> str:
        calling = context.get(CALLING)
        where = f" after {site}" if (site := site_of(task)) else " at its start"
        if calling is None:
            return f"the harness ({task.get_name()}){where}"
        return f"{calling.user}'s {self._operations.get(calling.call, 'request')} (call {calling.call}){where}"


def tell(stage: Stage, story: Smallest) -> tuple[str, ...]:
    """Return the story in lines: its steps, its blows and deviations, the finding, and the nearest that passes."""
    executed = story.executed
    narrator = _Narrator(executed)

    def listen(loop: ScheduleLoop) -> None:
        narrator.loop = loop

    interleaving = executed.interleaving
    stage.perform(executed.scene, narrator, Mode(interleaving.mode), interleaving.blows, listen=listen)
    deviations = [f"deviation: {line}" for line in narrator.lines]
    return (*how(executed), *deviations, *_against_passing(story))


def how(executed: Executed) -> tuple[str, ...]:
    """Return in lines how far a schedule is from asyncio's own, and the blows that fell in it."""
    interleaving = executed.interleaving
    return (
        f"in {interleaving.mode}, {_counted(len(interleaving.deviations), 'deviation')} from asyncio's own order",
        *(f"blow: {blow}" for blow in interleaving.blows),
    )


def _against_passing(story: Smallest) -> list[str]:
    passing = story.passing
    if passing is None:
        how = story.executed.interleaving
        return [] if how.blows or how.deviations else ["it shows in asyncio's own order, without any fault"]
    less = "deviation" if story.executed.interleaving.deviations else "blow"
    lines = [f"without the last {less} it does not show"]
    for here, there in zip_longest(story.executed.events, passing.events):
        if here is None or there is None or _said(here) != _said(there):
            place = (here or there).index
            lines.append(f"first difference, event {place}: here {_said(here)}; there {_said(there)}")
            break
    return lines


def _said(event: Event | None) -> str:
    if event is None:
        return "nothing more"
    user = event.user or "the harness"
    return f"{user} {event.kind.value} {event.name} {str(event.value)[:_MOST]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
