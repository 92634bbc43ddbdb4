"""The page is self-contained, accessible in form, and says what the report says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from example_report import EXAMPLES, empty, holding, incomplete, judge, read_history, violated
from test_report_escaping import page_of

from harness.claims.evidence import Report
from harness.history.model import History
from harness.reporting import render

every_example = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def page(report: Report) -> str:
    """The text of the page."""
    return render(report, read_history, judge)["report.html"]


@every_example
def test_nothing_is_loaded_or_run(example: Callable[[], Report]) -> None:
    """No script, handler, link, frame or address: the page makes no request, and its policy forbids any."""
    html = page(example())
    parsed = page_of(html)
    assert set() == set(parsed.tags) & {
        "script",
        "link",
        "iframe",
        "img",
        "object",
        "embed",
        "form",
        "base",
        "a",
    }
    names = {name for name, _ in parsed.attributes}
    assert [name for name in names if name.startswith("on") or name in ("src", "href", "xlink:href")] == []
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("content", policy) in parsed.attributes
    style = html.split("<style>")[1].split("</style>")[0]
    assert re.findall(r"@import|url\(", style) == []
    assert {"http://127.0.0.1:8000"} >= set(re.findall(r"https?://[^\s<.]+(?:\.\d+)*(?::\d+)?", html))


@every_example
def test_elements_are_closed_and_ids_are_unique(example: Callable[[], Report]) -> None:
    """Every element that is opened is closed, and each id names one element that its references find."""
    html = page(example())
    parsed = page_of(html)
    void = {"meta", "br", "rect", "path", "circle"}
    for tag, count in Counter(parsed.tags).items():
        if tag not in void:
            assert count == len(re.findall(f"</{tag}>", html)), tag
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    references = [value for name, value in parsed.attributes if name == "aria-labelledby"]
    assert set() == {name for value in references for name in value.split()} - set(ids)


def test_headings_descend_one_step_at_a_time() -> None:
    """One h1, then h2 and h3 without a gap."""
    levels = [int(tag[1]) for tag in page_of(page(violated())).tags if re.fullmatch(r"h[1-6]", tag)]
    assert 1 == levels[0] == levels.count(1) * levels[0]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_figures_have_a_title_and_a_description() -> None:
    """Each picture with a role says in words what it shows."""
    html = page(violated())
    roles = html.count('role="img"')
    assert (roles, html.count("<title id="), html.count("<desc id=")) == (7, 7, 7)


def test_figures_have_a_size_of_their_own() -> None:
    """A small picture is not blown up to the width of the page."""
    sizes = re.findall(r'<svg viewBox="0 0 (\S+) (\S+)"(?: width="(\S+)" height="(\S+)")? role="img"', page(violated()))
    assert [(width, height) for width, height, _, _ in sizes] == [(width, height) for _, _, width, height in sizes]


def test_tables_have_captions_and_scopes() -> None:
    """Each table has a caption, and each heading cell says what it heads."""
    tags = Counter(page_of(page(violated())).tags)
    assert tags["table"] == tags["caption"]
    assert tags["th"] == sum(name == "scope" for name, _ in page_of(page(violated())).attributes)


@pytest.mark.parametrize(
    ("example", "word"),
    [(holding, "Holds"), (violated, "Violated"), (incomplete, "Incomplete"), (empty, "Incomplete")],
)
def test_the_banner_is_the_outcome(example: Callable[[], Report], word: str) -> None:
    """The largest word on the page is the outcome."""
    banner = re.search(r'<p class="word">.*?</span> (\w+)</p>', page(example()))
    assert banner is not None
    assert word == banner[1]


def test_both_colour_schemes_are_offered() -> None:
    """The page follows the reader's choice, and prints in light colours."""
    html = page(holding())
    assert "color-scheme: light dark" in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media print" in html


def test_a_missing_history_leaves_a_sentence_on_the_page() -> None:
    """The page says that a figure is missing, and why."""

    def nothing(name: str) -> History:
        raise LookupError(name)

    html = render(violated(), nothing)["report.html"]
    assert html.count("No figure: the history") == 2
    assert html.count('class="lane"') == 0


def test_the_page_stays_small() -> None:
    """Figures, tables and style together weigh less than a photograph."""
    assert len(page(violated()).encode()) < 100_000


def test_text_on_colour_has_enough_contrast() -> None:
    """Every pair of text and ground reaches 4.5 to 1 (WCAG 2.2, 1.4.3) in both schemes."""
    blocks = re.findall(r":root \{(.*?)\}", page(holding()), re.DOTALL)
    for block in blocks[:2]:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        pairs = [(ink, "page") for ink in ("ink", "soft", "holds", "violated", "unknown", "link")]
        pairs += [("on-crossed", "crossed"), ("ink", "cell"), ("ink", "band")]
        for ink, ground in pairs:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
