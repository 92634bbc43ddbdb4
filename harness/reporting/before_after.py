"""Who received whose events: before (one planted bug) and after (the target), measured in the same
verification.

Rules: counts come from the measure `deliveries`, a list of [owner, observer, count]; where it is missing or
is anything else, nothing was measured, and a sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.claims.evidence import Report, Suite
from harness.history.model import UserId, Value
from harness.reporting.wording import counted, listed

BEFORE = "shared-bridge"
"""The mutant that does what the shared bridge of the old registry did."""

Counts = Mapping[tuple[UserId, UserId], int]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How many events of each owner each observer received; None when that was not measured.

    Args:
        title: such as `Before: shared-bridge`.
        counts: by (owner, observer).
        where: the suites that measured it.
    """

    title: str
    counts: Counts | None
    where: str

    @property
    def total(self) -> int:
        """All deliveries."""
        return sum((self.counts or {}).values())

    @property
    def crossed(self) -> int:
        """Deliveries to another user than the owner."""
        return sum(count for (owner, observer), count in (self.counts or {}).items() if owner != observer)

    @property
    def sentence(self) -> str:
        """What was counted, with its bound."""
        if self.counts is None:
            return "UNKNOWN: deliveries were not measured."
        if not self.total:
            return f"UNKNOWN: no event was delivered in {self.where}."
        return f"Reached another user: {counted(self.crossed, self.total)}, in {self.where}."


def before_and_after(report: Report) -> tuple[Deliveries, Deliveries]:
    """Return the deliveries of the mutant and of the target, in the same suites where both were measured."""
    trials = {
        trial.suite: counts
        for trial in report.trials
        if trial.subject == BEFORE and (counts := parsed(trial.measures.get("deliveries"))) is not None
    }
    runs = [
        (run.suite, counts) for run in report.suites if (counts := parsed(run.measures.get("deliveries"))) is not None
    ]
    alike = [(suite, counts) for suite, counts in runs if suite in trials]
    return (
        _added(f"Before: {BEFORE} (planted bug)", list(trials.items())),
        _added(f"After: {report.manifest.target}", alike or runs),
    )


def _added(title: str, measured: Iterable[tuple[Suite, Counts]]) -> Deliveries:
    parts = [*measured]
    total: dict[tuple[UserId, UserId], int] = {}
    for _, counts in parts:
        for pair, count in counts.items():
            total[pair] = total.get(pair, 0) + count
    suites = dict.fromkeys(suite.value for suite, _ in parts)
    where = f"the {listed(suites)} {'suite' if len(suites) == 1 else 'suites'}"
    return Deliveries(title, total if parts else None, where)


def parsed(value: Value) -> Counts | None:
    """Return the counts by (owner, observer), or None when the measure is absent or malformed."""
    if not isinstance(value, list | tuple):
        return None
    counts: dict[tuple[UserId, UserId], int] = {}
    for row in value:
        match row:
            case [str(owner), str(observer), int(count)] if count >= 0 and not isinstance(count, bool):
                counts[owner, observer] = counts.get((owner, observer), 0) + count
            case _:
                return None
    return counts
