"""A finding under a chosen schedule is told with its order, and a planted bug with the schedules it took."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

from example_report import (
    CHECKERS,
    full_evidence,
    holding,
    incomplete,
    judge,
    manifest,
    read_history,
    scheduled,
    suites,
    trials,
    violated,
)
from example_schedules import FIRST, SCHEDULE_HISTORY, SCHEDULE_LEAK, TOLD, schedule_history

from harness.claims.adjudication import report_of
from harness.claims.evidence import Report, Suite, Trial
from harness.history.model import EventKind, Header, History
from harness.judging.verdict import Outcome
from harness.reporting import render
from harness.reporting import stories as told_stories
from harness.reporting.explanation import order
from harness.reporting.first_findings import in_short, median_to_first, shown
from harness.reporting.stories import stories
from harness.reporting.swimlanes import swimlanes
from harness.reporting.trust import by_subject, by_suite


def page(report: Report) -> str:
    """The text of the page, with its quotes."""
    return render(report, read_history, judge)["report.html"].replace("&#39;", "'")


# The order of a story


def test_told_lines_are_taken_apart_and_none_is_lost() -> None:
    """Mode, faults, deviations and the rest each have their place."""
    found = order(TOLD)
    assert found is not None
    assert TOLD[0] == found.opening
    assert ("user 0: cancel at await 50",) == found.faults
    assert TOLD[2:4] == tuple(f"deviation: {text}" for text in found.deviations)
    assert TOLD[4:] == found.closing
    assert order(()) is None


def test_lines_of_unknown_form_stay() -> None:
    """A story that begins with a fault has no opening, and what is unknown stands at the end."""
    found = order(("fault: b", "in some mode", "deviation: d", "who knows"))
    assert found is not None
    assert ("", ("b",), ("d",), ("in some mode", "who knows")) == (
        found.opening,
        found.faults,
        found.deviations,
        found.closing,
    )


def test_the_page_numbers_the_deviations_beside_the_picture() -> None:
    """Picture, fault, numbered deviations, the passing story and the replay command are in one section."""
    section = page(scheduled()).split('<section aria-labelledby="story-schedule">')[1].split("</section>")[0]
    assert 'id="story-schedule-lanes-title"' in section
    deviations = section.split("<ol")[1].split("</ol>")[0]
    assert [line.removeprefix("deviation: ") for line in TOLD[2:4]] == re.findall(r"<li>(.*?)</li>", deviations)
    assert "<li>user 0: cancel at await 50</li>" in section
    assert "Without the last deviation it does not show." in section
    assert f"harness replay runs/2025-09-02-7f3a/{SCHEDULE_HISTORY}" in section


def test_many_deviations_are_folded_and_keep_their_numbers() -> None:
    """After twelve, the list goes on in a fold, from thirteen."""
    many = ("in preemptive, 15 deviations", *(f"deviation: choice {at}: x" for at in range(15)))
    evidence = tuple(replace(item, explanation=many) if item.explanation else item for item in scheduled().evidence)
    html = page(replace(scheduled(), evidence=evidence))
    assert '<summary>3 more deviations</summary><div>\n<ol class="plain" start="13">\n<li>choice 12: x</li>' in html


def test_each_checker_that_found_something_has_its_story() -> None:
    """The first is open, the others are folded; one whose history was not kept says so."""
    leak, tampering = told_stories.scheduled(scheduled(), read_history, judge)
    assert ("leak", "tampering") == (leak.checker, tampering.checker)
    assert leak.figure is not None
    assert (None, None) == (tampering.figure, tampering.order)
    assert "No figure: the history of this finding was not kept." == tampering.missing
    html = page(scheduled())
    assert html.count("<summary>One more schedule: what checker tampering found</summary>") == 1
    assert html.count("How the steps of this story were ordered was not recorded.") == 1


def test_a_story_whose_history_is_gone_still_tells_its_order() -> None:
    """Without the picture, the lines remain."""

    def nothing(name: str) -> History:
        raise LookupError(name)

    html = render(scheduled(), nothing)["report.html"]
    assert f"No figure: the history {SCHEDULE_HISTORY} is not in the run folder." in html
    assert "<li>user 0: cancel at await 50</li>" in html


def test_chosen_schedules_are_not_told_as_free_runs() -> None:
    """What the schedules suite found is not told a second time among the runs that no schedule decided."""
    assert ["shared-bridge"] == [story.subject for story in stories(scheduled(), read_history, judge)]
    assert () == told_stories.scheduled(violated(), read_history, judge)
    headings = re.findall(r"<h2[^>]*>(What happened.*?)</h2>", page(scheduled()))
    assert ["What happened: reference, one schedule", "What happened: shared-bridge, one run"] == headings


def test_a_history_whose_clock_stands_still_is_drawn_by_event() -> None:
    """In the schedules suite the order is what counts, not the virtual time: no two events share a place."""
    figure = swimlanes(schedule_history("reference"), (SCHEDULE_LEAK,))
    assert figure is not None
    assert "event 0" == figure.ticks[0].text
    assert len(figure.bars) == len({bar.x for bar in figure.bars})
    timed = History(Header(target="t", suite="properties", seed=1, users=2), schedule_history("t").events)
    by_time = swimlanes(timed, (SCHEDULE_LEAK,))
    assert by_time is not None
    assert by_time.ticks[0].text.startswith("0 ")


def test_faults_are_drawn_in_the_lane_of_whom_they_befall() -> None:
    """Each probe of a fault is a diamond, and the description counts it."""
    history = schedule_history("reference")
    figure = swimlanes(history, (SCHEDULE_LEAK,))
    assert figure is not None
    lanes = {lane.text: lane.at for lane in figure.lanes}
    faults = [event for event in history.events if event.kind is EventKind.PROBE and event.name == "fault"]
    assert [lanes[event.user] for event in faults] == [y for _, y in figure.faults]
    assert "1 fault" in figure.description
    assert page(scheduled()).count('class="fault"') == 2
    assert 'class="fault"' not in page(violated())


def test_the_other_formats_tell_the_order_too() -> None:
    """Markdown has it as a numbered list, JSON as it is, and JUnit in the failure."""
    files = render(scheduled(), read_history, judge)
    text = files["report.md"].split("### Found under a chosen schedule")[1].split("### Schedules to the first")[0]
    assert "The smallest story, `witnesses/schedules-leak-reference.json`: in asyncio-strict, 2 deviations" in text
    assert re.findall(r"^(\d)\. choice (\d+)", text, re.MULTILINE) == [("1", "14"), ("2", "31")]
    assert "- fault: user 0: cancel at await 50" in text
    assert "How the steps of this story were ordered was not recorded." in text
    leak = next(found for found in json.loads(files["report.json"])["findings"] if found["checker"] == "leak")
    assert [*TOLD] == leak["explanation"]
    cases = ElementTree.fromstring(files["junit.xml"]).iter("testcase")
    failure = next(case for case in cases if case.attrib["name"].startswith("SES-2")).find("failure")
    assert failure is not None
    assert failure.text is not None
    assert [SCHEDULE_LEAK.message, *TOLD] == failure.text.split("\n")[:-1]


def test_a_finding_of_another_suite_has_no_order() -> None:
    """Where no schedule was chosen, nothing is told of one."""
    (finding,) = json.loads(render(violated(), read_history, judge)["report.json"])["findings"]
    assert [] == finding["explanation"]
    assert "Found under a chosen schedule" not in render(violated(), read_history, judge)["report.md"]


# Schedules to the first finding


def with_trials(*every: Trial) -> Report:
    """A report with these trials."""
    return report_of(manifest(), suites(), full_evidence(), every)


def mutant(subject: str) -> Trial:
    """A trial of the examples in the schedules suite."""
    return next(trial for trial in trials() if (trial.subject, trial.suite) == (subject, Suite.SCHEDULES))


def test_the_bugs_not_seen_come_first_and_then_the_slowest() -> None:
    """The table begins with what the suite is worst at."""
    assert ["idle-semaphore", "global-session", "forgotten-rollback", "shared-bridge"] == [
        item.trial.subject for item in shown(scheduled())
    ]
    assert ["not seen in 400 schedules", "27", "14", "3"] == [item.count for item in shown(scheduled())]
    assert ("sweep", "asyncio-strict", "failing") == shown(scheduled())[2].how


def test_the_median_is_of_those_seen_and_says_how_many_were_not() -> None:
    """3, 14 and 27 have the median 14; with 310, half of 14 and 27."""
    assert (14, 20.5) == (median_to_first(scheduled()), median_to_first(holding()))
    assert in_short(scheduled())[0] == (
        "3 of 4 planted bugs seen by the expected checker under a chosen schedule. "
        "Of those seen, the median took 14 schedules to the first finding, the slowest 27."
    )
    assert "the median took 20.5 schedules to the first finding, the slowest 310." in in_short(holding())[0]
    document = json.loads(render(scheduled(), read_history)["report.json"])["schedules"]
    assert (4, 3, 14) == tuple(document[key] for key in ("planted_bugs", "planted_bugs_seen", "median_to_first"))


def test_without_trials_nothing_is_claimed() -> None:
    """No mutant and no twin in this suite: nothing shows what it can see, and there is no median."""
    report = with_trials(*(trial for trial in trials() if trial.suite is Suite.PROPERTIES))
    assert in_short(report) == (
        "No planted bug was tried in the schedules suite, so nothing shows what it can see.",
        "No safe twin was tried in the schedules suite.",
    )
    assert median_to_first(report) is None
    for text in in_short(report):
        assert text in page(report)
        assert text in render(report, read_history)["report.md"]


def test_a_count_that_is_missing_is_not_made_up() -> None:
    """A mutant without a measure was seen, and not counted; one that could not be tried says so."""
    plain = replace(mutant("shared-bridge"), measures={})
    broken = replace(mutant("global-session"), outcomes={}, error="port in use")
    blind = replace(mutant("idle-semaphore"), outcomes=dict.fromkeys(CHECKERS, Outcome.HOLDS), measures={})
    odd = replace(
        mutant("forgotten-rollback"), measures={"schedules": {**FIRST["forgotten-rollback"], "to_first": True}}
    )
    counts = {item.trial.subject: item.count for item in shown(with_trials(plain, broken, blind, odd))}
    assert {
        "shared-bridge": "not counted",
        "global-session": "not tried",
        "idle-semaphore": "not seen",
        "forgotten-rollback": "not counted",
    } == counts
    assert median_to_first(with_trials(plain, broken, blind, odd)) is None


def test_a_finding_of_an_unexpected_checker_is_no_first_finding() -> None:
    """A mutant that its checker did not see has no count, whatever its trial measured."""
    missed = replace(mutant("shared-bridge"), outcomes=dict.fromkeys(CHECKERS, Outcome.HOLDS))
    assert ["not seen in 3 schedules"] == [item.count for item in shown(with_trials(missed))]


def test_safe_twins_are_said_with_their_schedules() -> None:
    """How many passed under how many schedules, and which did not."""
    assert in_short(holding())[1] == "1 of 1 safe twin passed under 60 schedules in all."
    twin = mutant("shared-catalogue")
    flagged = replace(twin, subject="lock-per-user", outcomes={**twin.outcomes, "leak": Outcome.VIOLATED}, measures={})
    assert in_short(with_trials(twin, flagged))[1] == "1 of 2 safe twins passed; not lock-per-user."


# Trials by suite


def test_trials_are_counted_in_each_suite() -> None:
    """Every suite has a row, also one in which nothing was tried."""
    rows = {suite: [(t.outcome, t.passed, t.total) for t in tallies] for suite, tallies in by_suite(scheduled())}
    assert [*Suite] == [*rows]
    assert [(Outcome.VIOLATED, 3, 4), (Outcome.HOLDS, 1, 1), (Outcome.UNKNOWN, 0, 0)] == rows[Suite.SCHEDULES]
    assert [(Outcome.HOLDS, 14, 14), (Outcome.HOLDS, 2, 2), (Outcome.HOLDS, 3, 3)] == rows[Suite.PROPERTIES]
    markdown = render(scheduled(), read_history)["report.md"]
    assert "| schedules | ❌ 3 of 4 | ✅ 1 of 1 | none tried |" in markdown
    assert re.search(r'<th scope="row">schedules</th>\s*<td class="count violated">', page(scheduled()))
    assert (
        "| schedules | none tried | none tried | none tried |"
        in render(with_trials(*(trial for trial in trials() if trial.suite is not Suite.SCHEDULES)), read_history)[
            "report.md"
        ]
    )


def test_trials_that_came_out_alike_share_a_row() -> None:
    """A subject has a row for each result, which names the suites that gave it; no trial is lost."""
    rows = {(trial.subject, trial.passed): suites for trial, suites in by_subject(scheduled().trials)}
    assert (Suite.PROPERTIES, Suite.SCHEDULES, Suite.LOAD) == rows["shared-bridge", True]
    assert (Suite.PROPERTIES,) == rows["idle-semaphore", True]
    assert (Suite.SCHEDULES,) == rows["idle-semaphore", False]
    assert len(scheduled().trials) == sum(len(suites) for suites in rows.values())
    assert page(scheduled()).count('<code class="nowrap">shared-bridge</code>') == 2  # its trials, its first finding
    assert "properties, schedules, load" in render(incomplete(), read_history)["report.md"]
