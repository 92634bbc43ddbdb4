"""What a batch counts, and what it keeps when it takes in the one that comes next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

import pytest
from board_target import Board, Visitor

from harness.history.model import Event, EventKind, OnPush, Operation, Target, User, Value
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding, Verdict
from harness.loop.scheduling import Mode
from harness.loop.strategies.random_walk import RandomWalk
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.batches import Batch, TargetExplorer, explorer
from harness.schedules.explorer import Order
from harness.schedules.portfolio import SWEEP, Attempt, Choosing
from harness.schedules.scenario_runner import ScenarioExecution, SceneSubject, history_key
from harness.schedules.tally import MOST_DOUBTS, Found
from harness.verification.resolve import open_explorer, resolve


@pytest.fixture(scope="module")
def opened() -> Iterator[TargetExplorer]:
    """The bundled backend."""
    with open_explorer("reference", 11) as reference:
        yield reference


@pytest.fixture(scope="module")
def execution(opened: TargetExplorer) -> ScenarioExecution:
    """One schedule of its first scene."""
    return opened.runner.perform(opened.scenes[0], RandomWalk().scheduler(5), Mode.PREEMPTIVE)


def judged(execution: ScenarioExecution, verdict: Verdict, *fault_points: FaultPoint) -> ScenarioExecution:
    """Return a schedule of which one checker says this."""
    symptoms = [(verdict.checker, finding.anomaly) for finding in verdict.findings]
    verdicts = MappingProxyType({verdict.checker: verdict})
    return replace(execution, verdicts=verdicts, symptoms=symptoms, fault_points=fault_points)


def attempt(opened: TargetExplorer, number: int) -> Attempt:
    """Return an attempt at its first scene."""
    subject = SceneSubject(opened.runner, opened.scenes[0])
    return Attempt(number, subject, "sticky", Mode.PREEMPTIVE, (), RandomWalk().scheduler(5))


FAULT_POINT = FaultPoint(user=0, at=1, fault=Fault.FAIL)
DOUBTED = Verdict(checker="leak", examined={"leak": 3}, doubts=("a connection could not be read to its end",))
FOUND = replace(DOUBTED, violations={"leak": 1}, findings=(Finding(anomaly="leaked-in-answer", message="u0 saw u1's"),))


def test_a_checker_passes_over_what_a_fault_broke(opened: TargetExplorer, execution: ScenarioExecution) -> None:
    """The run says nothing to it; but a doubt that no fault explains counts, and so does what was seen all the same."""
    batch = Batch(start=0)
    batch.add(attempt(opened, 0), judged(execution, DOUBTED, FAULT_POINT))
    assert ({"leak": 1}, {}) == (batch.passed_over, batch.totals.verdicts)
    batch.add(attempt(opened, 1), judged(execution, FOUND, FAULT_POINT))
    assert [1] == [found.attempt for found in batch.found.values()]
    other = Batch(start=0)
    other.add(attempt(opened, 0), judged(execution, DOUBTED))
    assert ({}, DOUBTED) == (other.passed_over, other.totals.verdicts["leak"])


def test_a_later_batch_goes_on_counting_where_the_earlier_one_ended(execution: ScenarioExecution) -> None:
    """Whatever numbers it began with; the first finding of a checker stays the first, and doubts are only so many."""
    found = Found(attempt=103, strategy="sticky", execution=execution)
    earlier = Batch(start=0, schedules=7, found={"leak": found}, doubts=["earlier"] * (MOST_DOUBTS - 1))
    earlier.take_in(Batch(start=100, schedules=5, found={"leak": found, "residue": found}, doubts=["later"] * 3))
    assert {"leak": 103, "residue": 10} == {name: item.attempt for name, item in earlier.found.items()}
    assert 12 == earlier.schedules
    assert ["earlier"] * (MOST_DOUBTS - 1) + ["later"] == earlier.doubts


def test_a_sweep_that_has_not_begun_is_a_doubt(opened: TargetExplorer) -> None:
    """It says how many schedules it takes."""
    begun = Order(seed=1, start=0, stop=1, choosing=Choosing(strategy=SWEEP))
    [doubt] = opened.run(begun).doubts
    assert f"Give more than {len(opened.scenes)}" in doubt
    assert [] == opened.run(replace(begun, stop=len(opened.scenes) + 1)).doubts


class Wall(Board):
    """A board that answers at once: nobody waits anywhere."""

    async def connect(self, user: User, on_push: OnPush) -> Visitor:
        """Let a user in."""
        return Hurried(self, user.name)


class Hurried(Visitor):
    """One user at the wall."""

    async def invoke(self, operation: Operation) -> Value:
        """Show a note, or nothing."""
        text = operation.arguments.get("text")
        return [] if text is None else {"id": "0", "owner": "nobody", "text": text}


def test_a_sweep_of_nothing_is_a_doubt() -> None:
    """Where no user waits anywhere."""

    @asynccontextmanager
    async def open_wall() -> AsyncIterator[Target]:
        yield Wall("wall", careful=True)

    with explorer("wall", open_wall, 11, CHECKERS) as opened:
        order = Order(seed=1, start=0, stop=len(opened.scenes) + 1, choosing=Choosing(strategy=SWEEP))
        doubts = opened.run(order).doubts
    assert ["there is nothing to sweep: nobody waits anywhere where a fault could be injected"] == doubts


def test_pairs_are_of_two_users(opened: TargetExplorer) -> None:
    """Where one user alone does anything, no two awaits of different users are adjacent."""
    scene = next(scene for scene in opened.scenes if scene.name == "writing")
    steps = scene.program.steps[scene.first : scene.last]
    alone = replace(scene.program, steps=tuple(step for step in steps if step.user == 0))
    seen = opened.runner.perform(
        replace(scene, program=alone, first=0, last=len(alone.steps)), RandomWalk().scheduler(5), Mode.PREEMPTIVE
    ).coverage
    assert (True, set()) == (len(seen.sites) > 1, seen.pairs)


@contextmanager
def restless(target: str) -> Iterator[TargetExplorer]:
    """A target that does one thing more each time it is opened."""
    opened_before = count()

    with resolve(target).prepared() as open_target:

        @asynccontextmanager
        async def one_more() -> AsyncIterator[Target]:
            for _ in range(next(opened_before)):
                await asyncio.sleep(0)
            async with open_target() as target:
                yield target

        with explorer("restless", one_more, 11, CHECKERS) as opened:
            yield opened


def test_what_is_not_controlled_is_a_doubt() -> None:
    """It proves nothing; the first step that differs is named."""
    with restless("reference") as opened:
        [doubt] = opened.run(Order(seed=1, start=0, stop=1)).doubts
    assert doubt.startswith("talking, schedule 1 (fifo), run twice, differs from step ")


def test_a_finding_that_shows_again_in_another_run_is_not_promised() -> None:
    """A leak may show each time, and not in the same way."""
    with restless("shared-bridge") as opened:
        batch = opened.run(Order(seed=1, start=0, stop=1))
    assert {False} == {found.shows_again for found in batch.found.values()}


EVENT = Event(index=0, kind=EventKind.PUSH, user="u1", name="note", value={"mark": "m1"}, time_ns=1)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": EventKind.PROBE},
        {"user": "u2"},
        {"device": 1},
        {"call": 1},
        {"name": "said"},
        {"value": {"mark": "m2"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_histories_that_differ_are_judged_each(changed: dict[str, Any]) -> None:
    """In whatever but the time."""
    assert history_key([EVENT]) != history_key([replace(EVENT, **changed)])
    assert history_key([EVENT]) == history_key([replace(EVENT, time_ns=2)])
    assert history_key([EVENT, EVENT]) != history_key([EVENT])
