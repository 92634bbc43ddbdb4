"""Explains a failing schedule: what was done in another order than asyncio's, and where it parts from one that passes.

How it works. The schedule is run once more from its recorded choices. Where it deviates, the options are asked who they
are: a task by its name and by the await it comes back from, a device by what it has done. Deviations in a row in which
one task goes on are one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.history.calling import CALLING
from harness.loop.scheduling import PLAIN, Mode, Schedule
from harness.loop.strategies.recorded import Recorded
from harness.loop.wait_states import name_of_other, resumed_from
from harness.schedules.execution import Execution, Subject, Watcher

MOST_NAMED = 3
"""Tasks that are named in one line; the rest are counted."""


def deviations(subject: Subject, execution: Execution) -> tuple[str, ...]:
    """Run a schedule once more, and return its deviations in lines."""
    narrator = _Narrator(execution)
    subject.run(narrator, execution.schedule.mode, execution.fault_points, watch=False, listen=narrator.attach)
    return narrator.lines()


def distance(schedule: Schedule) -> str:
    """Return in words how far a schedule is from asyncio's own."""
    return f"in {schedule.mode.value}, {counted(len(schedule.deviations), 'deviation')} from asyncio's own order"


def left_out(failing: Schedule, passing: Schedule) -> int | None:
    """Return the choice at which a passing schedule lacks a deviation of the failing one; None where it lacks none."""
    return max(set(failing.deviations) - set(passing.deviations), default=None)


def counted(number: int, what: str) -> str:
    """Return `1 run`, `2 runs`, `2 branches`."""
    plural = f"{what}es" if what.endswith("ch") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


@dataclass(slots=True)
class _Deviation:
    """One choice in which somebody went first whom asyncio would not have let; or a few in a row."""

    first: int
    last: int
    chosen: str
    where: str
    until: str
    usual: list[str]
    usual_where: str

    def __str__(self) -> str:
        others = list(dict.fromkeys(self.usual))
        named = ", then ".join(others[:MOST_NAMED]) + (
            f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        )
        if self.first == self.last:
            usual = f"{named}{self.usual_where}"
            return f"choice {self.first}: {self.chosen}{self.where} goes first; asyncio would let {usual}"
        where = self.where if self.until == self.where else f"{self.where}, the last{self.until}"
        steps = self.last - self.first + 1
        return (
            f"choices {self.first} to {self.last}: {self.chosen} takes {steps} steps on end, the first{where}; "
            f"asyncio would let {named}"
        )


class _Narrator(Recorded):
    """Replays a schedule, and says who goes first where it deviates."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution.schedule.deviations)
        self._execution = execution
        self._noted: list[_Deviation] = []
        self._watcher: Watcher | None = None

    def attach(self, watcher: Watcher) -> None:
        """Ask this one whose the loop's tasks are."""
        self._watcher = watcher

    def lines(self) -> tuple[str, ...]:
        """Return the deviations in words."""
        return tuple(map(str, self._noted))

    def choose(self, actors: Sequence[int]) -> int:
        """Take the recorded option, and note it when it is not the first."""
        pick = super().choose(actors)
        if pick:
            (usual, usual_where), (chosen, where) = self._who(actors[0]), self._who(actors[pick])
            number = self._place
            last = self._noted[-1] if self._noted else None
            if last is not None and (last.chosen, last.last) == (chosen, number - 1):
                last.last, last.until = number, where
                last.usual.append(usual)
            else:
                self._noted.append(_Deviation(number, number, chosen, where, where, [usual], usual_where))
        return pick

    def _who(self, actor: int) -> tuple[str, str]:
        """Return who this is, and where they come from."""
        assert self._watcher is not None, "attached before the run"
        loop = self._watcher.loop
        assert loop is not None, "asked during a run"
        if actor == PLAIN:
            strict = self._execution.schedule.mode is Mode.STRICT
            return "what is ready go on" if strict else "the next plain callback", ""
        job = loop.devices.job_of(actor)
        if job is not None:
            calling = job.context.get(CALLING)
            return f"the completion of {job}" + (f" for {calling.user}" if calling is not None else ""), ""
        found = loop.ready_task(actor)
        if found is None:
            return name_of_other(actor), ""
        name = self._watcher.name_of(*found)
        return self._execution.names.get(name, name), resumed_from(found[0])
