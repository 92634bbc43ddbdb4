"""Which stimuli a service was put under, and what each revealed, in numbers.

Rules: counts come from the measure `stimuli`; a stimulus that could not be tried says why; a run without the measure,
or with one of another form, says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        why_not: why it was not tried, or `""`.
    """

    name: str
    requests: int
    left_out: int
    renamed: int
    hung_up: int
    found: Mapping[str, int]
    why_not: str


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
    if not isinstance(value, Mapping):
        return ()
    return tuple(_one(name, measured) for name, measured in value.items() if isinstance(measured, Mapping))


def _one(name: str, measured: Mapping[str, Value]) -> Tried:
    found = measured.get("found")
    return Tried(
        name=name,
        requests=_count(measured, "requests"),
        left_out=_count(measured, "left_out"),
        renamed=_count(measured, "renamed"),
        hung_up=_count(measured, "hung_up"),
        found=dict(found) if isinstance(found, Mapping) else {},
        why_not=str(measured.get("not_tried", "")),
    )


def _count(measured: Mapping[str, Value], name: str) -> int:
    count = measured.get(name, 0)
    return count if isinstance(count, int) else 0


def outcome(tried: Tried) -> str:
    """Return what a stimulus came to, in words."""
    if tried.why_not:
        return f"not tried: {tried.why_not}"
    found = "; ".join(f"{checker} after {requests:,} requests" for checker, requests in tried.found.items())
    renamed = f" ({tried.renamed} users under plain names, as theirs were not taken)" if tried.renamed else ""
    return (found or "nothing found") + renamed
