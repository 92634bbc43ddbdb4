"""The commands that show a finding again, or examine a claim again. Every one that stands in evidence is built here.

What was typed is typed again, as it was: another plan, other users or another address would examine something else.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.claims.plan import SchedulesBudget


def replayed(witness: Path) -> str:
    """Return the command that performs a witness again."""
    return shlex.join(["harness", "replay", str(witness)])


def verified_again(target: str, *, plan: str, seed: int, users: int | None = None, url: str = "") -> str:
    """Return the command that verifies again.

    Args:
        target, plan, seed: as typed.
        users: as typed; None where the plan says it.
        url: as typed; `""` where there was none.
    """
    words = ["harness", "verify", "--target", target, "--plan", plan, "--seed", str(seed)]
    words += ["--users", str(users)] if users is not None else []
    words += ["--url", url] if url else []
    return shlex.join(words)


def explored_again(
    target: str, budget: SchedulesBudget, *, seed: int, strategy: str, modes: Sequence[str], faults: bool
) -> str:
    """Return the command that explores again.

    Args:
        target, seed: as typed.
        budget: of the suite.
        strategy, faults: as typed.
        modes: those that were typed; every one where none was.
    """
    words = ["harness", "explore", target, "--schedules", str(budget.schedules)]
    words += ["--shrink-runs", str(budget.shrink_runs), "--seed", str(seed), "--strategy", strategy]
    words += ["--mode", modes[0]] if len(modes) == 1 else []
    return shlex.join([*words, *([] if faults else ["--no-faults"])])
