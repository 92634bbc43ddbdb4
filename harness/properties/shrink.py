"""Makes a failing program smaller, as long as its checker finds the same anomaly in it.

How it works: steps are left out in ever smaller groups, and the rest is performed again. Any part of a program is one:
a step whose object is never made is passed over. A smaller program is taken only when the anomaly shows in it CONFIRMED
times in a row, so that what is left is not a race that was lucky once: a replay must be able to show it again.

Source: delta debugging, Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (here without
the complements, which rarely help in programs of independent users).
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from harness.history.model import Header
from harness.judging.verdict import Checker
from harness.performing.performance import Failure, OpenTarget, perform
from harness.performing.runner import Deadlines
from harness.scenario.program import Program, Step

CONFIRMED = 3
"""How often in a row a smaller program must show the anomaly."""


async def shrink(
    failure: Failure, checker: Checker, open_target: OpenTarget, deadlines: Deadlines, seconds: float
) -> Failure:
    """Return a failure with fewer steps, or the same.

    Args:
        failure: to be made smaller.
        checker: that found something in it; the anomaly is that of its first finding.
        open_target: opens the target for each try.
        deadlines: of each try.
        seconds: the most to spend.

    Raises:
        Unreachable: the target went away.
    """
    anomaly = failure.verdicts[checker.name].findings[0].anomaly
    until = monotonic() + seconds
    best, size = failure, len(failure.program.steps) // 2
    while size >= 1:
        start, smaller = 0, False
        while start < len(best.program.steps):
            if monotonic() > until:
                return best
            steps = _without(best.program.steps, start, size)
            program = replace(best.program, steps=steps)
            tried = await _confirmed(program, best.header, anomaly, checker, open_target, deadlines)
            if tried is not None:
                best, smaller = tried, True
            else:
                start += size
        size = size if smaller and size == 1 else size // 2
    return best


async def _confirmed(
    program: Program, header: Header, anomaly: str, checker: Checker, open_target: OpenTarget, deadlines: Deadlines
) -> Failure | None:
    """Return the last of CONFIRMED executions that all show the anomaly; None as soon as one does not."""
    tried: Failure | None = None
    for _ in range(CONFIRMED):
        tried = await perform(program, header, open_target, {checker.name: checker}, deadlines)
        if all(finding.anomaly != anomaly for finding in tried.verdicts[checker.name].findings):
            return None
    return tried


def _without(steps: tuple[Step, ...], start: int, size: int) -> tuple[Step, ...]:
    return steps[:start] + steps[start + size :]
