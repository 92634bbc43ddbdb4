"""From what a suite found to its evidence: one for each checker, with its witness and the command that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from harness.claims.evidence import Evidence, SuiteRun
from harness.claims.replay_command import replayed
from harness.claims.run_folder import RunFolder, Witness, plain_name
from harness.judging.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a suite has come to.

    Args:
        run: that it ran, and what it measured.
        checkers: who judged, by name, in order.
        verdicts: by checker; one that is missing has seen nothing.
        doubts: why none of them may say HOLDS.
        found: by checker, the smallest that shows its first finding.
        unsure: checkers whose witness is not known to show it again, so that no replay is promised.
        again: the command that does all of it again.
        label: stands in the names of witnesses; the target's name when left out.
    """

    run: SuiteRun
    checkers: Iterable[str]
    verdicts: Mapping[str, Verdict]
    doubts: tuple[str, ...] = ()
    found: Mapping[str, Witness] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    again: str = ""
    label: str = ""

    def evidence(self, folder: RunFolder | None) -> tuple[Evidence, ...]:
        """Return the evidence of each checker; witnesses are written to the folder, if there is one."""
        return tuple(self._of(checker, folder) for checker in self.checkers)

    def _of(self, checker: str, folder: RunFolder | None) -> Evidence:
        run, verdict, seen = self.run, self.verdicts.get(checker, Verdict(checker)), self.found.get(checker)
        witness, replay = None, self.again
        if seen is not None:
            verdict = verdict.beginning_with(seen.finding)
        if seen is not None and folder is not None:
            prefix = f"{run.suite.value}-{checker}-{plain_name(self.label or run.target)}"
            witness = folder.write_witness(prefix, seen)
            if checker not in self.unsure:
                replay = replayed(folder.path / witness)
        return Evidence(
            suite=run.suite,
            target=run.target,
            seed=run.seed,
            users=run.users,
            histories=run.histories,
            verdict=replace(verdict, doubts=verdict.doubts + self.doubts),
            replay=replay,
            witness=witness,
            explanation=seen.explanation if seen is not None else (),
            requests=seen.requests if seen is not None else (),
        )
