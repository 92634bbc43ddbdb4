"""What follows from a report and is more than a field of it, derived once for every format.

Rules:

- Computed from verdicts, counts and trials; nothing is written down beforehand as an achievement.
- What went wrong stands before what went well; apart from that, the order is that of the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.claims.evidence import ClaimResult, Evidence, Report, SubjectKind, Suite, Trial
from harness.judging.verdict import Finding, Outcome


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, with the evidence that it stands in and the claims that it is counted for."""

    finding: Finding
    evidence: Evidence
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A component of the target, with the claims about it; its outcome follows from theirs."""

    name: str
    outcome: Outcome
    claims: tuple[ClaimResult, ...]

    @property
    def holding(self) -> tuple[ClaimResult, ...]:
        """The claims that hold."""
        return tuple(result for result in self.claims if result.outcome is Outcome.HOLDS)

    @property
    def judged(self) -> tuple[ClaimResult, ...]:
        """The claims that the plan requires, or about which something was examined or found."""
        return tuple(r for r in self.claims if r.required or r.examined or r.violations)

    @property
    def unjudged(self) -> tuple[ClaimResult, ...]:
        """The other claims."""
        return tuple(result for result in self.claims if result not in self.judged)


def with_outcome(report: Report, outcome: Outcome) -> tuple[ClaimResult, ...]:
    """Return the claims with this outcome, in the order of the catalogue."""
    return tuple(result for result in report.claims if result.outcome is outcome)


def required(report: Report) -> tuple[ClaimResult, ...]:
    """Return the claims that the plan requires."""
    return tuple(result for result in report.claims if result.required)


def uncatalogued(report: Report) -> tuple[str, ...]:
    """Return the ids that the plan requires and the catalogue does not know."""
    known = {result.claim.id for result in report.claims}
    return tuple(name for name in report.manifest.required if name not in known)


def examined(report: Report) -> int:
    """Return how many facts all checkers examined on the target."""
    return sum(item.verdict.facts for item in report.evidence)


def events(report: Report) -> int:
    """Return how many events were recorded of the target."""
    return sum(run.events for run in report.suites)


def suites_not_run(report: Report) -> tuple[Suite, ...]:
    """Return the suites that were not run on the target; the wire suite is for services only."""
    ran = {run.suite for run in report.suites}
    return tuple(suite for suite in Suite if suite not in ran and suite is not Suite.WIRE)


def trials(report: Report, kind: SubjectKind) -> tuple[Trial, ...]:
    """Return the trials of one kind: those that went wrong first, else in the order of the report."""
    return tuple(sorted((t for t in report.trials if t.kind is kind), key=lambda trial: trial.passed))


def weaknesses(report: Report, result: ClaimResult) -> tuple[str, ...]:
    """Return the CWE ids of the claim's anomalies, each once."""
    return tuple(dict.fromkeys(report.anomalies[name].weakness for name in result.claim.anomalies))


def evidence_of(report: Report, result: ClaimResult) -> tuple[Evidence, ...]:
    """Return the evidence that the claim rests on."""
    checkers = {report.anomalies[name].checker for name in result.claim.anomalies}
    return tuple(
        item
        for item in report.evidence
        if item.verdict.checker in checkers and f"{item.suite.value}:{item.target}" in result.evidence
    )


def explanation_of(report: Report, result: ClaimResult) -> tuple[str, ...]:
    """Return how the steps were ordered in the smallest story of the claim's first finding; empty if unknown."""
    first = result.findings[:1]
    explanations = (
        item.explanation for item in evidence_of(report, result) if first and first == item.verdict.findings[:1]
    )
    return next(explanations, ())


def found_in(report: Report, suite: Suite) -> tuple[Evidence, ...]:
    """Return the evidence of one suite in which something was found on the target."""
    return tuple(item for item in report.evidence if item.suite is suite and item.verdict.violated)


def located(report: Report) -> tuple[Located, ...]:
    """Return every finding on the target."""
    return tuple(
        Located(finding, item, _claims_of(report, item, finding))
        for item in report.evidence
        for finding in item.verdict.findings
    )


def _claims_of(report: Report, item: Evidence, finding: Finding) -> tuple[str, ...]:
    return tuple(
        result.claim.id
        for result in report.claims
        if finding.anomaly in result.claim.anomalies and item in evidence_of(report, result)
    )


def parts(report: Report) -> tuple[Part, ...]:
    """Return the components in the order of the catalogue.

    As for the report as a whole, a component is VIOLATED when any claim about it is, and otherwise as good as
    the worst claim that the plan requires; where the plan requires none, as the worst of all.
    """
    by_name: dict[str, list[ClaimResult]] = {}
    for result in report.claims:
        by_name.setdefault(result.claim.component, []).append(result)
    return tuple(Part(name, _outcome(results), tuple(results)) for name, results in by_name.items())


def _outcome(results: Iterable[ClaimResult]) -> Outcome:
    every = [*results]
    if any(result.outcome is Outcome.VIOLATED for result in every):
        return Outcome.VIOLATED
    counting = [result for result in every if result.required] or every
    return Outcome.worst(result.outcome for result in counting)


def not_said(report: Report) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what the claims exclude and assume, each text once, with the claims it goes for."""
    by_text: dict[str, list[str]] = {}
    for result in report.claims:
        by_text.setdefault(f"excluded: {result.claim.excludes}", []).append(result.claim.id)
    for result in report.claims:
        by_text.setdefault(f"assumed: {result.claim.assumptions}", []).append(result.claim.id)
    return tuple((text, tuple(names)) for text, names in by_text.items())


def replays(report: Report) -> tuple[str, ...]:
    """Return the commands that show findings again, each once."""
    commands = [item.replay for item in report.evidence if item.verdict.violated]
    commands += [result.replay for result in with_outcome(report, Outcome.VIOLATED)]
    return tuple(dict.fromkeys(command for command in commands if command))


def python_version(report: Report) -> str:
    """Return the version of Python that the environment states, or `""`."""
    stated = {name.lower(): value for name, value in report.manifest.environment.items()}
    return stated.get("python", "")
