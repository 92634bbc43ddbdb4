"""A service that is described once is verified without a socket, too: by random programs, and in every order."""

from __future__ import annotations

import pytest

from harness.claims.evidence import Suite
from tests.services.suites import IN_PROCESS, INSIDE, Tried, tried

SEEN = [(name, suite) for name, seen in IN_PROCESS.items() for suite in seen.inside]
UNCONTROLLED = "leaves this process"
"""What the schedules suite says of a service whose threads it cannot control."""


def ran(result: Tried) -> bool:
    """Whether the suite could run at all; where it could not, it says why, and nothing else."""
    return UNCONTROLLED not in result.doubt


@pytest.mark.parametrize(("name", "suite"), SEEN)
def test_a_leak_is_found(name: str, suite: Suite) -> None:
    """By the checker that sees such a mistake."""
    result = tried(name, suite, leaky=True)
    assert (True, "") == (IN_PROCESS[name].checker in result.found, result.doubt)


@pytest.mark.parametrize("suite", INSIDE)
@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_twin_is_left_alone(name: str, suite: Suite) -> None:
    """Although as much was examined."""
    result = tried(name, suite, leaky=False)
    assert () == result.found
    assert (True, "") == (result.examined > 0, result.doubt) or not ran(result)


def test_a_service_whose_threads_nobody_controls_is_said_to_be_one() -> None:
    """Django asks its threads: the schedules suite says so, and examines nothing."""
    result = tried("django_orders", Suite.SCHEDULES, leaky=False)
    assert (False, 0) == (ran(result), result.examined)
