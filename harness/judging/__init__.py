"""What a history shows: the single-user model, ownership, and one checker for each kind of anomaly. Pure.

    from harness.judging import CHECKERS, judge

    verdict = judge(CHECKERS["leak"], header, events)

What is named here is public (docs/api.md), and is loaded when it is asked for: whoever needs one file has no use for
all checkers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.history.model import Event, EventKind, Header, History
    from harness.judging.checkers import CHECKERS
    from harness.judging.verdict import Checker, Finding, Fold, Outcome, Verdict, judge

__all__ = [
    "CHECKERS",
    "Checker",
    "Event",
    "EventKind",
    "Finding",
    "Fold",
    "Header",
    "History",
    "Outcome",
    "Verdict",
    "judge",
]
_FROM = {"CHECKERS": "harness.judging.checkers"} | dict.fromkeys(
    ("Event", "EventKind", "Header", "History"), "harness.history.model"
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_FROM.get(name, "harness.judging.verdict")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
