"""The report for CI servers that read JUnit XML.

Rules:

- A test suite per component with a test case per claim: holds passes, violated fails, unknown is an error
  where the plan requires the claim and else skipped.
- A finding under a chosen schedule says in its failure how the steps were ordered.
- Suites of mutants, safe twins and null targets, with a case per trial.
- A suite "verification" with one case for the whole, so that the file is red whenever the outcome is not
  "holds".
- Properties stand before cases; the only time is the one that the manifest states.
"""

from __future__ import annotations

from typing import cast
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from harness.claims.evidence import ClaimResult, Report, SubjectKind, Trial
from harness.judging.verdict import Outcome
from harness.reporting import derive, schedule_words, summary, trust
from harness.reporting.escaping import shown
from harness.reporting.wording import counts

_TRIALS = {
    SubjectKind.MUTANT: "mutants",
    SubjectKind.TWIN: "safe twins",
    SubjectKind.NULL: "null targets",
}


def as_junit(report: Report) -> str:
    """Return the report as JUnit XML that ends in a newline."""
    document = JUnitXml("Isolation verification")
    document.add_testsuite(_whole(report))
    for part in derive.parts(report):
        cases = [_claim(report, part.name, result) for result in part.claims]
        document.add_testsuite(_suite(report, part.name, cases))
    for kind, name in _TRIALS.items():
        cases = [_trial(name, trial) for trial in report.trials if trial.kind is kind]
        document.add_testsuite(_suite(report, name, cases))
    document.update_statistics()  # type: ignore[no-untyped-call]
    document.time = round(sum(run.duration_s for run in report.suites), 3)
    # By way of the standard library, so that the bytes are the same whether or not lxml is installed.
    root = ElementTree.fromstring(cast(bytes, document.tostring()))  # type: ignore[no-untyped-call]
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, name: str, cases: list[TestCase]) -> TestSuite:
    suite = TestSuite(shown(name))
    suite.timestamp = shown(report.manifest.started)
    for key, value in _properties(report).items():
        suite.add_property(shown(key), shown(value))
    for case in cases:
        suite.add_testcase(case)
    return suite


def _properties(report: Report) -> dict[str, str]:
    manifest = report.manifest
    return {
        "target": manifest.target,
        "plan": manifest.plan,
        "run": manifest.run,
        "seed": str(manifest.seed),
        "version": manifest.version,
    }


def _whole(report: Report) -> TestSuite:
    case = TestCase(f"the verification of {shown(report.manifest.target)} holds", "verification")
    message = shown(summary.headline(report))
    if report.outcome is Outcome.VIOLATED:
        case.result = [_filled(Failure(message, "violated"), report.manifest.command)]
    elif report.outcome is Outcome.UNKNOWN:
        case.result = [_filled(Error(message, "unknown"), report.manifest.command)]
    suite = _suite(report, "verification", [case])
    suite.add_property("schedules", shown(schedule_words.state(report)))
    for name, value in sorted(report.manifest.environment.items()):
        suite.add_property(shown(f"environment.{name}"), shown(value))
    return suite


def _claim(report: Report, component: str, result: ClaimResult) -> TestCase:
    case = TestCase(shown(f"{result.claim.id} {result.claim.sentence}"), shown(component))
    explanation = derive.explanation_of(report, result)
    first = result.findings[0].message if result.findings else ""
    reasons = "; ".join(result.reasons)
    if result.outcome is Outcome.VIOLATED:
        message = shown(f"{counts(result)}: {first}" if first else counts(result))
        case.result = [_filled(Failure(message, "violated"), first or reasons, *explanation, result.replay)]
    elif result.outcome is Outcome.UNKNOWN and result.required:
        case.result = [_filled(Error(shown(reasons), "unknown"), *result.reasons, result.replay)]
    elif result.outcome is Outcome.UNKNOWN:
        case.result = [Skipped(shown(f"not required: {reasons}"), "unknown")]
    return case


def _trial(suite: str, trial: Trial) -> TestCase:
    case = TestCase(shown(f"{trial.subject} ({trial.suite.value}): {trial.sentence}"), suite)
    message = shown(trust.trial_text(trial))
    finding = trial.finding.message if trial.finding else ""
    match trust.trial_outcome(trial):
        case Outcome.VIOLATED:
            case.result = [_filled(Failure(message, "trial"), message, finding)]
        case Outcome.UNKNOWN:
            case.result = [_filled(Error(message, "trial"), message, finding)]
        case Outcome.HOLDS:
            pass
    return case


def _filled(result: Failure | Error, *lines: str) -> Failure | Error:
    result.text = "\n".join(shown(line) for line in lines if line)
    return result
