"""Numbers become words that never say more than the numbers do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims.bounds import upper_bound
from harness.reporting.wording import counted, listed, measure, natural, percent, plural, rounded_up


def test_a_bound_is_rounded_up() -> None:
    """0 of 2,880 has a bound of 0.104 %, which is said as 0.11 %, not 0.10 %."""
    bound = upper_bound(0, 2880)
    assert f"{bound * 100:.3f}" == "0.104"
    assert (percent(bound), rounded_up(bound)) == ("0.11 %", 0.0011)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.11, "11 %"),
        (0.000996, "0.10 %"),
        (0.991, "100 %"),
        (1.0, "100 %"),
        (0.0601, "6.1 %"),
        (1e-7, "0.000010 %"),
    ],
)
def test_a_percentage_has_two_digits(rate: float, text: str) -> None:
    """A value that has two digits keeps them, and any more are rounded up."""
    assert text == percent(rate)


@given(st.floats(min_value=1e-12, max_value=1.0))
def test_rounding_up_is_never_below_and_at_most_a_tenth_above(value: float) -> None:
    """Two significant digits, rounded up, cost less than one part in ten."""
    rounded = rounded_up(value)
    assert Decimal(repr(value)) <= Decimal(repr(rounded)) <= Decimal(repr(value)) * Decimal("1.1")


def test_a_count_carries_its_base_and_its_bound() -> None:
    """Nothing is counted without saying on what."""
    assert counted(0, 2880) == "0 of 2,880, below 0.11 % (95 %)"
    assert counted(3, 3) == "3 of 3, at most 100 % (95 %)"
    assert counted(0, 0) == "nothing examined"
    assert counted(2, 0) == "2 found, facts not counted"


def test_words_agree_with_their_numbers() -> None:
    """One is singular, and a list reads like a list."""
    assert (plural(1, "history", "histories"), plural(2000, "history", "histories")) == (
        "1 history",
        "2,000 histories",
    )
    assert (listed([]), listed("a"), listed("ab"), listed("abc")) == ("", "a", "a and b", "a, b and c")


def test_a_measure_shows_the_unit_of_its_name() -> None:
    """The unit leaves the name and follows the number; what is no scalar is no measure."""
    assert measure("latency_ms_p99", 63.7) == ("latency p99", "63.7 ms")
    assert measure("throughput_hz", 1715.0) == ("throughput", "1,715 /s")
    assert measure("s", 4) == ("s", "4")
    assert measure("ratio", float("nan")) == ("ratio", "not a number")
    assert measure("deliveries", []) is None


def test_users_are_sorted_by_number() -> None:
    """u9 comes before u10, and an intruder after the user of that number."""
    assert sorted(["u100", "u10", "u09~expired", "u9", "u09"], key=lambda name: (natural(name), name)) == [
        "u09",
        "u9",
        "u09~expired",
        "u10",
        "u100",
    ]
