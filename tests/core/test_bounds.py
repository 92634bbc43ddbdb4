"""The upper bound of a rate, against values that were computed elsewhere."""

from __future__ import annotations

import subprocess
import sys
from math import isclose

import pytest

from harness.claims.bounds import upper_bound

KNOWN = [
    (0, 1, 0.95),
    (0, 2, 0.776393202250021),
    (1, 2, 0.9746794344808963),
    (0, 3, 0.6315968501359612),
    (2, 3, 0.9830475724915585),
    (0, 10, 0.2588655508930522),
    (1, 10, 0.39416330243650466),
    (5, 10, 0.7775588989918706),
    (9, 10, 0.9948838031081763),
    (0, 59, 0.04950760988822693),
    (3, 59, 0.12620655673085027),
    (0, 1_000, 0.002991249545095295),
    (5, 1_000, 0.010484076911415651),
    (500, 1_000, 0.5264822687643087),
    (999, 1_000, 0.999948708021091),
    (0, 2_880, 0.0010396440125078048),
    (1, 2_880, 0.0016461049423017707),
    (0, 1_000_000, 2.9957277863525433e-06),
    (7, 1_000_000, 1.3148073384401915e-05),
    (1_000, 1_000_000, 0.0010535748774544362),
    (500_000, 1_000_000, 0.5008229260505229),
    (0, 100_000_000, 2.995732228681931e-08),
    (12_345, 100_000_000, 0.00012529319088034203),
]
"""Violations, examined, and `scipy.special.betaincinv(violations + 1, examined - violations, 0.95)` of scipy 1.17.1."""


@pytest.mark.parametrize(("violations", "examined", "bound"), KNOWN)
def test_the_bound_equals_that_of_scipy(violations: int, examined: int, bound: float) -> None:
    """Twelve digits agree, for few facts and for many, without a violation and with nothing else."""
    assert isclose(bound, upper_bound(violations, examined), rel_tol=1e-12)


@pytest.mark.parametrize("examined", [1, 2, 1_000_000])
def test_where_all_is_violated_nothing_is_bounded(examined: int) -> None:
    """The rate may be 1 when every fact was a violation."""
    assert 1.0 == upper_bound(examined, examined)


def test_the_bound_needs_no_numerical_library() -> None:
    """Neither scipy nor numpy is loaded for it, installed or not."""
    program = (
        "import sys; from harness.claims.bounds import upper_bound; upper_bound(3, 59);"
        "print(sorted({'scipy', 'numpy'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]\n" == answer.stdout
