"""Each mutant shows on the stimulus that it names, and each anomaly on a mutant, without a random program."""

from __future__ import annotations

from functools import cache

import pytest
from plays import PARTS, play

from harness.claims.catalogue import ANOMALIES
from harness.claims.evidence import Anomaly
from harness.claims.plan import QUICK_TRIALS
from harness.mutants import MUTANTS, Subject
from harness.properties.fixed_programs import fixed_programs
from harness.targets.bundled import BUNDLED


def test_every_mutant_names_its_stimulus() -> None:
    """None is left to chance: each names a program that exists, or the parts."""
    known = {PARTS, "intruders", *(program.name for program in fixed_programs(4, BUNDLED.promises))}
    assert [] == [mutant.name for mutant in MUTANTS.values() if mutant.shows_on not in known]


@cache
def shown_by(name: str) -> frozenset[str]:
    """Return the anomalies that a mutant shows on its own stimulus."""
    verdicts = play(MUTANTS[name], MUTANTS[name].shows_on).verdicts.values()
    return frozenset(anomaly for verdict in verdicts for anomaly, count in verdict.violations.items() if count)


@pytest.mark.parametrize("subject", MUTANTS.values(), ids=lambda subject: subject.name)
def test_a_mutant_shows_on_its_own_stimulus(subject: Subject) -> None:
    """The checker that is expected to see it does, without a random program."""
    assert shown_by(subject.name) & {
        anomaly.id for anomaly in ANOMALIES.values() if anomaly.checker == subject.expected
    }


@pytest.mark.parametrize("anomaly", ANOMALIES.values(), ids=lambda anomaly: anomaly.id)
def test_an_anomaly_is_shown_by_a_mutant(anomaly: Anomaly) -> None:
    """By one whose expected checker is its own: what no planted bug shows, nobody knows to be found."""
    assert any(
        anomaly.id in shown_by(subject.name) for subject in MUTANTS.values() if subject.expected == anomaly.checker
    )


def test_quick_shows_every_anomaly() -> None:
    """The mutants that the quick plan names are enough: otherwise its claims could never hold."""
    shown = {anomaly for name in QUICK_TRIALS if name in MUTANTS for anomaly in shown_by(name)}
    assert set() == set(ANOMALIES) - shown
