from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from harness.claims.evidence import Manifest
from harness.claims.run_folder import RunFolder, Witness
from harness.history.model import Header
from harness.judging.checkers import CHECKERS
from harness.mutants import SUBJECTS
from harness.performing.connections import Deadlines
from harness.performing.performance import Failure, perform
from harness.performing.reduction import reduce
from harness.performing.totals import Totals
from harness.properties.machine import Search, explore
from harness.scenario.program import Program
from harness.verification.replay import replay_witness

CHECKER, MUTANT = "leak", "unfiltered-threads"


def search(mutant: str, folder: RunFolder | None = None, *, examples: int, seed: int = 1) -> Search:
    """Perform random programs alone on the mutant, judged by the checker that should see it."""
    with asyncio.Runner() as loop:
        found = Search(
            loop=loop,
            open_target=SUBJECTS[mutant].open,
            deadlines=Deadlines(),
            checkers={CHECKER: CHECKERS[CHECKER]},
            header=lambda target, number, users, promises: Header(
                target=target, suite="tests", seed=1000 + number, users=users, promises=promises
            ),
            file=folder.history_file("random") if folder is not None else None,
            totals=Totals(),
        )
        try:
            explore(found, examples=examples, steps=20, seed_value=seed)
        finally:
            if found.file is not None:
                found.file.close()
    return found


def folder_in(path: Path) -> RunFolder:
    """Return a new run folder."""
    manifest = Manifest(run="r", target="t", plan="p", required=(), seed=1, users=2, started="now", version="0")
    return RunFolder.create(path / "run", manifest)


@pytest.fixture(scope="module")
def small() -> Failure:
    """The first failure of random programs alone on the mutant, made smaller."""
    first = search(MUTANT, examples=20).failure
    assert first is not None

    async def again(program: Program) -> Failure:
        return await perform(program, first.header, SUBJECTS[MUTANT].open, {CHECKER: CHECKERS[CHECKER]})

    return asyncio.run(reduce(first, CHECKER, again, 600, needed=3, tries=3)).failure


def test_a_mutant_is_found_made_smaller_and_replayed(small: Failure) -> None:
    """By random programs alone: what is left are the few steps that it takes, and they show it again."""
    assert len(small.program.steps) <= 6, [str(step) for step in small.program.steps]
    witness = Witness(
        checker=CHECKER,
        finding=small.verdicts[CHECKER].findings[0],
        target=MUTANT,
        header=small.header,
        program=small.program,
        history=small.events,
    )
    finding = replay_witness(witness, attempts=3).finding
    assert finding is not None
    assert (witness.finding.anomaly, witness.finding.message) == (finding.anomaly, finding.message)


def test_nothing_is_left_out_that_the_finding_needs(small: Failure) -> None:
    """Without any one of the steps that are left it does not show."""
    checkers = {CHECKER: CHECKERS[CHECKER]}
    for left_out in range(len(small.program.steps)):
        steps = tuple(step for number, step in enumerate(small.program.steps) if number != left_out)
        program = replace(small.program, steps=steps)
        again = asyncio.run(perform(program, small.header, SUBJECTS[MUTANT].open, checkers))
        assert () == again.verdicts[CHECKER].findings


def test_one_seed_gives_one_sequence_of_programs(tmp_path: Path) -> None:
    """The same steps are asked in the same order; another seed asks others."""

    def asked(name: str, seed: int) -> list[tuple[str, str]]:
        run = folder_in(tmp_path / name)
        search("common-style", run, examples=5, seed=seed)
        events = [event for _, _, events in run.histories("histories/random.jsonl") for event in events]
        return [(event.user, event.name) for event in events if event.kind == "invoke" and event.name != "read_run"]

    one = asked("one", 1)
    assert (one, True) == (asked("again", 1), one != asked("other", 2))


def test_a_correct_target_gives_no_failure() -> None:
    """All programs are counted, and none is kept."""
    found = search("common-style", examples=3)
    assert (None, 3, True) == (found.failure, found.totals.histories, 0 < found.totals.operations)
