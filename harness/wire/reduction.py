"""Makes a script in which something was found smaller, and says how often what is left shows it.

How it works. First whatever takes long goes, if it shows without; then everybody who is neither owner nor observer,
where the finding names any. Then waves are left out in ever smaller groups, the last ones first, and then single acts.
What is smaller is taken when it shows the anomaly in one of TRIES performances: over the wire nobody decides the order,
so that once is not always. In the end the smallest is performed a few times more, and counted.

Source: delta debugging, Zeller and Hildebrandt 2002, as in `harness.properties.shrink`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import monotonic

from harness.judging.verdict import Finding
from harness.scenario.script import Script, Wave
from harness.wire.stage import Performed, Stage, anew

LONG_S = 5.0
TRIES = 3
"""How often a smaller script is performed before it is taken for one that does not show it."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """The smallest that was found.

    Args:
        performed: the last performance in which it showed.
        finding: what was found there.
        shown: in how many of how many performances of it, at the end, it showed; (0, 0) when there were none.
    """

    performed: Performed
    finding: Finding
    shown: tuple[int, int]


def as_found(performed: Performed, checker: str) -> Smallest:
    """Return what a checker found as it was found: for when there was no time to make it smaller."""
    return Smallest(performed, performed.verdicts[checker].findings[0], (0, 0))


async def make_smallest(stage: Stage, first: Performed, checker: str, seconds: float, attempts: int) -> Smallest:
    """Return a smaller script that shows what a checker found, or the same.

    Args:
        stage: to perform on; its checkers include this one.
        first: what was found.
        checker: by whom.
        seconds: the most to spend, the counting at the end left out.
        attempts: how often the smallest is performed at the end.

    Raises:
        Unreachable: the service went away.
    """
    work = _Work(stage, first, checker, monotonic() + seconds)
    await work.reduce()
    shown = 0
    for _ in range(attempts):
        shown += await work.shows(work.best.script, tries=1)
    return Smallest(work.best, work.finding, (shown, attempts))


class _Work:
    def __init__(self, stage: Stage, first: Performed, checker: str, until: float) -> None:
        self.best = first
        self.finding = first.verdicts[checker].findings[0]
        self._stage = stage
        self._checker = checker
        self._until = until

    async def reduce(self) -> None:
        """Make the script smaller for as long as there is time."""
        await self._smaller(_without_waiting(self.best.script))
        if involved := {self.finding.owner, self.finding.observer} - {""}:
            await self._smaller(_of_users(self.best.script, involved))
        await self._leave_out(lambda script: len(script.waves), _without_waves)
        await self._leave_out(lambda script: script.acts, _without_acts)

    async def shows(self, script: Script, tries: int = TRIES) -> bool:
        """Perform a script at most so many times; whether it shows the anomaly. If so it is the best from now on."""
        for _ in range(tries):
            performed = await self._stage.perform(script, anew(self.best.header))
            performed.check()
            findings = performed.verdicts[self._checker].findings
            found = next((item for item in findings if item.anomaly == self.finding.anomaly), None)
            if found is not None:
                self.best, self.finding = performed, found
                return True
        return False

    async def _smaller(self, script: Script) -> None:
        """Perform what is smaller: nothing at all shows nothing, and the same is no smaller."""
        if script.waves and script != self.best.script:
            await self.shows(script)

    async def _leave_out(self, count: Callable[[Script], int], without: Callable[[Script, int, int], Script]) -> None:
        size = count(self.best.script) // 2
        while size >= 1:
            end = count(self.best.script)
            while end > 0:
                if monotonic() > self._until:
                    return
                await self._smaller(without(self.best.script, max(0, end - size), end))
                end -= size
            size //= 2


def _without_waiting(script: Script) -> Script:
    """Return the script without what is done long after its wave began."""
    return _kept(script, (tuple(act for act in wave if act.manner.at_s <= LONG_S) for wave in script.waves))


def _of_users(script: Script, names: set[str]) -> Script:
    """Return the script without what users do who are called otherwise."""
    keep = {position for position, user in enumerate(script.users) if user.id in names}
    return _kept(script, (tuple(act for act in wave if act.user in keep) for wave in script.waves))


def _without_waves(script: Script, start: int, end: int) -> Script:
    return _kept(script, (*script.waves[:start], *script.waves[end:]))


def _without_acts(script: Script, start: int, end: int) -> Script:
    number = 0
    waves: list[Wave] = []
    for wave in script.waves:
        waves.append(tuple(act for place, act in enumerate(wave, number) if not start <= place < end))
        number += len(wave)
    return _kept(script, waves)


def _kept(script: Script, waves: Iterator[Wave] | tuple[Wave, ...] | list[Wave]) -> Script:
    return replace(script, waves=tuple(wave for wave in waves if wave))
