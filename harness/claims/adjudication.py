"""The catalogue of anomalies and claims, and the one place where evidence becomes an outcome.

A claim HOLDS only if

1. every one of its anomalies was examined at least once, in a suite that counts for it, and none was found;
2. no run that it rests on raised a doubt;
3. its checkers can be trusted: in the same verification each of its anomalies was found in some mutant, no mutant
   survived a checker that it rests on, no safe twin was flagged by one, and the claim holds on no null target. A claim
   that only one suite can support needs each of its checkers to have seen something in that suite.

Otherwise it is VIOLATED if something was found, and else UNKNOWN, with every reason.

Source: the table of claims in `harness.claims.catalogue`; weaknesses are CWE ids (cwe.mitre.org).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from harness.claims.catalogue import ANOMALIES, CLAIMS
from harness.claims.evidence import (
    Claim,
    ClaimResult,
    Evidence,
    Manifest,
    Report,
    SubjectKind,
    SuiteRun,
    Trial,
)
from harness.claims.statements import NOT_ADJUDICATED, needs
from harness.judging.verdict import Outcome, Verdict

__all__ = ["ANOMALIES", "CLAIMS", "adjudicate", "checkers_of", "doubts_about", "report_of"]


def checkers_of(claim: Claim) -> tuple[str, ...]:
    """Return the names of the checkers that the claim rests on, each once."""
    return tuple(dict.fromkeys(ANOMALIES[name].checker for name in claim.anomalies))


def adjudicate(
    claim: Claim,
    evidence: Iterable[Evidence],
    trials: Sequence[Trial],
    *,
    runs: Sequence[SuiteRun] = (),
    required: bool = True,
    lacking: Mapping[str, str] | None = None,
) -> ClaimResult:
    """Return what the evidence and the trials say of one claim.

    Args:
        claim: which.
        evidence, trials: all there are; those that count are picked.
        runs: say why a suite has no evidence.
        required: whether the plan requires the claim.
        lacking: by anomaly, the line that the description lacks; None when nobody looked.
    """
    counted = [item for item in evidence if _counts(claim, item)]
    merged = _merged(claim, counted)
    examined = _examined(claim, merged)
    violations = sum(verdict.violated for verdict in merged)
    reasons = [*(_against(claim, merged, lacking) if counted else _not_run(claim, runs)), *_distrust(claim, trials)]
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
        kills=tuple(dict.fromkeys(trial.subject for trial in _kills(claim, trials))),
        replay=_replay(claim, counted),
    )


def doubts_about(claim: Claim, evidence: Iterable[Evidence]) -> list[str]:
    """Return why the evidence does not support the claim, were its checkers to be trusted; empty when it does."""
    return _against(claim, _merged(claim, [item for item in evidence if _counts(claim, item)]))


def report_of(
    manifest: Manifest,
    suites: Sequence[SuiteRun],
    evidence: Sequence[Evidence],
    trials: Sequence[Trial],
    note: str = "",
) -> Report:
    """Judge every claim of the catalogue, and the verification as a whole."""
    results = tuple(
        adjudicate(
            claim, evidence, trials, runs=suites, required=claim.id in manifest.required, lacking=manifest.lacking
        )
        for claim in CLAIMS.values()
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


def _examined(claim: Claim, merged: Iterable[Verdict]) -> Mapping[str, int]:
    return {name: sum(verdict.examined.get(name, 0) for verdict in merged) for name in claim.anomalies}


def _against(claim: Claim, merged: Sequence[Verdict], lacking: Mapping[str, str] | None = None) -> list[str]:
    """Why the evidence does not support the claim, whether or not its checkers can be trusted."""
    if not claim.anomalies:
        return [NOT_ADJUDICATED]
    return [*_found(merged), *_doubts(merged), *_unexamined(claim, merged, lacking)]


def _not_run(claim: Claim, runs: Iterable[SuiteRun]) -> list[str]:
    """Why there is no evidence at all."""
    if not claim.anomalies:
        return [NOT_ADJUDICATED]
    counting = [run for run in runs if not claim.suites or run.suite in claim.suites]
    wanted = f"the {' or '.join(claim.suites)} suite" if claim.suites else "any suite"
    return [run.doubt for run in counting if run.doubt] or [f"it was not examined: the plan does not run {wanted}"]


def _found(merged: Iterable[Verdict]) -> list[str]:
    return [
        f"{verdict.checker} found {count} {name}"
        for verdict in merged
        for name, count in verdict.violations.items()
        if count
    ]


def _doubts(merged: Iterable[Verdict]) -> list[str]:
    return list(dict.fromkeys(doubt for verdict in merged for doubt in verdict.doubts))


def _unexamined(claim: Claim, merged: Sequence[Verdict], lacking: Mapping[str, str] | None) -> list[str]:
    examined = _examined(claim, merged)
    where = f" in the {' or '.join(claim.suites)} suite" if claim.suites else ""
    users = f" with {claim.least_users} or more users" if claim.least_users > 1 else ""
    return [
        f"nothing was examined for {name}{where}{users}: {_what_would_help(name, lacking)}"
        for name in claim.anomalies
        if not examined[name]
    ]


def _what_would_help(anomaly: str, lacking: Mapping[str, str] | None) -> str:
    if lacking is None:
        return f"it needs {needs(anomaly)}"
    if anomaly in lacking:
        return f"the description lacks {lacking[anomaly]}"
    return "the description says all that it needs, and the suite never exercised it: give a larger budget"


def _kills(claim: Claim, trials: Iterable[Trial]) -> list[Trial]:
    """Return the mutants in which an anomaly of the claim was found."""
    return [
        trial
        for trial in trials
        if trial.kind is SubjectKind.MUTANT and trial.passed and set(trial.anomalies) & set(claim.anomalies)
    ]


def _distrust(claim: Claim, trials: Sequence[Trial]) -> list[str]:
    """Why the claim's checkers cannot be trusted: see rule 3 of this module."""
    kills = _kills(claim, trials)
    shown = {anomaly for trial in kills for anomaly in trial.anomalies}
    reasons = [
        f"no planted bug showed that {ANOMALIES[anomaly].checker} finds {anomaly}"
        for anomaly in claim.anomalies
        if anomaly not in shown
    ]
    seeing = {name for trial in kills if trial.suite in claim.suites for name in trial.flagged_by}
    reasons += [
        f"no planted bug showed that {checker} sees anything in the {' or '.join(claim.suites)} suite"
        for checker in checkers_of(claim)
        if claim.suites and checker not in seeing
    ]
    return reasons + [reason for trial in trials for reason in _failed(claim, trial)]


def _failed(claim: Claim, trial: Trial) -> list[str]:
    """Why this trial speaks against the claim's checkers."""
    checkers = checkers_of(claim)
    if trial.kind is SubjectKind.MUTANT and trial.expected not in checkers:
        return []
    if trial.error:
        return [f"{trial.kind.value} {trial.subject} was not tried: {trial.error}"]
    match trial.kind:
        case SubjectKind.MUTANT:
            return [] if trial.passed else [f"mutant {trial.subject} survived {trial.expected}"]
        case SubjectKind.TWIN:
            return [f"safe twin {trial.subject} was flagged by {name}" for name in trial.flagged_by if name in checkers]
        case SubjectKind.NULL:
            return [f"it holds on the null target {trial.subject}, too"] if claim.id in trial.holding else []


def _replay(claim: Claim, counted: Sequence[Evidence]) -> str:
    first = next((item for item in counted if item.verdict.about(claim.anomalies).violated), None)
    return first.replay if first else counted[0].replay if counted else ""
