"""Performs the story of a witness again, in the order that it recorded."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.claims.run_folder import Witness
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding
from harness.loop.scheduling import Mode
from harness.loop.strategies.recorded import Recorded
from harness.performing.performance import OpenTarget
from harness.scenario.program import FaultPoint, Interleaving
from harness.schedules.batches import explorer
from harness.schedules.scenario_runner import Execution
from harness.schedules.scenes import Scene


def reenact(witness: Witness, prepared: AbstractContextManager[OpenTarget]) -> Finding | None:
    """Perform the story once, and return the finding if it shows again.

    Args:
        witness: with an interleaving.
        prepared: opens its target as new, again and again; entered here.

    Raises:
        ValueError: the order of its steps was not controlled.
        Exception: whatever the target raises when it is opened.
    """
    if witness.interleaving is None:
        raise ValueError("the witness has no interleaving: `harness replay` performs its program instead")
    checkers = {witness.checker: CHECKERS[witness.checker]}
    with prepared as open_target, explorer(witness.target, open_target, witness.header.seed, checkers) as opened:
        execution = opened.runner.perform(*_arguments(witness, witness.interleaving))
    return _again(execution, witness)


def _arguments(witness: Witness, how: Interleaving) -> tuple[Scene, Recorded, Mode, tuple[FaultPoint, ...]]:
    scene = Scene(program=witness.program, first=how.first, last=how.last)
    return scene, Recorded(how.deviations), Mode(how.mode), how.fault_points


def _again(execution: Execution, witness: Witness) -> Finding | None:
    if execution.doubt:
        return None
    found = execution.verdicts[witness.checker].findings
    return next((finding for finding in found if finding.anomaly == witness.finding.anomaly), None)
