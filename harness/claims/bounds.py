"""How large a rate may still be after what was seen of it: the bound of Clopper and Pearson (1934).

How it works. The bound is the rate at which so few violations, or fewer, have a chance of 5 %. That chance is a sum of
binomial terms. Neighbouring terms have a simple ratio, so all are taken relative to the last that counts: no factorial
is needed, and as every term is positive, no digit is lost. Bisection finds the rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

CONFIDENCE = 0.95
_NEGLIGIBLE = 1e-18


def upper_bound(violations: int, examined: int) -> float:
    """Return the one-sided 95 % upper bound of a rate.

    Args:
        violations: in [0, examined].
        examined: 1 or more facts, treated as independent.
    """
    low = violations / examined
    high = min(1.0, (violations + 3 * sqrt(violations + 1) + 5) / examined)  # far above, for any count
    while low < (rate := (low + high) / 2) < high:
        if _chance_of_at_most(violations, examined, rate) > 1 - CONFIDENCE:
            low = rate
        else:
            high = rate
    return high


def _chance_of_at_most(violations: int, examined: int, rate: float) -> float:
    """Return the chance of so many violations or fewer, where each fact is one at this rate, in (0, 1)."""
    odds = rate / (1 - rate)
    fewer = _sum(count / ((examined - count + 1) * odds) for count in range(violations, 0, -1))
    more = _sum((examined - count) / (count + 1) * odds for count in range(violations, examined))
    return (1 + fewer) / (1 + fewer + more)


def _sum(ratios: Iterable[float]) -> float:
    """Return the sum of terms, each given by its ratio to the one before; the one before the first is 1."""
    term, total = 1.0, 0.0
    for ratio in ratios:
        term *= ratio
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return total
