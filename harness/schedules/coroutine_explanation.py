"""Tells in words how a schedule of a coroutine deviates from asyncio's own order.

How it works. The schedule is run once more from its recorded choices. Where it deviates, the options are asked who they
are: a task by its name and by the await it comes back from, a device by what it has done. Deviations in a row in which
one task goes on are told in one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.loop.scheduling import PLAIN
from harness.loop.strategies.recorded import Recorded
from harness.loop.wait_states import name_of_other, resumed_from
from harness.schedules.coroutine_runs import Rehearsal, Run, Watcher

MOST_NAMED = 3
"""Tasks that are named in one line; the rest are counted."""


def tell(rehearsal: Rehearsal, run: Run) -> tuple[str, ...]:
    """Return the deviations of a run in lines, and the cancellation where there is one."""
    narrator = _Narrator(run)
    again = rehearsal.run(narrator, run.schedule.mode, run.cancelled, watch=True, listen=narrator.attach)
    fallen = again.cancelled or run.cancelled
    return (*narrator.lines(), *([str(fallen)] if fallen is not None else []))


@dataclass(slots=True)
class _Deviation:
    """One choice in which somebody went first whom asyncio would not have let; or a few in a row."""

    first: int
    last: int
    chosen: str
    where: str
    until: str
    usual: list[str]

    def __str__(self) -> str:
        others = list(dict.fromkeys(self.usual))
        named = ", then ".join(others[:MOST_NAMED]) + (
            f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        )
        if self.first == self.last:
            return f"choice {self.first}: {self.chosen}{self.where} goes first; asyncio would let {named}"
        where = self.where if self.until == self.where else f"{self.where}, the last{self.until}"
        steps = self.last - self.first + 1
        return (
            f"choices {self.first} to {self.last}: {self.chosen} takes {steps} steps on end, the first{where}; "
            f"asyncio would let {named}"
        )


class _Narrator(Recorded):
    """Replays a schedule, and says who goes first where it deviates."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.schedule.deviations)
        self._choices = run.schedule.choices
        self._told: list[_Deviation] = []
        self._watcher: Watcher | None = None

    def attach(self, watcher: Watcher) -> None:
        """Ask this one how tasks are called."""
        self._watcher = watcher

    def lines(self) -> list[str]:
        """Return what was told."""
        return [str(deviation) for deviation in self._told]

    def choose(self, actors: Sequence[int]) -> int:
        """Take the recorded option, and tell it when it is not the first."""
        pick = super().choose(actors)
        if pick:
            (usual, _), (chosen, where) = self._who(actors[0]), self._who(actors[pick])
            number = self._place
            last = self._told[-1] if self._told else None
            if last is not None and (last.chosen, last.last) == (chosen, number - 1):
                last.last, last.until = number, where
                last.usual.append(usual)
            else:
                self._told.append(_Deviation(number, number, chosen, where, where, [usual]))
        return pick

    def _who(self, actor: int) -> tuple[str, str]:
        """Return who this is, and where they come from."""
        assert self._watcher is not None, "attached before the run"
        loop = self._watcher.loop
        assert loop is not None, "asked during a run"
        if actor == PLAIN:
            return "the next plain callback", ""
        job = loop.devices.job_of(actor)
        if job is not None:
            return f"the completion of {job}", ""
        found = loop.ready_task(actor)
        if found is None:
            return name_of_other(actor), ""
        return self._watcher.name_of(found[0]), resumed_from(found[0])
