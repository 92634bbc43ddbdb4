"""Performs the story of a witness again, in the order that it recorded.

Rules:

- An exported test performs the recorded order first, and only if nothing is found in it a few others: one more await in
  the target moves all later choices, and would hide the bug from the recorded ones.
- There, an order in which nothing can be shown is an error, and never passes for one in which nothing was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice

from harness.claims.run_folder import Witness
from harness.history.model import EventKind
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding
from harness.loop.scheduling import Mode
from harness.loop.strategies.recorded import Recorded
from harness.performing.performance import OpenTarget
from harness.schedules.batches import explorer
from harness.schedules.scenario_runner import ScenarioExecution
from harness.schedules.scenes import Scene
from harness.schedules.shrinking import searches


class CannotTell(Exception):
    """A replay shows nothing. Says why."""


def reenact(witness: Witness, prepared: AbstractContextManager[OpenTarget]) -> Finding | None:
    """Perform the story once, and return the finding if it shows again.

    Args:
        witness: with an interleaving.
        prepared: opens its target as new, again and again; entered here.

    Raises:
        ValueError: the order of its steps was not controlled.
        Exception: whatever the target raises when it is opened.
    """
    execution = next(_executions(witness, prepared, 0))
    found = execution.verdicts[witness.checker].findings if not execution.doubt else ()
    return next((finding for finding in found if finding.anomaly == witness.finding.anomaly), None)


def search_again(witness: Witness, prepared: AbstractContextManager[OpenTarget], other_orders: int) -> Finding | None:
    """Perform the story in the recorded order, then in others; return what its checker finds first.

    Args:
        witness, prepared: see `reenact`.
        other_orders: the most that are tried.

    Raises:
        CannotTell: nothing could be shown in any of the orders.
        ValueError, Exception: see `reenact`.
    """
    doubts: dict[str, None] = {}
    for execution in _executions(witness, prepared, other_orders):
        verdict = execution.verdicts.get(witness.checker)
        if verdict is not None and verdict.findings:
            return verdict.findings[0]
        doubts[_doubt(execution, witness.checker)] = None
    if "" not in doubts:
        raise CannotTell(f"the replay shows nothing: {next(iter(doubts))}")
    return None


def _doubt(execution: ScenarioExecution, checker: str) -> str:
    """Return why a run in which nothing was found shows nothing, or `""`.

    That the checker had no fact to examine is no reason: a story is made so small that, on a mended target, there may
    be none left. But somebody must have been answered.
    """
    if execution.doubt:
        return execution.doubt
    if doubts := execution.verdicts[checker].doubts:
        return doubts[0]
    if not any(event.kind is EventKind.OK for event in execution.events):
        return "no request was answered, so the target does not do any more what the story asks of it"
    return ""


def _executions(
    witness: Witness, prepared: AbstractContextManager[OpenTarget], other_orders: int
) -> Iterator[ScenarioExecution]:
    """Yield what came of each order: the recorded one first."""
    how = witness.interleaving
    if how is None:
        raise ValueError("the witness has no interleaving: `harness replay` performs its program instead")
    checkers = {witness.checker: CHECKERS[witness.checker]}
    scene = Scene(program=witness.program, first=how.first, last=how.last)
    with prepared as open_target, explorer(witness.target, open_target, witness.header.seed, checkers) as opened:
        for scheduler in (Recorded(how.deviations), *islice(searches(other_orders), other_orders)):
            yield opened.runner.perform(scene, scheduler, Mode(how.mode), how.fault_points)
