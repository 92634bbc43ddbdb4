"""What the schedules suite explored, and what it did not, is said in every format."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from example_report import (
    EXAMPLES,
    TARGET,
    empty,
    full_evidence,
    holding,
    incomplete,
    judge,
    manifest,
    read_history,
    suites,
    trials,
)
from example_schedules import INJECTED, SITES, measure, schedules_run
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.adjudication import report_of
from harness.claims.evidence import Report, Suite
from harness.history.model import Value
from harness.reporting import render, schedule_words
from harness.reporting.explored import Explored, First, explored
from harness.reporting.growth import HEIGHT, WIDTH, courses, last_stretch, stretches
from harness.reporting.injected_lines import MOST_FILES, injected_lines
from harness.reporting.schedule_words import NOT_MEASURED, NOT_RUN

WHOLE = re.compile(r"\b(all|every) (possible )?(interleaving|schedule|order)s?\b", re.IGNORECASE)

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def of(**changes: Value) -> Explored:
    """What the example explored, with changes."""
    found = explored({**measure(), **changes})
    assert found is not None
    return found


def with_run(**changes: Value) -> Report:
    """The report that holds, with changes in the measure of the schedules suite."""
    properties, _, load = suites()
    return report_of(manifest(), (properties, schedules_run(TARGET, **changes), load), full_evidence(), trials())


def test_what_was_explored_is_said_in_short() -> None:
    """Schedules, modes, traces, sites, pairs and sweep are in one sentence."""
    assert schedule_words.in_short(of()) == (
        "1,000 schedules in asyncio-strict and preemptive, 987 of them distinct; 22 await sites, 195 adjacent pairs of "
        "two users; 412 of 4,174 faults of the sweep."
    )
    labels = {label: value for value, label in schedule_words.figures(of())}
    assert (labels["faults of the sweep"], labels["schedules run twice"]) == ("412 of 4,174", "20")


def test_strategies_and_modes_add_up_to_the_schedules() -> None:
    """The table has a row per strategy and a column per mode, and loses no schedule."""
    table = schedule_words.searches(of())
    assert ("asyncio-strict", "preemptive") == table.modes
    assert {name: counts for name, _, counts in table.rows}["sweep"] == (412, 0, 412)
    assert (711, 289, 1000) == table.totals
    assert [1000, 1000] == [sum(counts[-1] for _, _, counts in table.rows), of().schedules]


def test_a_strategy_that_nobody_has_explained_is_named_all_the_same() -> None:
    """A new strategy, or one without a mode, has its row."""
    table = schedule_words.searches(of(strategies={"zigzag": 1000}))
    assert ((("zigzag", "", (1000, 1000)),), ("",)) == (table.rows, table.modes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "3,762 of the 4,174 faults of the sweep were not tried"),
        ({"swept": 4173}, "1 of the 4,174 faults of the sweep was not tried"),
        ({"swept": 4174}, "Every fault of the sweep was tried, but in asyncio's own order only."),
        ({"swept": 5000}, "Every fault of the sweep was tried, but in asyncio's own order only."),
        ({"swept": 0}, "None of the 4,174 faults of the sweep was tried."),
        ({"sweep": 0, "swept": 0}, "Faults were not tried at each await in turn."),
        ({"left": 31_007}, "The exhaustive search did not follow 31,007 branches that it knew of."),
    ],
)
def test_what_was_not_explored_is_said(changes: dict[str, Value], expected: str) -> None:
    """The rest of the sweep, the branches left out, and that the schedules are a sample."""
    texts = schedule_words.not_explored(of(**changes))
    assert expected in " ".join(texts)
    assert texts[-1].startswith("The schedules are a sample")


@every_example
def test_no_report_speaks_of_the_whole(example: Callable[[], Report]) -> None:
    """Nothing is said of all interleavings, schedules or orders, in any format."""
    for name, text in render(example(), read_history, judge).items():
        assert WHOLE.findall(text) == [], name


def test_control_is_shown_or_said_not_to_be() -> None:
    """Schedules that were run twice are counted; a doubt of the suite stands beside them."""
    run = schedules_run(TARGET)
    doubtful = replace(run, doubt="writing, attempt 50, run twice, differs from step 9 on")
    assert (
        schedule_words.control(run, of())
        == "20 schedules were run twice to check determinism, and none differed from its first run."
    )
    assert schedule_words.control(doubtful, of()) == (
        "20 schedules were run twice to check determinism. The suite has a doubt: "
        "writing, attempt 50, run twice, differs from step 9 on."
    )
    assert schedule_words.control(run, of(run_twice=0)).startswith("No schedule was run twice")


def test_runs_that_say_nothing_to_a_checker_are_counted() -> None:
    """A checker that a fault kept from judging is named with the number of those runs."""
    assert schedule_words.passed_over(of()).endswith("misdelivery (12).")
    assert schedule_words.passed_over(of(passed_over={"leak": 0})) == ""


def test_errors_that_nobody_took_are_told() -> None:
    """Each with how often there was one; where there was none, nothing is said."""
    assert schedule_words.unhandled_errors(of()) == ()
    assert schedule_words.unhandled_errors(
        of(unhandled_errors={"Task exception was never retrieved: ValueError()": 3})
    ) == ("Unhandled background error, 3 times: Task exception was never retrieved: ValueError().",)


def test_the_first_finding_of_a_checker_is_placed() -> None:
    """How many schedules it took, and which one it was; the earliest first."""
    late = {"to_first": 30, "strategy": "pct", "mode": "preemptive", "scene": "editing"}
    early = {"to_first": 9, "strategy": "sticky", "mode": "asyncio-strict", "scene": "failing"}
    assert [
        text.split(":")[0] for text in schedule_words.first_findings(of(first={"leak": late, "access": early}))
    ] == [
        "access",
        "leak",
    ]
    assert First(**early) == of(first={"access": early}).first["access"]


def test_a_sweep_that_began_anew_is_no_more_than_whole() -> None:
    """Faults that were injected again are not counted as if the sweep had more."""
    assert ("4,174 of 4,174", "faults of the sweep") in schedule_words.figures(of(swept=5000))


# Sites and faults


def test_each_fault_is_in_the_table_by_file_and_line() -> None:
    """No fault at a line is lost or made up, and every other await site stands where none was injected."""
    tables = injected_lines(of())
    assert tables is not None
    names = [name for name, _, _ in tables.faults]
    listed = {
        (name, f"{row.file}:{line}")
        for row in tables.files
        for name, lines in zip(names, row.lines, strict=True)
        for line in lines
    }
    assert set(INJECTED) == listed
    assert {name: count for name, _, count in tables.faults if count} == Counter(fault for fault, _ in INJECTED)
    spared = {f"{row.file}:{line}" for row in tables.files for line in row.spared}
    assert (set(SITES) - {site for _, site in INJECTED}, len(spared)) == (spared, tables.spared)


def test_a_fault_that_was_never_injected_is_in_the_table() -> None:
    """Of the known faults, one that was never injected has a row with 0; an unknown one has a row, too."""
    tables = injected_lines(of(injected=[["cancel", "a.py:1"], ["smite", "a.py:10"], ["smite", "a.py:9"]]))
    assert tables is not None
    assert {"cancel": 1, "disconnect": 0, "stop": 0, "fail": 0, "slow": 0, "smite": 2} == {
        name: count for name, _, count in tables.faults
    }
    assert ("9", "10") == next(row for row in tables.files if row.file == "a.py").lines[-1]


def test_a_table_of_many_files_is_cut_and_says_so() -> None:
    """At most so many files are in the table, those with the most lines among them."""
    sites = [f"f{at:03}.py:{line}" for at in range(100) for line in range(1 + (at == 99))]
    tables = injected_lines(of(sites=sites, injected=[["cancel", sites[-1]]], growth=[[1000, 987, 101, 195]]))
    assert tables is not None
    assert (MOST_FILES, f"{MOST_FILES} of 100 files are in the table.") == (len(tables.files), tables.note)
    assert "f099.py" in {row.file for row in tables.files}


def test_without_a_fault_there_is_no_table() -> None:
    """A run without faults says that none was injected."""
    calm = of(injected=[], faults=0, sweep=0, swept=0)
    assert injected_lines(calm) is None
    assert schedule_words.injected(calm) == "Tried: no sweep. No fault was injected."


# Growth


def test_stretches_add_up_to_the_whole() -> None:
    """What the stretches brought is what was seen in all, up to the last schedule, although growth ended earlier."""
    every = stretches(of())
    assert (1, 1000) == (every[0].first, every[-1].last)
    assert (987, 22, 195) == tuple(sum(stretch.new[which] for stretch in every) for which in range(3))
    assert all(before.last + 1 == after.first for before, after in pairwise(every))


def test_a_long_exploration_has_few_stretches() -> None:
    """Neighbours are joined, and nothing is lost."""
    growth = [[at * 25, at * 25, min(at, 22), min(at, 195)] for at in range(1, 401)]
    every = stretches(of(schedules=10_000, traces=10_000, growth=growth))
    assert 10 < len(every) <= 20
    assert (10_000, 10_000, 22) == (every[-1].last, sum(s.new[0] for s in every), sum(s.new[1] for s in every))


def test_the_end_of_an_exploration_is_said_as_it_was() -> None:
    """New things at the end mean that there was more; none do not mean that nothing is left."""
    assert last_stretch(of()) == (
        "The last 75 schedules brought 74 new traces, 0 new await sites and 1 new adjacent pair, "
        "so there was more to be seen when it ended."
    )
    still = of(growth=[[500, 987, 22, 195], [1000, 987, 22, 195]])
    assert last_stretch(still).endswith("which does not mean that nothing is left to be seen.")


def test_a_chart_shows_what_was_new_for_each_hundred_schedules() -> None:
    """A shorter stretch is drawn by its rate, so that it does not look like a fall."""
    first, *_, last = courses(of())[0].points
    per_hundred = [stretch.rates[0] for stretch in stretches(of())]
    assert (100.0, 74 * 100 / 75) == (per_hundred[0], per_hundred[-1])
    assert abs(first[1] - last[1]) < 2
    assert first[0] < last[0]


def test_one_batch_has_no_course() -> None:
    """With one stretch there is nothing to compare, so there is neither chart nor sentence."""
    short = of(growth=[[1000, 987, 22, 195]])
    assert (len(stretches(short)), courses(short), last_stretch(short)) == (1, (), "")
    nothing = of(schedules=0, traces=0, sites=[], pairs=0, growth=[], strategies={})
    assert (stretches(nothing), courses(nothing)) == ((), ())


@given(st.lists(st.tuples(*[st.integers(0, 500)] * 4), min_size=2, max_size=60))
def test_everything_drawn_is_inside_its_chart(steps: list[tuple[int, int, int, int]]) -> None:
    """No point and no tick leaves the view box, whatever was seen when."""
    growth, sums = [], [0, 0, 0, 0]
    for step in steps:
        sums = [sums[0] + step[0] + 1, *(a + b for a, b in zip(sums[1:], step[1:], strict=True))]
        growth.append(list(sums))
    whole = {"schedules": sums[0], "traces": sums[1], "sites": [f"a.py:{n}" for n in range(sums[2])], "pairs": sums[3]}
    for chart in courses(of(**whole, growth=growth)):
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in chart.points)
        assert all(chart.left <= mark.at <= chart.right for mark in chart.across)
        assert all(0 <= mark.at <= chart.bottom for mark in chart.up)
        assert 2 <= len(chart.up) <= 6


# What is absent


def test_a_suite_that_was_not_run_is_said_not_to_be() -> None:
    """No format passes over a suite that is absent."""
    for report in (incomplete(), empty()):
        files = render(report, read_history, judge)
        document = json.loads(files["report.json"])
        assert NOT_RUN in files["report.html"]
        assert NOT_RUN in files["report.md"]
        assert NOT_RUN == property_of(files["junit.xml"], "schedules")
        assert document["schedules"]["state"] == "not run"
        assert {"schedules", "load"} <= set(document["suites_not_run"])
    assert "Not run on the target: schedules and load." in render(incomplete(), read_history)["report.md"]
    assert "Not run on the target: schedules and load." in render(incomplete(), read_history)["report.html"]
    assert "Not run on the target" not in render(holding(), read_history)["report.html"]


def property_of(junit: str, name: str) -> str:
    """A property of the suite "verification"."""
    suite = next(s for s in ElementTree.fromstring(junit).iter("testsuite") if s.attrib["name"] == "verification")
    return next(p.attrib["value"] for p in suite.iter("property") if p.attrib["name"] == name)


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        [],
        {},
        {**measure(), "faults": -1},
        {**measure(), "run_twice": True},
        {**measure(), "sites": [1]},
        {**measure(), "injected": [["cancel"]]},
        {**measure(), "growth": [[1, 2, 3]]},
        {**measure(), "growth": [[50, 50, 9, 9], [50, 60, 9, 9]]},
        {**measure(), "growth": [[50, 50, 9, 9], [60, 60, 8, 9]]},
        {**measure(), "growth": [[2000, 987, 22, 195]]},
        {**measure(), "strategies": {"fifo": "many"}},
    ],
)
def test_a_measure_of_another_form_is_never_drawn(value: Value) -> None:
    """What is missing or malformed is unknown, not zero."""
    assert explored(value) is None
    run = replace(schedules_run(TARGET), measures={"schedules": value})
    files = render(report_of(manifest(), (run,), (), ()), read_history)
    assert NOT_MEASURED in files["report.html"]
    assert NOT_MEASURED in files["report.md"]
    assert (NOT_MEASURED, "not measured") == (
        property_of(files["junit.xml"], "schedules"),
        json.loads(files["report.json"])["schedules"]["state"],
    )


def test_each_format_has_the_same_sentences() -> None:
    """Page and Markdown say alike what was and was not explored; JSON has the latter and the measure itself."""
    report = with_run(left=7)
    files = {name: text.replace("&#39;", "'") for name, text in render(report, read_history, judge).items()}
    run = next(run for run in report.suites if run.suite is Suite.SCHEDULES)
    found = of(left=7)
    for text in (schedule_words.control(run, found), schedule_words.injected(found), last_stretch(found)):
        assert text in files["report.html"]
        assert text in files["report.md"]
    document = json.loads(files["report.json"])
    for text in schedule_words.not_explored(found):
        assert text in files["report.html"]
        assert text in files["report.md"]
    assert [*schedule_words.not_explored(found)] == document["schedules"]["not_explored"]
    assert {**measure(), "left": 7} == document["suites"][1]["measures"]["schedules"]
    assert schedule_words.in_short(found) == property_of(files["junit.xml"], "schedules")


def test_the_numbers_of_the_charts_are_in_a_table() -> None:
    """Whoever cannot see the charts finds each stretch in a row."""
    html = render(holding(), read_history, judge)["report.html"]
    assert html.count('class="line"') == 3
    for stretch in stretches(of()):
        cells = "".join(f'<td class="count">{count:,}</td>' for count in stretch.new)
        assert f'<th scope="row">{stretch.first:,} to {stretch.last:,}</th>{cells}' in html
