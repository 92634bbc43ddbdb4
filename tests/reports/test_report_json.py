"""`report.json` is what docs/report-json.md says."""

from __future__ import annotations

import json
from typing import Any

from example_report import TARGET_HISTORY, holding, judge, read_history, violated

from harness.claims.catalogue import CLAIMS
from harness.claims.evidence import Report
from harness.reporting import render


def parsed(report: Report) -> dict[str, Any]:
    """The document."""
    document: dict[str, Any] = json.loads(render(report, read_history, judge)["report.json"])
    return document


def test_the_keys_are_those_of_the_schema() -> None:
    """A consumer finds what it was promised, and nothing else."""
    document = parsed(violated())
    assert document["schema"] == "isolation-harness/report/1"
    assert list(document) == [
        "anomalies",
        "claims",
        "examined",
        "findings",
        "headline",
        "manifest",
        "mutants",
        "note",
        "nulls",
        "outcome",
        "schedules",
        "schema",
        "suites",
        "suites_not_run",
        "twins",
    ]
    assert list(document["claims"]["EVT-1"]) == [
        "assumptions",
        "component",
        "evidence",
        "examined",
        "excludes",
        "findings",
        "kills",
        "outcome",
        "reasons",
        "replay",
        "required",
        "sentence",
        "upper_bound_95",
        "violations",
        "weaknesses",
    ]
    assert sorted(CLAIMS) == list(document["claims"])


def test_counts_and_bounds_are_those_of_the_evidence() -> None:
    """0 of 2,880 has the bound 0.0011, rounded up; a claim without facts has none."""
    claims = parsed(holding())["claims"]
    assert tuple(claims["REG-1"][k] for k in ("violations", "examined", "upper_bound_95")) == (
        0,
        2880,
        0.0011,
    )
    assert (claims["NI-1"]["examined"], claims["NI-1"]["upper_bound_95"]) == (0, None)
    assert sum(item.verdict.facts for item in holding().evidence) == parsed(holding())["examined"]


def test_a_finding_names_its_claims_history_and_replay() -> None:
    """The flat list of findings is enough to show each again."""
    (finding,) = parsed(violated())["findings"]
    assert tuple(finding[key] for key in ("anomaly", "claims", "history", "witness")) == (
        "leaked-in-answer",
        ["SES-2"],
        TARGET_HISTORY,
        [0, 5],
    )
    assert finding["replay"].startswith("harness replay ")


def test_trials_say_whether_they_passed_and_who_flagged_them() -> None:
    """A survivor has passed false, and a killed mutant names its killer."""
    mutants = {(t["subject"], t["suite"]): t for t in parsed(violated())["mutants"]}
    assert tuple(mutants["shared-bridge", "properties"][key] for key in ("passed", "flagged_by")) == (
        True,
        ["misdelivery"],
    )
    assert tuple(mutants["unreleased-children", "properties"][key] for key in ("passed", "flagged_by")) == (
        False,
        [],
    )
    assert (len(parsed(violated())["twins"]), len(parsed(violated())["nulls"])) == (3, 3)


def test_the_text_is_indented_ascii_and_ends_in_a_newline() -> None:
    """It can be read, compared line by line, and sent through anything."""
    text = render(holding(), read_history, judge)["report.json"]
    assert text.isascii()
    assert text.startswith('{\n  "anomalies": {')
    assert text.endswith("}\n")
