"""`junit.xml` is red exactly where the report is."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from example_report import EXAMPLES, empty, holding, judge, read_history, violated
from junitparser import JUnitXml

from harness.claims.evidence import Report, SubjectKind
from harness.judging.verdict import Outcome
from harness.reporting import render


def tree(report: Report) -> ElementTree.Element:
    """The document."""
    return ElementTree.fromstring(render(report, read_history, judge)["junit.xml"])


def results(report: Report) -> dict[str, str]:
    """By the first word of a claim's case: passed, failure, error or skipped."""
    found = {}
    for case in tree(report).iter("testcase"):
        tags = [child.tag for child in case]
        found[case.attrib["name"].split()[0]] = tags[0] if tags else "passed"
    return found


def test_each_outcome_has_its_result() -> None:
    """Holds passes, violated fails, unknown is an error when required and else skipped."""
    found = results(violated())
    for result in violated().claims:
        unknown = "error" if result.required else "skipped"
        expected = {Outcome.HOLDS: "passed", Outcome.VIOLATED: "failure", Outcome.UNKNOWN: unknown}
        assert expected[result.outcome] == found[result.claim.id], result.claim.id


def test_a_failure_shows_the_finding_and_how_to_see_it_again() -> None:
    """The text of a failure is the first finding and its replay command."""
    case = next(c for c in tree(violated()).iter("testcase") if c.attrib["name"].startswith("SES-2"))
    failure = case.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert [
        "LEAK: u02 observed u00's canary in ok of list_notes (event 5)",
        violated_replay(),
    ] == failure.text.split("\n")


def violated_replay() -> str:
    """The replay command of the violated claim."""
    return next(result.replay for result in violated().claims if result.outcome is Outcome.VIOLATED)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_file_is_green_only_if_the_report_holds(name: str) -> None:
    """A CI server that knows nothing else sees the outcome."""
    report = EXAMPLES[name]()
    root = tree(report)
    red = int(root.attrib["failures"]) + int(root.attrib["errors"]) > 0
    assert (report.outcome is not Outcome.HOLDS) == red


def test_every_trial_is_a_case() -> None:
    """Mutants, safe twins and null targets have a suite each, with a case per trial."""
    suites = {suite.attrib["name"]: suite for suite in tree(holding()).iter("testsuite")}
    trials = holding().trials
    for kind, name in (
        (SubjectKind.MUTANT, "mutants"),
        (SubjectKind.TWIN, "safe twins"),
        (SubjectKind.NULL, "null targets"),
    ):
        assert sum(trial.kind is kind for trial in trials) == len(suites[name].findall("testcase"))


def test_properties_stand_before_cases_and_counts_add_up() -> None:
    """Readers that stream the file meet the properties first; the totals are those of the cases."""
    for suite in tree(violated()).iter("testsuite"):
        tags = [child.tag for child in suite]
        assert tags[0] == "properties"
        assert {"testcase"} >= set(tags[1:])
        assert len(tags) - 1 == int(suite.attrib["tests"])


def test_the_only_time_is_the_manifest_s() -> None:
    """The file can be made again, byte for byte, on another day."""
    stamps = {suite.attrib["timestamp"] for suite in tree(empty()).iter("testsuite")}
    assert {"2025-09-02T10:00:00Z"} == stamps


def test_junitparser_reads_what_was_written() -> None:
    """The file makes the round trip through the library that others read it with."""
    text = render(violated(), read_history, judge)["junit.xml"]
    read = JUnitXml.fromstring(text.encode())
    assert len(tree(violated()).findall("testsuite")) == len(list(read))
