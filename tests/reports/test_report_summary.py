"""What is wrong or missing is said first, in every format, and nothing is said that does not follow."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from example_report import (
    ADJUDICABLE,
    EXAMPLES,
    empty,
    evidence,
    full_evidence,
    holding,
    incomplete,
    judge,
    manifest,
    read_history,
    suites,
    trials,
    violated,
)

from harness.claims.adjudication import report_of
from harness.claims.evidence import Report
from harness.judging.verdict import Outcome
from harness.reporting import render
from harness.reporting.issues import issues
from harness.reporting.summary import headline, summary

FORBIDDEN = re.compile(r"\b(impossible|zero[ -]risk|proven|guarante\w*|100 ?% (safe|secure))\b", re.IGNORECASE)

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def executive_summary(report: Report) -> str:
    """The first section of the Markdown report."""
    text = render(report, read_history, judge)["report.md"]
    return text.split("## Executive Summary")[1].split("\n---\n")[0]


def test_the_examples_have_the_outcomes_that_they_are_named_for() -> None:
    """The factory makes what the other tests rely on."""
    outcomes = [EXAMPLES[name]().outcome for name in ("holding", "violated", "scheduled", "incomplete", "empty")]
    assert outcomes == [Outcome.HOLDS, Outcome.VIOLATED, Outcome.VIOLATED, Outcome.UNKNOWN, Outcome.UNKNOWN]


def test_a_violation_comes_first() -> None:
    """The first sentence names what is violated, with its count; the summary shows the finding."""
    assert summary(violated())[0] == "1 claim is violated: SES-2 (1 of 46,080)."
    text = executive_summary(violated())
    assert text.index("VIOLATED") < text.index("17 of 22 required claims hold")
    assert "LEAK: u02 observed u00's canary" in text


def test_a_check_that_did_not_run_comes_first() -> None:
    """A claim that nothing was examined for is named before anything that holds."""
    assert summary(incomplete())[0] == "2 required claims are unknown: SES-1 and SCL-1."
    assert "SES-1: a database session or connection is never used" in executive_summary(incomplete())


def test_a_survivor_shows_in_the_summary() -> None:
    """One mutant that its checker no longer sees takes its claims from "holds", and is named."""
    first, *rest = trials()
    blind = replace(first, outcomes={**first.outcomes, "misdelivery": Outcome.HOLDS})
    report = report_of(manifest(), suites(), full_evidence(), (blind, *rest))
    assert "Not seen by the expected checker: 1 of 20 planted bugs." in summary(report)
    assert "shared-bridge survived misdelivery" in executive_summary(report).replace("\\", "")
    assert json.loads(render(report, read_history, judge)["report.json"])["claims"]["EVT-1"]["outcome"] == "unknown"


def test_a_flagged_twin_and_a_null_target_that_passes_show_in_the_summary() -> None:
    """Whatever shakes the trust in a checker is said before what holds."""
    null = replace(trials()[-1], holding=("EVT-1",))
    report = report_of(manifest(), suites(), full_evidence(), (*trials()[:-1], null))
    assert summary(report)[:2] == ("1 required claim is unknown: EVT-1.", "Not rejected: 1 of 3 null targets.")
    assert "Not passed as safe: 1 of 3 safe twins." in summary(violated())


def test_nothing_run_reads_as_unknown() -> None:
    """Without runs, trials or evidence every claim is unknown, and the report says why."""
    sentences = summary(empty())
    assert sentences[0] == "The verification stopped early: the target could not be reached at http://127.0.0.1:8000."
    assert sentences[1] == "No suite ran, so nothing was examined."
    text = render(empty(), read_history, judge)["report.md"]
    assert text.count("- [x]") == 0
    assert len(ADJUDICABLE) + 3 == text.count("- [ ]")
    assert text.count("UNKNOWN: deliveries were not measured.") == 2


def test_a_holding_report_says_in_what_was_examined() -> None:
    """HOLDS is bounded by what was examined, and every required claim is ticked."""
    assert summary(holding())[0] == "All 22 required claims hold in what was examined."
    text = render(holding(), read_history, judge)["report.md"]
    assert "HOLDS in what was examined" in text.split("## Components")[0]
    assert (len(ADJUDICABLE) + 3, 0) == (text.count("- [x]"), text.count("- [ ]"))


def test_only_what_holds_is_ticked() -> None:
    """A claim that is violated or unknown has an empty box and its word."""
    boxes = re.findall(
        r"^- \[(.)\] ([A-Z]+-\d).*?(?: — (\w+))?$", render(violated(), read_history, judge)["report.md"], re.M
    )
    words = {"holds": ("x", ""), "violated": (" ", "VIOLATED"), "unknown": (" ", "UNKNOWN")}
    expected = {(r.claim.id, words[r.outcome.value]) for r in violated().claims if r.required}
    assert expected == {(name, (box, word)) for box, name, word in boxes}


def test_a_required_claim_that_no_catalogue_knows_is_an_issue() -> None:
    """A plan with a mistyped id is not silently shortened."""
    report = report_of(manifest(required=("EVT-1", "EVT-99")), suites(), full_evidence(), trials())
    assert summary(report)[0] == "1 required claim is unknown: EVT-99."
    assert "EVT-99" in [issue.subject for issue in issues(report)]


def test_every_doubt_is_an_issue() -> None:
    """A doubt shows even beside a violation, and when no claim rests on it."""
    crashed = evidence("leak")
    verdict = replace(crashed.verdict, doubts=("checker leak crashed at event 3",))
    report = report_of(manifest(), suites(), (replace(crashed, verdict=verdict),), trials())
    texts = [text for issue in issues(report) for text in issue.texts]
    assert "checker leak crashed at event 3" in texts


def test_every_trial_that_went_wrong_is_an_issue() -> None:
    """A survivor, an untried mutant and a flagged twin are each called what they are."""
    words = {issue.subject: issue.word for issue in issues(violated())}
    assert words["mutant unreleased-children (properties)"] == "survived"
    assert words["mutant torn-freeze (properties)"] == "not tried"
    assert words["safe twin pooled-connections (properties)"] == "failed"


def test_an_unknown_claim_has_no_bound() -> None:
    """A checker that is not trusted gives no rate, however much it examined."""
    text = render(violated(), read_history, judge)["report.md"]
    assert "unknown, 0 of 2,880, no bound while unknown" in text
    row = next(line for line in text.split("\n") if line.startswith("| REG-3 |"))
    assert row.split(" | ")[5:7] == ["2,880", "\N{EN DASH}"]


@every_example
def test_no_report_claims_certainty(example: Callable[[], Report]) -> None:
    """The words of certainty occur in no format."""
    for name, text in render(example(), read_history, judge).items():
        assert FORBIDDEN.findall(text) == [], name


@every_example
def test_one_report_gives_the_same_bytes_each_time(example: Callable[[], Report]) -> None:
    """Rendering is a function of the report, also where mappings were filled in another order."""
    report = example()
    turned = replace(report.manifest, environment=dict(reversed(list(report.manifest.environment.items()))))
    assert render(report, read_history, judge) == render(replace(report, manifest=turned), read_history, judge)


@every_example
def test_every_format_gives_the_same_headline(example: Callable[[], Report]) -> None:
    """No format is kinder than another."""
    report = example()
    files = render(report, read_history, judge)
    assert headline(report) == json.loads(files["report.json"])["headline"]
    for sentence in summary(report):
        assert sentence in files["report.html"].replace("&#39;", "'")
