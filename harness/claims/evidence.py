"""What a verification leaves behind, and all that a report may be derived from.

- `SuiteRun`: that a suite ran, on what, how much, and what it measured beside the verdicts.
- `Evidence`: one checker's merged verdict over one suite's run of one target.
- `Trial`: a mutant, safe twin or null target that was put before the checkers in the same verification.
- `Claim` and `ClaimResult`: a sentence, and what the evidence says of it.
- `Report`: all of it, judged. Renderers add no facts to it.

Source: claim, argument and evidence as in ISO/IEC/IEEE 15026-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.claims.bounds import upper_bound
from harness.history.model import Value
from harness.judging.verdict import Finding, Outcome, Verdict


class Suite(StrEnum):
    """What decides what the users do."""

    PROPERTIES = "properties"
    """Random programs of many users, in process or over the network; shrunk to the smallest story."""
    SCHEDULES = "schedules"
    """Small programs in process, under schedules that are chosen, recorded, and replayed; faults at every await."""
    WIRE = "wire"
    """A running service of anybody's, over its own protocols, under hostile stimuli."""
    LOAD = "load"
    """Many users at once over real sockets, under Locust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """That a suite ran.

    Args:
        suite, target: names.
        seed: replays it.
        users: the most valid users that took part at once.
        histories: how many executions were recorded.
        operations, events: how many were recorded in all.
        faults: how many the nemesis injected.
        never_asked: the operations that the target offers, and nobody asked for.
        duration_s: wall-clock time.
        files: where the histories are, relative to the run folder.
        measures: what else was measured, such as `latency_ms_p99` or `deliveries`.
        doubt: why the suite could not be carried out in full, or `""`.
    """

    suite: Suite
    target: str
    seed: int
    users: int
    histories: int = 0
    operations: int = 0
    events: int = 0
    faults: int = 0
    never_asked: tuple[str, ...] = ()
    duration_s: float = 0.0
    files: tuple[str, ...] = ()
    measures: Mapping[str, Value] = field(default_factory=dict)
    doubt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One checker's merged verdict over one suite's run of one target.

    Args:
        suite, target, seed: of the run.
        users: the most valid users that took part at once.
        histories: how many were folded.
        verdict: what the checker said.
        replay: one shell command that shows the first finding again, or runs the suite again.
        witness: the smallest violating story, as a file relative to the run folder; None when nothing was found.
        explanation: how the steps of that story were ordered, in lines; empty where the order was not controlled.
        requests: the requests that its finding is about, and what the observer got, in lines.
    """

    suite: Suite
    target: str
    seed: int
    users: int
    histories: int
    verdict: Verdict
    replay: str
    witness: str | None = None
    explanation: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteOutcome:
    """What a suite leaves behind.

    Args:
        run, evidence: for the run folder.
        unreachable: why the target could not be reached to the end, or `""`.
        unfit: whether it was there, and did not do for one user what it is said to do.
    """

    run: SuiteRun
    evidence: tuple[Evidence, ...]
    unreachable: str = ""
    unfit: bool = False


class SubjectKind(StrEnum):
    """What is put before the checkers to see whether they can be trusted."""

    MUTANT = "mutant"
    """A target with one planted bug: must be flagged by the checker that should see it."""
    TWIN = "safe twin"
    """Correct code that looks like a bug: must not be flagged."""
    NULL = "null target"
    """A target that grants all, denies all, echoes all or is dead: no claim may hold on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One subject before the checkers, in one suite.

    Args:
        subject: its name; can be given to `--target`.
        kind: mutant, safe twin or null target.
        incident: the row of the incident catalogue that it models (`A1`), or `""`.
        sentence: the mechanism, or why it is safe.
        suite: which suite stimulated it.
        expected: the checker that should see it; `""` when nothing should be seen.
        outcomes: by checker, what each said.
        anomalies: the ids of those that were found.
        holding: claims that held on it; of interest for null targets only.
        finding: the expected checker's first finding, or what was wrongly flagged.
        error: why the trial could not be carried out, or `""`.
        measures: such as `deliveries`.
        witness: the history that shows it, relative to the run folder.
    """

    subject: str
    kind: SubjectKind
    incident: str = ""
    sentence: str
    suite: Suite
    expected: str = ""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    anomalies: tuple[str, ...] = ()
    holding: tuple[str, ...] = ()
    finding: Finding | None = None
    error: str = ""
    measures: Mapping[str, Value] = field(default_factory=dict)
    witness: str | None = None

    @property
    def flagged_by(self) -> tuple[str, ...]:
        """The checkers that found something."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome is Outcome.VIOLATED)

    @property
    def passed(self) -> bool:
        """Whether the checkers did with this subject what they should."""
        if self.error:
            return False
        match self.kind:
            case SubjectKind.MUTANT:
                return self.expected in self.flagged_by
            case SubjectKind.TWIN:
                return bool(self.outcomes) and not self.flagged_by
            case SubjectKind.NULL:
                return bool(self.outcomes) and not self.holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A kind of violation.

    Args:
        id: as it stands in findings.
        sentence: what has happened when it is found.
        checker: who finds it.
        weakness: its CWE id.
    """

    id: str
    sentence: str
    checker: str
    weakness: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence that evidence can support or refute.

    Args:
        id, sentence: as in reports.
        anomalies: ids whose absence it states; each must have been examined.
        component: which part of a backend it speaks of.
        suites: the only suites whose evidence counts; empty means any.
        least_users: the fewest concurrent users of a run whose evidence counts.
        assumptions: under which it is meant.
        excludes: what it does not say.
    """

    id: str
    sentence: str
    anomalies: tuple[str, ...]
    component: str
    suites: tuple[Suite, ...] = ()
    least_users: int = 1
    assumptions: str
    excludes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """What the evidence says of a claim.

    Args:
        claim: which.
        required: whether the plan requires it.
        outcome: HOLDS only when every anomaly was examined, none was found, and every checker is trusted.
        reasons: why it does not hold; empty when it does.
        examined, violations: facts and findings, over all evidence that counts.
        findings: the first of them.
        evidence: which runs it rests on, as `suite:target`.
        kills: the mutants whose kill makes the checkers trusted here.
        replay: the command that shows the first finding again, or that examines the claim again.
    """

    claim: Claim
    required: bool
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    examined: int = 0
    violations: int = 0
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    replay: str = ""

    @property
    def bound(self) -> float | None:
        """The upper bound of the rate, or None when nothing was examined."""
        return upper_bound(self.violations, self.examined) if self.examined else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was to be verified, and with what.

    Args:
        run: the run's name, which is its folder's.
        target, plan: names.
        required: the claims that the plan requires.
        seed, users: as given.
        started: ISO 8601, UTC.
        version: of the harness.
        environment: versions of Python, platform and packages.
        command: what was typed.
        lacking: by anomaly, the line that the target's description lacks for it to be shown; None when nobody looked.
    """

    run: str
    target: str
    plan: str
    required: tuple[str, ...]
    seed: int
    users: int
    started: str
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    lacking: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that may be said about one verification.

    Args:
        manifest: what was to be verified.
        outcome: HOLDS when every required claim holds; VIOLATED when any claim, required or not, is violated.
        claims: every claim of the catalogue, in its order.
        anomalies: the catalogue of anomalies, by id.
        suites, evidence, trials: what it is derived from.
        note: why the verification stopped early, or `""`.
    """

    manifest: Manifest
    outcome: Outcome
    claims: tuple[ClaimResult, ...]
    anomalies: Mapping[str, Anomaly]
    suites: tuple[SuiteRun, ...]
    evidence: tuple[Evidence, ...]
    trials: tuple[Trial, ...]
    note: str = ""
