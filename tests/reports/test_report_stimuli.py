"""What a stimulus came to is said in words, from the measures alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from example_report import holding

from harness.claims.evidence import Suite, SuiteRun
from harness.history.model import Value
from harness.reporting.stimulated import outcome, stimulated


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ({"requests": 9}, "nothing found"),
        ({"requests": 9, "found": {"leak": 1_200}}, "leak after 1,200 requests"),
        ({"requests": 9, "renamed": 2}, "nothing found (2 users under plain names, as theirs were not taken)"),
        ({"requests": 0, "not_tried": "it needs a channel"}, "not tried: it needs a channel"),
    ],
)
def test_each_outcome_has_its_words(measured: Value, said: str) -> None:
    """Found, not found, not tried; and whether names were not taken."""
    run = SuiteRun(suite=Suite.WIRE, target="t", seed=1, users=2, measures={"stimuli": {"names": measured}})
    (shown,) = stimulated(replace(holding(), suites=(run,)))
    assert [said] == [outcome(tried) for tried in shown.tried]
