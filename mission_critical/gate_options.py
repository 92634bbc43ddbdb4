"""The options of the gate, as a pytest plugin of the distribution: they are there wherever the gate is run from.

pytest loads it into every test run of the environment, those of strangers included: so each option begins with
`--isolation-`, and the plugin does nothing else.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the gate."""
    group = parser.getgroup("isolation gate")
    group.addoption("--isolation-target", default="reference", help="a name of `harness list`, or module:attribute")
    group.addoption("--isolation-seed", default=1, type=int, help="one seed, one run")
    group.addoption("--isolation-users", default=10, type=int, help="concurrent users")
    group.addoption(
        "--isolation-allow-unknown",
        action="store_true",
        help="skip, with the reason, claims that the target cannot show",
    )
