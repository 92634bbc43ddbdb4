"""How long things took, in buckets, so that parts measured apart add up to the whole.

How it works: a bucket is 2 % wide, so a percentile is off by 1 % at most, however many values there are. Adding a value
costs one logarithm; Locust's own `request` event costs twenty times that, which a pushed event cannot pay.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

_WIDTH = math.log(1.02)
_LEAST_MS = 0.001


class Histogram:
    """Counts of milliseconds by bucket."""

    __slots__ = ("_counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = Counter(dict(counts or {}))

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, value_ms: float) -> None:
        """Count one value; below a microsecond all are alike."""
        self._counts[round(math.log(max(value_ms, _LEAST_MS)) / _WIDTH)] += 1

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both parts."""
        return Histogram(self._counts + other._counts)

    def percentile(self, share: float) -> float | None:
        """Return the value that this share, in (0, 1], does not exceed; None when there is none."""
        rank = math.ceil(share * len(self))
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return round(math.exp(bucket * _WIDTH), 3)
        return None

    def counts(self) -> Mapping[int, int]:
        """Return the buckets, to be kept or sent."""
        return dict(self._counts)
