"""One test per claim: the evidence supports it, or the test says what was found, and how to see it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from harness.claims.adjudication import CLAIMS, adjudicate, doubts_about
from harness.claims.evidence import Claim, Evidence, Suite
from harness.claims.plan import ADJUDICABLE

CLAIMED = [CLAIMS[name] for name in ADJUDICABLE]


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMED if claim.suites != (Suite.LOAD,)], ids=lambda claim: claim.id
)
def test_claim(claim: Claim, properties_evidence: Sequence[Evidence], unknown: Callable[[str], None]) -> None:
    """The claim is supported by what the properties suite has seen of the target."""
    _assert_supported(claim, properties_evidence, unknown)


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMED if claim.suites == (Suite.LOAD,)], ids=lambda claim: claim.id
)
def test_claim_under_load(claim: Claim, load_evidence: Sequence[Evidence], unknown: Callable[[str], None]) -> None:
    """The claim is supported by what many users at once have seen of the target."""
    _assert_supported(claim, load_evidence, unknown)


def test_no_schedule_shows_an_anomaly(schedules_evidence: Sequence[Evidence], unknown: Callable[[str], None]) -> None:
    """In fifty schedules, with faults at awaits, no checker finds anything, and the runs are under control."""
    for item in schedules_evidence:
        if item.verdict.findings:
            first = item.verdict.findings[0]
            pytest.fail(f"{first.anomaly.upper()}: {first.message}\nReplay: {item.replay}", pytrace=False)
    if doubts := {doubt for item in schedules_evidence for doubt in item.verdict.doubts}:
        unknown("; ".join(sorted(doubts)))
    assert any(item.verdict.facts for item in schedules_evidence), "nothing was examined"


def _assert_supported(claim: Claim, evidence: Sequence[Evidence], unknown: Callable[[str], None]) -> None:
    result = adjudicate(claim, evidence, ())
    if result.findings:
        first = result.findings[0]
        pytest.fail(
            f"{claim.id} is violated: {claim.sentence}\n{first.anomaly.upper()}: {first.message}\n"
            f"Replay: {result.replay}",
            pytrace=False,
        )
    if doubts := doubts_about(claim, evidence):
        unknown(f"{claim.id}: {'; '.join(doubts)}")
    assert 0 < result.examined, f"{claim.id} was examined on nothing"
