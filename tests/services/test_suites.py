"""A service that is described once is verified without a socket, too: by random programs, and in every order."""

from __future__ import annotations

import pytest

from harness.claims.evidence import Suite
from tests.services.suites import IN_PROCESS, INSIDE, tried

SEEN = [(name, suite) for name, seen in IN_PROCESS.items() for suite in seen.inside]
UNCONTROLLED = ("django_orders", Suite.SCHEDULES)
"""Django asks threads of its own, which no schedule controls."""
TWINS = [(name, suite) for name in IN_PROCESS for suite in INSIDE if (name, suite) != UNCONTROLLED]


@pytest.mark.parametrize(("name", "suite"), SEEN)
def test_a_leak_is_found(name: str, suite: Suite) -> None:
    """By the checker that sees such a mistake."""
    result = tried(name, suite, leaky=True)
    assert (True, "") == (IN_PROCESS[name].checker in result.found, result.doubt)


@pytest.mark.parametrize(("name", "suite"), TWINS)
def test_a_twin_is_left_alone(name: str, suite: Suite) -> None:
    """Although as much was examined."""
    result = tried(name, suite, leaky=False)
    assert ((), True, "") == (result.found, result.examined > 0, result.doubt)


def test_a_service_whose_threads_nobody_controls_is_said_to_be_one() -> None:
    """The suite says so, and examines nothing."""
    result = tried(*UNCONTROLLED, leaky=False)
    assert (True, 0) == ("leaves this process" in result.doubt, result.examined)
