"""Each leaky service is caught by the one stimulus that it needs, and its corrected twin is left alone by the same."""

from __future__ import annotations

import pytest

from harness.plan import WireBudget
from tests.services.catalogue import SERVICES, Service
from tests.services.detection import tried


def budget(service: Service) -> WireBudget:
    """Return just enough to show it."""
    volume = 1_000 if service.stimulus == "volume" else 50
    return WireBudget(users=10, rounds=4, volume=volume, stimuli=(service.stimulus,), shrink_s=0, attempts=1)


@pytest.mark.parametrize("leaky", [True, False], ids=["leaky", "twin"])
@pytest.mark.parametrize("name", SERVICES)
def test_is_as_it_should_be(name: str, leaky: bool) -> None:
    """Found where it is, and nowhere else."""
    service = SERVICES[name]
    result = tried(service, leaky, budget(service))
    if result.missing:
        pytest.skip(result.missing)
    assert result.outcome is not None
    assert "" == result.outcome.run.doubt
    assert (leaky, 0 < result.outcome.run.operations) == (bool(result.found), True)
    if leaky:
        finding = next(item.verdict.findings[0] for item in result.outcome.evidence if item.verdict.findings)
        assert finding.anomaly
