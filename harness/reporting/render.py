"""The one entry point: a report in all its formats.

Rules: each format is made from the report alone; none is made from another.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.claims.evidence import Report
from harness.reporting.as_html import as_html
from harness.reporting.as_json import as_json
from harness.reporting.as_junit import as_junit
from harness.reporting.as_markdown import as_markdown
from harness.reporting.stories import Judge, ReadHistory

__all__ = ["Judge", "ReadHistory", "render"]


def render(report: Report, read_history: ReadHistory, judge: Judge | None = None) -> Mapping[str, str]:
    """Return the text of every format, by file name.

    Args:
        report: what is to be said.
        read_history: returns a stored history by the name that `Evidence.witness` or `Trial.witness` gives
            it; a LookupError leaves the figure out, and a sentence says so.
        judge: returns the findings of a checker on a history, made anew: the numbered arrows. Without it only
            findings that are known to be of that very history are drawn.
    """
    return {
        "report.json": as_json(report),
        "report.md": as_markdown(report),
        "report.html": as_html(report, read_history, judge),
        "junit.xml": as_junit(report),
    }
