"""Each leaky service is caught by the one stimulus that it needs, and its corrected twin is left alone by the same.

Over a wire nobody decides the order: a race may need a second attempt, with another seed. A twin gets one.
"""

from __future__ import annotations

import pytest

from harness.claims.plan import WireBudget
from tests.services.catalogue import SERVICES, Service
from tests.services.detection import tried


def budget(service: Service) -> WireBudget:
    """Return just enough to show it."""
    volume, warm_up_s = (1_000, 3.0) if service.stimulus == "volume" else (50, 0.0)
    return WireBudget(rounds=4, volume=volume, warm_up_s=warm_up_s, stimuli=(service.stimulus,), shrink_s=0, attempts=1)


SEEDS = (1, 2, 3)


@pytest.mark.parametrize("name", SERVICES)
def test_a_leak_is_found(name: str) -> None:
    """By the stimulus that the service was made for, with who saw whose."""
    service = SERVICES[name]
    for seed in SEEDS:
        result = tried(service, True, budget(service), seed)
        if result.missing:
            pytest.skip(result.missing)
        assert result.outcome is not None
        assert "" == result.outcome.run.doubt
        if result.found:
            break
    findings = [finding for item in result.outcome.evidence for finding in item.verdict.findings]
    assert findings
    assert all(finding.anomaly and finding.message for finding in findings)


@pytest.mark.parametrize("name", SERVICES)
def test_a_twin_is_left_alone(name: str) -> None:
    """By the same, although as much was asked and examined."""
    service = SERVICES[name]
    result = tried(service, False, budget(service))
    if result.missing:
        pytest.skip(result.missing)
    assert result.outcome is not None
    assert "" == result.outcome.run.doubt
    assert {} == result.found
    assert any(item.verdict.facts for item in result.outcome.evidence)
