"""Text of a hostile target cannot leave the place that it is given."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from example_report import (
    LEAK,
    TARGET_HISTORY,
    evidence,
    judge,
    manifest,
    read_history,
    suites,
    target_history,
    trials,
)
from example_schedules import SCHEDULE_HISTORY, schedules_run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.claims.adjudication import report_of
from harness.claims.evidence import Report, Suite
from harness.history.model import History
from harness.reporting import render
from harness.reporting.escaping import MOST_CHARACTERS, block, code, escaped, shown

HOSTILE = (
    "</script><script>alert(1)</script>",
    "a | b ` c ``` d\n# title\n- item",
    "\x1b[31mred\x1b[0m \x00 \x07 \u202egnp.exe\u202c \ud800 \ufffe",
    "![x](http://evil.example/x.png) <img src=x onerror=y> www.evil.example &lt; ]]>",
    '" onmouseover="x',
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "\\" * 5 + "|" + "\\`",
    "x" * 5000,
)


def hostile_report(text: str) -> Report:
    """A report in which everything that a target or a user can choose is this text."""
    finding = replace(LEAK, message=text)
    spoiled = replace(evidence("leak", findings=(finding,)), replay=text)
    doubtful = evidence("misdelivery")
    doubtful = replace(doubtful, verdict=replace(doubtful.verdict, doubts=(text,)))
    first, *rest = trials()
    wrong = replace(first, error=text, finding=finding, sentence=text)
    run = replace(
        suites()[0],
        target=text,
        doubt=text,
        files=(text,),
        measures={text: text, "deliveries": [[text, "u00", 3]]},
    )
    explored = schedules_run(
        text,
        sites=[text, f"{text}:3"],
        injected=[[text, text], ["cancel", f"{text}:3"]],
        growth=[[500, 900, 2, 100]],
        strategies={text: 1, f"{text}, {text}": 2},
        unhandled_errors={text: 2},
        passed_over={text: 3},
        first={text: {"to_first": 1, "strategy": text, "mode": text, "scene": text}},
    )
    chosen = replace(
        evidence("tampering", Suite.SCHEDULES, findings=(replace(finding, anomaly="lost-write"),)),
        replay=text,
        witness=SCHEDULE_HISTORY,
        explanation=(text, f"fault: {text}", f"deviation: {text}", text),
    )
    planted = replace(
        rest[0],
        suite=Suite.SCHEDULES,
        measures={"schedules": {"to_first": 2, "strategy": text, "mode": text, "scene": text}},
    )
    environment = {"python": text, text: text}
    head = manifest(
        target=text, command=text, started=text, run=text, environment=environment, required=(text, "EVT-1")
    )
    return report_of(head, (run, explored), (spoiled, doubtful, chosen), (wrong, planted, *rest), text)


class Page(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.text.append(data)


def page_of(html: str) -> Page:
    """The parsed page."""
    page = Page()
    page.feed(html)
    page.close()
    return page


def hostile_history(text: str) -> History:
    """The target's history, in which every event is named by this text."""
    history = target_history()
    return History(history.header, tuple(replace(event, name=text) for event in history.events))


def read_hostile(text: str, name: str) -> History:
    """The hostile history for the target, the plain one for the mutant."""
    return hostile_history(text) if name == TARGET_HISTORY else read_history(name)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_has_the_same_elements_whatever_the_target_says(text: str) -> None:
    """Hostile text adds no element and no attribute to the page."""
    plain, hostile = (
        page_of(render(hostile_report(t), partial(read_hostile, t), judge)["report.html"]) for t in ("plain text", text)
    )
    assert plain.tags == hostile.tags
    # Counted, because users are sorted by name, and so the attributes of their headings.
    assert Counter(name for name, _ in plain.attributes) == Counter(name for name, _ in hostile.attributes)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(), max_size=60))
@example("\x1b]0;x\x07")
@example("\ud800")
def test_every_format_stays_well_formed(text: str) -> None:
    """Any text leaves valid XML, valid JSON that has it whole, and pages and Markdown that encode as UTF-8."""
    files = render(hostile_report(text), partial(read_hostile, text), judge)
    for content in files.values():
        content.encode("utf-8")
    ElementTree.fromstring(files["junit.xml"])
    assert text == json.loads(files["report.json"])["manifest"]["target"]
    page = page_of(files["report.html"])
    assert ("script" in page.tags, "img" in page.tags) == (False, False)


@given(st.text(st.characters()))
def test_shown_text_is_one_line_without_controls(text: str) -> None:
    """What is shown has neither line breaks nor control, format-override or surrogate characters."""
    line, controls = shown(text), ("Cc", "Cs", "Zl", "Zp")
    bad = [c for c in line if unicodedata.category(c) in controls or c in "\u202e\u2066\ufeff"]
    assert bad == []


def test_what_cannot_be_shown_is_written_out() -> None:
    """An escape sequence is seen, not obeyed; a long text says that it was cut."""
    assert shown("a\x1b[31mb\n\u202e") == "a\\x1b[31mb \\u202e"
    assert shown("x" * 5000)[MOST_CHARACTERS + 2 :] == "(5,000 characters, whole in report.json)"


def test_markdown_specials_are_escaped_and_names_are_left_alone() -> None:
    """A table cell stays one cell, a tag stays text, and a name of the vocabulary stays readable."""
    assert escaped("a | b") == "a \\| b"
    assert escaped("<b>") == "&lt;b>"
    assert escaped("ok of list_notes (event 5)") == "ok of list_notes (event 5)"
    assert (escaped("- x"), escaped("1. x"), escaped("# x")) == ("\\- x", "1\\. x", "\\# x")


def test_code_outlasts_the_backticks_in_it() -> None:
    """The fence is longer than any run of backticks inside."""
    assert (code("a`b"), code("`a")) == ("``a`b``", "`` `a ``")
    assert block(("x ``` y",)).split("\n") == ["````sh", "x ``` y", "````"]
    assert code("a|b") == "<code>a\\|b</code>"


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_tables_keep_their_columns(text: str) -> None:
    """Every row of a table has as many cells as its heading, whatever the target says."""
    lines = render(hostile_report(text), read_history, judge)["report.md"].split("\n")
    columns = 0
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if set(after) <= set("|-:") and after.startswith("|--"):
            columns = _cells(line)
        elif line.startswith("|"):
            assert columns == _cells(line), line
    assert columns


def _cells(line: str) -> int:
    """The unescaped pipes of a row."""
    bare = line.replace("\\\\", "")
    return bare.count("|") - bare.count("\\|")
