"""Which stimuli a service was put under, and what each revealed, in numbers.

Rules: counts come from the measure `stimuli`; a stimulus that could not be tried says why; a run without the measure,
or with one of another form, says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from harness.claims.evidence import Report, Suite, SuiteRun
from harness.history.model import Value


@dataclass(frozen=True, slots=True)
class Tried:
    """One stimulus.

    Args:
        name: of it.
        requests: that were made.
        left_out: that were not, as they needed an object that the service never gave.
        renamed: users whose confusable names the service did not take.
        hung_up: how often a client hung up, or was dropped.
        found: by checker, after how many requests it first found something.
        not_tried: why it was not tried, or `""`.
    """

    name: str
    requests: int = 0
    left_out: int = 0
    renamed: int = 0
    hung_up: int = 0
    found: Mapping[str, int] = field(default_factory=dict)
    not_tried: str = ""


_TRIED = TypeAdapter(Tried)


@dataclass(frozen=True, slots=True)
class Stimulated:
    """One run of the wire suite.

    Args:
        run: of it.
        tried: every stimulus, in order.
    """

    run: SuiteRun
    tried: tuple[Tried, ...]


def stimulated(report: Report) -> tuple[Stimulated, ...]:
    """Return each run of the wire suite; empty when there was none."""
    runs = (run for run in report.suites if run.suite is Suite.WIRE)
    return tuple(Stimulated(run, _tried(run.measures.get("stimuli"))) for run in runs)


def _tried(value: Value) -> tuple[Tried, ...]:
    try:
        return tuple(_TRIED.validate_python({"name": name, **measured}) for name, measured in dict(value).items())
    except (TypeError, ValueError):
        return ()


def outcome(tried: Tried) -> str:
    """Return what a stimulus came to, in words."""
    if tried.not_tried:
        return f"not tried: {tried.not_tried}"
    found = "; ".join(f"{checker} after {requests:,} requests" for checker, requests in tried.found.items())
    renamed = f" ({tried.renamed} users under plain names, as theirs were not taken)" if tried.renamed else ""
    return (found or "nothing found") + renamed
