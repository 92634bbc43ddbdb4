"""Turns numbers and outcomes into words.

Rules:

- Upper bounds are rounded up, never to nearest: 0.104 % is "0.11 %", for 0.10 % would claim too much.
- A count is never given without what it was counted on: "0 of 2,880, below 0.11 % (95 %)".
- HOLDS is worded "holds in what was examined".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

from harness.claims.bounds import upper_bound
from harness.claims.evidence import ClaimResult
from harness.history.model import Value
from harness.judging.verdict import Outcome

DASH = "\N{EN DASH}"

ICONS = {Outcome.HOLDS: "✓", Outcome.UNKNOWN: "○", Outcome.VIOLATED: "✕"}
MARKS = {Outcome.HOLDS: "✅", Outcome.UNKNOWN: "⚪", Outcome.VIOLATED: "❌"}
STATES = {
    Outcome.HOLDS: "HOLDS in what was examined",
    Outcome.UNKNOWN: "UNKNOWN",
    Outcome.VIOLATED: "VIOLATED",
}
BANNERS = {Outcome.HOLDS: "Holds", Outcome.UNKNOWN: "Incomplete", Outcome.VIOLATED: "Violated"}

_UNITS = {
    "ns": "ns",
    "us": "µs",
    "ms": "ms",
    "s": "s",
    "hz": "/s",
    "bytes": "B",
    "kb": "kB",
    "mb": "MB",
    "percent": "%",
}


def _up(value: Decimal, digits: int) -> Decimal:
    # Twice, because 0.0996 rounds up to 0.100, which has a digit too many.
    for _ in range(2):
        value = value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1), ROUND_CEILING)
    return value


def rounded_up(value: float, digits: int = 2) -> float:
    """Return the smallest number of so many significant digits that is not below the value (0 or more)."""
    # By way of repr: the float 0.11 is a little above 0.11, and would become 0.12.
    return float(_up(Decimal(repr(value)), digits))


def percent(rate: float) -> str:
    """Return a rate in [0, 1] as a percentage, rounded up to two significant digits."""
    return f"{_up(Decimal(repr(rate)) * 100, 2):f} %"


def counted(violations: int, examined: int) -> str:
    """Return a count with what it was counted on and its 95 % upper bound."""
    if not examined:
        return f"{violations:,} found, facts not counted" if violations else "nothing examined"
    bound = upper_bound(violations, examined)
    limit = "at most" if bound >= 1 else "below"
    return f"{violations:,} of {examined:,}, {limit} {percent(bound)} (95 %)"


def counts(result: ClaimResult) -> str:
    """Return what was counted for a claim; while it is unknown, without a bound, which would say too much."""
    if result.outcome is Outcome.UNKNOWN and result.examined:
        return f"{result.violations:,} of {result.examined:,}, no bound while unknown"
    return counted(result.violations, result.examined)


def rate(result: ClaimResult) -> str:
    """Return the 95 % upper bound of a claim's rate of violations, or a dash where none may be given."""
    unknown = result.outcome is Outcome.UNKNOWN
    return DASH if unknown or result.bound is None else percent(result.bound)


def number(value: int) -> str:
    """Return an integer with thousands set apart."""
    return f"{value:,}"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun: `1 history`, `2 histories`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def listed(names: Iterable[str]) -> str:
    """Return names in a row: `a`, `a and b`, `a, b and c`."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def sentence(text: str) -> str:
    """Return the text with a capital first letter and a full stop."""
    capital = text[:1].upper() + text[1:]
    return capital if capital.endswith((".", "!", "?")) else f"{capital}."


def stopped(note: str) -> str:
    """Return why a verification stopped early as a sentence, or `""` if it did not."""
    return f"The verification stopped early: {note.rstrip('.')}." if note else ""


def duration(seconds: float) -> str:
    """Return a length of time to three significant digits."""
    return f"{_figures(seconds)} s"


def measure(name: str, value: Value) -> tuple[str, str] | None:
    """Return the label and the text of a scalar measure; None for any other value.

    The unit is the part of the name that is one: `latency_ms_p99` of 41.5 is ("latency p99", "41.5 ms").
    """
    if not isinstance(value, (bool, int, float, str)):
        return None
    words = name.split("_")
    unit = next((word for word in words[1:] if word in _UNITS), None)
    label = " ".join(word for word in words if word != unit)
    return label, f"{_scalar(value)} {_UNITS[unit]}" if unit else _scalar(value)


def _scalar(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _figures(value)
    return number(value) if isinstance(value, int) else value


def _figures(value: float) -> str:
    if not math.isfinite(value):
        return "not a number"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts `u9` before `u10`."""
    return tuple((int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", name))
