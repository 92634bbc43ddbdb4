"""The report for machines. The keys are described in `docs/report-json.md`, and change only with SCHEMA.

Rules:

- Nothing is cut or cleaned: text is written in ASCII with JSON's own escapes, so that whatever a target said
  survives.
- Keys are sorted; lists keep the order of the report. A number that JSON cannot say (NaN, infinity) is null.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from harness.claims.evidence import ClaimResult, Report, SubjectKind, SuiteRun, Trial
from harness.history.model import Value
from harness.judging.verdict import Finding
from harness.reporting import derive, first_findings, schedule_words, summary
from harness.reporting.explored import runs_of_schedules
from harness.reporting.wording import rounded_up

SCHEMA = "isolation-harness/report/1"


def as_json(report: Report) -> str:
    """Return the report as indented JSON that ends in a newline."""
    document = {
        "schema": SCHEMA,
        "outcome": report.outcome.value,
        "headline": summary.headline(report),
        "note": report.note,
        "manifest": asdict(report.manifest),
        "examined": derive.examined(report),
        "claims": {result.claim.id: _claim(report, result) for result in report.claims},
        "findings": [_located(found) for found in derive.located(report)],
        "suites": [_run(run) for run in report.suites],
        "suites_not_run": derive.suites_not_run(report),
        "schedules": _schedules(report),
        "mutants": _trials(report, SubjectKind.MUTANT),
        "twins": _trials(report, SubjectKind.TWIN),
        "nulls": _trials(report, SubjectKind.NULL),
        "anomalies": {name: asdict(anomaly) for name, anomaly in report.anomalies.items()},
    }
    return json.dumps(_finite(document), indent=2, sort_keys=True, allow_nan=False) + "\n"


def _claim(report: Report, result: ClaimResult) -> dict[str, Any]:
    return {
        "outcome": result.outcome.value,
        "required": result.required,
        "sentence": result.claim.sentence,
        "component": result.claim.component,
        "examined": result.examined,
        "violations": result.violations,
        "upper_bound_95": None if result.bound is None else rounded_up(result.bound),
        "reasons": result.reasons,
        "assumptions": result.claim.assumptions,
        "excludes": result.claim.excludes,
        "findings": [_finding(finding) for finding in result.findings],
        "evidence": result.evidence,
        "kills": result.kills,
        "replay": result.replay,
        "weaknesses": derive.weaknesses(report, result),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return asdict(finding)


def _located(found: derive.Located) -> dict[str, Any]:
    item = found.evidence
    return {
        **_finding(found.finding),
        "claims": found.claims,
        "checker": item.verdict.checker,
        "suite": item.suite.value,
        "target": item.target,
        "history": item.witness,
        "explanation": item.explanation,
        "requests": item.requests,
        "replay": item.replay,
    }


def _run(run: SuiteRun) -> dict[str, Any]:
    return {**asdict(run), "suite": run.suite.value}


def _schedules(report: Report) -> dict[str, Any]:
    runs = runs_of_schedules(report)
    known = [explored for _, explored in runs if explored is not None]
    planted = first_findings.shown(report)
    return {
        "state": "measured" if known else "not measured" if runs else "not run",
        "not_explored": [text for explored in known for text in schedule_words.not_explored(explored)],
        "planted_bugs": len(planted),
        "planted_bugs_seen": sum(item.trial.passed for item in planted),
        "median_to_first": first_findings.median_to_first(report),
    }


def _trials(report: Report, kind: SubjectKind) -> list[dict[str, Any]]:
    return [_trial(trial) for trial in report.trials if trial.kind is kind]


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "subject": trial.subject,
        "kind": trial.kind.value,
        "incident": trial.incident,
        "sentence": trial.sentence,
        "suite": trial.suite.value,
        "expected": trial.expected,
        "outcomes": {name: outcome.value for name, outcome in trial.outcomes.items()},
        "flagged_by": trial.flagged_by,
        "holding": trial.holding,
        "passed": trial.passed,
        "finding": None if trial.finding is None else _finding(trial.finding),
        "error": trial.error,
        "history": trial.witness,
        "measures": dict(trial.measures),
    }


def _finite(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
