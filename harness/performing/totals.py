"""What any number of executions have come to, counted and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.claims.evidence import Suite, SuiteRun
from harness.history.model import Value
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import Verdict

NOTHING_ELSE: Mapping[str, Value] = MappingProxyType({})


@dataclass(slots=True)
class Totals:
    """What has been done and judged so far, over any number of executions.

    Args:
        verdicts: by checker, merged.
        histories, operations, events, faults: counts.
        users: the most valid users in one execution.
        offered, asked: the operations that the target offers, in its order; those that somebody asked for.
        deliveries: who received whose events.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    histories: int = 0
    operations: int = 0
    events: int = 0
    faults: int = 0
    users: int = 0
    offered: dict[str, None] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    deliveries: Deliveries = field(default_factory=Deliveries)

    def judge(self, verdict: Verdict) -> None:
        """Take in the verdict of one checker on one more execution."""
        known = self.verdicts.get(verdict.checker)
        self.verdicts[verdict.checker] = verdict if known is None else known.merge(verdict)

    def merge(self, other: Totals) -> None:
        """Take in further executions."""
        for verdict in other.verdicts.values():
            self.judge(verdict)
        self.histories += other.histories
        self.operations += other.operations
        self.events += other.events
        self.faults += other.faults
        self.users = max(self.users, other.users)
        self.offered |= other.offered
        self.asked |= other.asked
        self.deliveries.add(other.deliveries)

    def run(
        self,
        suite: Suite,
        target: str,
        seed: int,
        duration_s: float,
        *,
        files: tuple[str, ...] = (),
        doubt: str,
        measures: Mapping[str, Value] = NOTHING_ELSE,
    ) -> SuiteRun:
        """Return that a suite ran, with these counts."""
        return SuiteRun(
            suite=suite,
            target=target,
            seed=seed,
            users=self.users,
            histories=self.histories,
            operations=self.operations,
            events=self.events,
            faults=self.faults,
            never_asked=tuple(name for name in self.offered if name not in self.asked),
            duration_s=round(duration_s, 3),
            files=files,
            measures={"deliveries": self.deliveries.table(), **measures},
            doubt=doubt,
        )
