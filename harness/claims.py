"""The catalogue of anomalies and claims, and the one place where evidence becomes an outcome.

A claim HOLDS only if

1. every one of its anomalies was examined at least once, in a suite that counts for it, and none was found;
2. no run that it rests on raised a doubt;
3. every checker that it rests on killed, in the same verification, every mutant that it should see, and at least
   one; and flagged no safe twin.

Otherwise it is VIOLATED if something was found, and else UNKNOWN, with every reason.

Source: the table of claims in `docs/architecture.md`; weaknesses are CWE ids (cwe.mitre.org).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from harness.catalogue import ANOMALIES, CLAIMS
from harness.evidence import (
    Claim,
    ClaimResult,
    Evidence,
    Manifest,
    Report,
    SubjectKind,
    Suite,
    SuiteRun,
    Trial,
)
from harness.verdict import Outcome, Verdict

__all__ = ["ANOMALIES", "CLAIMS", "adjudicate", "checkers_of", "doubts_about", "report_of"]


def checkers_of(claim: Claim) -> tuple[str, ...]:
    """Return the names of the checkers that the claim rests on, each once."""
    return tuple(dict.fromkeys(ANOMALIES[name].checker for name in claim.anomalies))


def adjudicate(
    claim: Claim, evidence: Iterable[Evidence], trials: Sequence[Trial], *, required: bool = True
) -> ClaimResult:
    """Return what the evidence and the trials say of one claim."""
    counted = [item for item in evidence if _counts(claim, item)]
    merged = _merged(claim, counted)
    examined = {name: sum(verdict.examined.get(name, 0) for verdict in merged) for name in claim.anomalies}
    violations = sum(verdict.violated for verdict in merged)
    reasons = [*_found(merged), *_doubts(merged), *_unexamined(claim, examined), *_distrust(claim, trials)]
    outcome = Outcome.VIOLATED if violations else Outcome.UNKNOWN if reasons else Outcome.HOLDS
    return ClaimResult(
        claim=claim,
        required=required,
        outcome=outcome,
        reasons=tuple(reasons),
        # The least examined anomaly bounds what may be said of all of them.
        examined=sum(examined.values()) if violations else min(examined.values(), default=0),
        violations=violations,
        findings=tuple(finding for verdict in merged for finding in verdict.findings),
        evidence=tuple(dict.fromkeys(f"{item.suite.value}:{item.target}" for item in counted)),
        kills=tuple(dict.fromkeys(trial.subject for trial in _own_mutants(claim, trials) if trial.passed)),
        replay=_replay(counted),
    )


def doubts_about(claim: Claim, evidence: Iterable[Evidence]) -> list[str]:
    """Return why the evidence does not support the claim, were its checkers to be trusted; empty when it does."""
    merged = _merged(claim, [item for item in evidence if _counts(claim, item)])
    examined = {name: sum(verdict.examined.get(name, 0) for verdict in merged) for name in claim.anomalies}
    return [*_found(merged), *_doubts(merged), *_unexamined(claim, examined)]


def report_of(
    manifest: Manifest,
    suites: Sequence[SuiteRun],
    evidence: Sequence[Evidence],
    trials: Sequence[Trial],
    note: str = "",
) -> Report:
    """Judge every claim of the catalogue, and the verification as a whole."""
    results = tuple(
        adjudicate(claim, evidence, trials, required=claim.id in manifest.required) for claim in CLAIMS.values()
    )
    if any(result.outcome is Outcome.VIOLATED for result in results):
        outcome = Outcome.VIOLATED
    else:
        outcome = Outcome.worst(result.outcome for result in results if result.required)
    if outcome is Outcome.HOLDS and (note or not set(manifest.required) <= set(CLAIMS)):
        outcome = Outcome.UNKNOWN
    return Report(
        manifest=manifest,
        outcome=outcome,
        claims=results,
        anomalies=ANOMALIES,
        suites=tuple(suites),
        evidence=tuple(evidence),
        trials=tuple(trials),
        note=note,
    )


def _counts(claim: Claim, item: Evidence) -> bool:
    in_suite = not claim.suites or item.suite in claim.suites
    return in_suite and item.verdict.checker in checkers_of(claim)


def _merged(claim: Claim, counted: Iterable[Evidence]) -> list[Verdict]:
    by_checker: dict[str, list[Verdict]] = {}
    for item in counted:
        verdict = item.verdict.about(claim.anomalies)
        if item.users < claim.least_users and not verdict.violated:
            # Too few users to say anything good; what was found counts all the same.
            continue
        by_checker.setdefault(verdict.checker, []).append(verdict)
    return [reduce(Verdict.merge, verdicts) for verdicts in by_checker.values()]


def _found(merged: Iterable[Verdict]) -> list[str]:
    return [
        f"{verdict.checker} found {count} {name}"
        for verdict in merged
        for name, count in verdict.violations.items()
        if count
    ]


def _doubts(merged: Iterable[Verdict]) -> list[str]:
    return list(dict.fromkeys(doubt for verdict in merged for doubt in verdict.doubts))


def _unexamined(claim: Claim, examined: Mapping[str, int]) -> list[str]:
    where = f" in the {' or '.join(claim.suites)} suite" if claim.suites else ""
    if not claim.anomalies:
        return ["no checker of this version adjudicates it"]
    users = f" with {claim.least_users} or more users" if claim.least_users > 1 else ""
    return [
        f"nothing was examined for {name}{where}{users}: it needs {ANOMALIES[name].needs}"
        for name in claim.anomalies
        if not examined[name]
    ]


def _own_mutants(claim: Claim, trials: Iterable[Trial]) -> list[Trial]:
    checkers = checkers_of(claim)
    return [
        trial
        for trial in trials
        if trial.kind is SubjectKind.MUTANT
        and trial.expected in checkers
        and (not claim.suites or trial.suite in claim.suites)
    ]


def _distrust(claim: Claim, trials: Sequence[Trial]) -> list[str]:
    """Why the claim's checkers cannot be trusted: no mutant killed, one survived, or a safe twin flagged."""
    mutants = _own_mutants(claim, trials)
    reasons = []
    for checker in checkers_of(claim):
        own = [trial for trial in mutants if trial.expected == checker]
        if claim.suites and mutants:
            # In a suite of its own, one kill per claim shows that the suite can see.
            own = own or mutants
        if not own:
            reasons.append(f"checker {checker} killed no mutant in this verification")
        reasons += [
            f"mutant {trial.subject} was not tried: {trial.error}"
            if trial.error
            else f"mutant {trial.subject} survived {checker}"
            for trial in own
            if not trial.passed
        ]
    reasons += [
        f"safe twin {trial.subject} was flagged by {name}"
        for trial in trials
        if trial.kind is SubjectKind.TWIN
        for name in trial.flagged_by
        if name in checkers_of(claim)
    ]
    return reasons


def _replay(counted: Sequence[Evidence]) -> str:
    first = next((item for item in counted if item.verdict.violated), None)
    return first.replay if first else counted[0].replay if counted else ""


def claims_of_suite(suite: Suite) -> tuple[str, ...]:
    """Return the ids of the claims that only this suite can support."""
    return tuple(claim.id for claim in CLAIMS.values() if claim.suites == (suite,))
