"""Each mutant shows on the stimulus that it names, without a random program."""

from __future__ import annotations

import pytest
from plays import PARTS, play

from harness.model import Promises
from harness.mutants import MUTANTS, Subject
from harness.properties.tours import tours


def test_every_mutant_names_its_stimulus() -> None:
    """None is left to chance: each names a tour that exists, or the parts."""
    known = {PARTS, "intruders", *(program.name for program in tours(4, Promises()))}
    assert [] == [mutant.name for mutant in MUTANTS.values() if mutant.shows_on not in known]


@pytest.mark.parametrize("subject", MUTANTS.values(), ids=lambda subject: subject.name)
def test_a_mutant_shows_on_its_own_stimulus(subject: Subject) -> None:
    """The checker that is expected to see it does, without a random program."""
    assert subject.expected in play(subject, subject.shows_on).flagged_by
