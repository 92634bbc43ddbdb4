"""Makes a failing program smaller, as long as its checker finds the same anomaly in it: the one shrinker of programs.

How it works. First whatever takes long goes, if it shows without, and everybody who is neither owner nor observer: that
much is tried also when there is no time. Then
groups of steps are left out, in ever smaller numbers, the last ones first; then single steps, until none can be spared;
then whatever is unusual in how a request travels. Any part of a program is one: a step whose object is never made is
passed over.

A smaller program is taken when it shows the anomaly in `needed` of `tries` performances: where the order is asyncio's
own all of them must, so that what is left is not a race that was lucky once; over a network one is enough, as nobody
decides the order there. Each performance has marks of its own where the target goes on between two of them, so that
what an earlier one left behind does not count.

Source: delta debugging, Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (here without
the complements, which rarely help in programs of independent users).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from harness.claims.run_folder import Witness
from harness.judging.verdict import Finding
from harness.performing.performance import Failure
from harness.scenario.program import TOGETHER, USUAL, Do, Program, Step, groups_of

LONG_S = 5.0
"""What is done longer than this after its group began is left out first."""
Perform = Callable[[Program], Awaitable[Failure]]
"""Performs a program, on a target opened for it or on one that goes on, and has the checker judge it."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest that was found.

    Args:
        failure: the last performance in which it showed.
        finding: what was found there.
        shown: in how many of how many performances of it, at the end, it showed; (0, 0) when there were none.
    """

    failure: Failure
    finding: Finding
    shown: tuple[int, int] = (0, 0)


def witness_of(
    smallest: Smallest, checker: str, target: str, *, earlier: tuple[str, ...] = (), url: str = ""
) -> Witness:
    """Return the smallest as a witness that can be replayed.

    Args:
        smallest: what was found.
        checker: by whom.
        target, url: as given.
        earlier: requests of earlier performances that it shows, in lines.
    """
    failure = smallest.failure
    return Witness(
        checker=checker,
        finding=smallest.finding,
        target=target,
        header=failure.header,
        program=failure.program,
        history=failure.events,
        earlier=earlier,
        url=url,
        shown=smallest.shown,
    )


def as_found(failure: Failure, checker: str) -> Smallest:
    """Return what a checker found as it was found: for when there was no time to make it smaller."""
    return Smallest(failure, failure.verdicts[checker].findings[0])


async def reduce(
    failure: Failure, checker: str, perform: Perform, seconds: float, *, needed: int, tries: int, attempts: int = 0
) -> Smallest:
    """Return a smaller program that shows what a checker found, or the same.

    Args:
        failure: what was found.
        checker: by whom; the anomaly is that of its first finding.
        perform: performs a program with this checker.
        seconds: the most to spend, the counting at the end left out.
        needed, tries: in how many of how many performances a smaller program must show it.
        attempts: how often the smallest is performed at the end.

    Raises:
        Unreachable: the target went away.
    """
    work = _Work(failure, checker, perform, monotonic() + seconds, needed, tries)
    await work.reduce()
    shown = 0
    for _ in range(attempts):
        shown += await work.shows(work.best.program, needed=1, tries=1)
    return Smallest(work.best, work.finding, (shown, attempts))


class _Work:
    def __init__(self, failure: Failure, checker: str, perform: Perform, until: float, needed: int, tries: int) -> None:
        self.best = failure
        self.finding = failure.verdicts[checker].findings[0]
        self._checker = checker
        self._perform = perform
        self._until = until
        self._needed, self._tries = needed, tries

    async def reduce(self) -> None:
        """Make the program smaller for as long as there is time."""
        await self._try([step for step in self.best.program.steps if step.how.at_s <= LONG_S], in_any_case=True)
        involved = {self.finding.owner, self.finding.observer} - {""}
        if involved:
            await self._try(_of_users(self.best.program, involved), in_any_case=True)
        await self._leave_out(groups_of)
        while await self._leave_out(_one_by_one):
            pass
        for place, step in enumerate(self.best.program.steps):
            if step.how != USUAL:
                steps = list(self.best.program.steps)
                steps[place] = replace(step, how=USUAL)
                await self._try(steps)

    async def shows(self, program: Program, needed: int, tries: int) -> bool:
        """Return whether a program shows the anomaly so often; if so it is the best from now on."""
        seen: list[tuple[Failure, Finding]] = []
        for attempt in range(tries):
            if len(seen) + tries - attempt < needed:
                return False
            failure = await self._perform(program)
            findings = failure.verdicts[self._checker].findings
            seen += [(failure, found) for found in findings if found.anomaly == self.finding.anomaly][:1]
            if len(seen) >= needed:
                self.best, self.finding = seen[-1]
                return True
        return False

    async def _try(self, steps: Sequence[Step], in_any_case: bool = False) -> bool:
        """Take these steps instead, if they are fewer or simpler, ask for anything, and show it."""
        if tuple(steps) == self.best.program.steps or not any(step.do is Do.ASK for step in steps):
            return False
        if monotonic() > self._until and not in_any_case:
            return False
        program = replace(self.best.program, steps=tuple(steps))
        return await self.shows(program, self._needed, self._tries)

    async def _leave_out(self, parts_of: Callable[[Sequence[Step]], list[tuple[Step, ...]]]) -> bool:
        """Leave parts out, in ever smaller numbers, the last ones first; return whether any could be spared."""
        spared = False
        size = max(1, len(parts_of(self.best.program.steps)) // 2)
        while size >= 1:
            end = len(parts_of(self.best.program.steps))
            while end > 0:
                parts = parts_of(self.best.program.steps)
                kept = [*parts[: max(0, end - size)], *parts[end:]]
                spared |= await self._try([step for part in kept for step in part])
                end -= size
            size //= 2
        return spared


def _one_by_one(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    return [(step,) for step in steps]


def _of_users(program: Program, names: set[str]) -> list[Step]:
    """Return the steps without what users do who are called otherwise."""
    keep = {position for position, user in enumerate(program.users) if user.id in names}
    return [step for step in program.steps if step.do in TOGETHER or step.user in keep]
