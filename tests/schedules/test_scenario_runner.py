"""Scenes under schedules, on the real bundled backend and on planted bugs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.history.model import EventKind
from harness.history.probes import FAULT
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo
from harness.loop.strategies.random_walk import RandomWalk
from harness.loop.strategies.recorded import Recorded
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.batches import Batch, NotExplorable, TargetExplorer
from harness.schedules.execution import first_difference
from harness.schedules.explorer import Order
from harness.schedules.portfolio import Choosing
from harness.schedules.scenario_runner import ScenarioExecution, SceneSubject
from harness.schedules.scenario_story import explain
from harness.schedules.scenes import Scene
from harness.schedules.shrinking import Shrunk
from harness.schedules.user_watcher import SLOW_S
from harness.verification.resolve import open_explorer

SEED = 11


@pytest.fixture(scope="module")
def honest() -> Iterator[TargetExplorer]:
    """The bundled backend."""
    with open_explorer("reference", SEED) as opened:
        yield opened


def scene(explorer: TargetExplorer, name: str) -> Scene:
    """Return the scene of this name."""
    return next(item for item in explorer.scenes if item.name == name)


def faults(execution: ScenarioExecution) -> list[tuple[str, str]]:
    """Return what befell whom."""
    return [
        (event.user, event.value["fault"])
        for event in execution.events
        if event.kind is EventKind.PROBE and event.name == FAULT
    ]


def found_in(batch: Batch) -> dict[str, int]:
    """Return who found something, and in which attempt."""
    return {name: item.attempt for name, item in batch.found.items()}


class TestControl:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_one_seed_gives_one_run(self, honest: TargetExplorer, mode: Mode) -> None:
        """The same choices on a target opened anew: the same steps, and the same history to the letter."""
        runs = [honest.runner.perform(scene(honest, "talking"), RandomWalk().scheduler(5), mode) for _ in range(3)]
        assert [None, None] == [first_difference(runs[0], other) for other in runs[1:]]
        assert runs[0].interleaving == runs[1].interleaving
        assert runs[0].interleaving.deviations

    def test_the_choices_alone_make_the_run(self, honest: TargetExplorer) -> None:
        """Replayed from what was recorded, it is the same run."""
        first = honest.runner.perform(scene(honest, "remembering"), RandomWalk().scheduler(8), Mode.PREEMPTIVE)
        again = honest.runner.perform(first.scene, Recorded(first.interleaving.deviations), Mode.PREEMPTIVE)
        assert first_difference(first, again) is None

    def test_the_entrance_is_not_explored(self, honest: TargetExplorer) -> None:
        """Until a scene begins, everything happens in asyncio's own order, whatever the schedule."""
        runs = [
            honest.runner.perform(scene(honest, "editing"), RandomWalk().scheduler(s), Mode.PREEMPTIVE) for s in (1, 2)
        ]
        begun = [next(e.index for e in run.events if e.name == "edit_note") for run in runs]
        assert begun[0] == begun[1]
        said = [[(e.kind, e.user, e.name, e.value) for e in run.events[: begun[0]]] for run in runs]
        assert said[0] == said[1]

    def test_a_target_that_leaves_the_process_is_not_explored(self) -> None:
        """Its server is another process: no schedule decides what comes of it."""
        with pytest.raises(NotExplorable, match="leaves this process"), open_explorer("service", SEED):
            pytest.fail("it was opened")


class TestFaultPoints:
    def test_cancel_befalls_the_request_at_that_await(self, honest: TargetExplorer) -> None:
        """The user's call ends without an answer; nobody else notices, and no checker finds anything."""
        execution = honest.runner.perform(
            scene(honest, "writing"), Fifo(), Mode.STRICT, [FaultPoint(Fault.CANCEL, 0, 1)]
        )
        cancelled = [e for e in execution.events if e.kind is EventKind.INFO]
        assert [("u00", "cancel")] == faults(execution)
        assert [("u00", {"error": "cancelled"})] == [(event.user, event.value) for event in cancelled]
        assert {0} == {verdict.violated for verdict in execution.verdicts.values()}

    def test_what_waits_for_the_database_can_fail(self, honest: TargetExplorer) -> None:
        """The call of the database fails, and the user is told; the other's calls are answered."""
        quiet = honest.runner.perform(scene(honest, "writing"), Fifo(), Mode.STRICT)
        at = next(place for place, wait in enumerate(quiet.waits[0], 1) if wait.can_fail)
        execution = honest.runner.perform(
            scene(honest, "writing"), Fifo(), Mode.STRICT, [FaultPoint(Fault.FAIL, 0, at)]
        )
        assert [("u00", "failed query")] == faults(execution)
        assert {"u00"} == {event.user for event in execution.events if event.kind is EventKind.INFO}

    def test_what_waits_for_the_database_can_be_slow(self, honest: TargetExplorer) -> None:
        """The call takes seconds of virtual time; the user has their answer, and no checker finds anything."""
        quiet = honest.runner.perform(scene(honest, "writing"), Fifo(), Mode.STRICT)
        at = next(place for place, wait in enumerate(quiet.waits[0], 1) if wait.can_fail)
        execution = honest.runner.perform(
            scene(honest, "writing"), Fifo(), Mode.STRICT, [FaultPoint(Fault.SLOW, 0, at)]
        )
        assert [("u00", "slow query")] == faults(execution)
        assert SLOW_S <= execution.result.virtual_s - quiet.result.virtual_s
        assert set() == {event.user for event in execution.events if event.kind is EventKind.INFO}
        assert {0} == {verdict.violated for verdict in execution.verdicts.values()}

    @pytest.mark.parametrize("fault", [Fault.DISCONNECT, Fault.STOP])
    def test_connections_and_runs_can_end(self, honest: TargetExplorer, fault: Fault) -> None:
        """A disconnect drops the socket; a stop asks for the run to be cancelled; both leave nothing behind."""
        quiet = honest.runner.perform(scene(honest, "talking"), Fifo(), Mode.STRICT)
        execution = honest.runner.perform(scene(honest, "talking"), Fifo(), Mode.STRICT, [FaultPoint(fault, 0, 25)])
        assert {(fault.value, quiet.waits[0][24].site)} == execution.coverage.injected
        assert {0} == {verdict.violated for verdict in execution.verdicts.values()}

    def test_a_fault_that_cannot_be_injected_is_not(self, honest: TargetExplorer) -> None:
        """An await that is never reached is not counted as swept."""
        execution = honest.runner.perform(
            scene(honest, "writing"), Fifo(), Mode.STRICT, [FaultPoint(Fault.CANCEL, 0, 9_999)]
        )
        assert (set(), []) == (execution.coverage.injected, faults(execution))


class TestBatches:
    def test_the_honest_backend_is_left_alone(self, honest: TargetExplorer) -> None:
        """Fifty-one attempts over all scenes find nothing, on many facts, and the runs that were made twice agree."""
        batch = honest.run(Order(seed=SEED, start=0, stop=51))
        assert ({}, [], 51, 2) == (found_in(batch), batch.doubts, batch.schedules, batch.twice)
        assert 0 < min(batch.totals.verdicts[name].facts for name in ("leak", "misdelivery", "interference", "residue"))
        assert 30 < len(batch.coverage.traces)
        assert batch.faults
        assert batch.coverage.pairs

    def test_what_a_scene_is_like_is_seen_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first attempt at a scene is what its sweep is made from: it is not performed for that again."""
        with open_explorer("reference", SEED) as opened:
            performed: list[str] = []
            perform = opened.runner.perform

            def counted(scene: Scene, *how: Any) -> ScenarioExecution:
                performed.append(scene.name)
                return perform(scene, *how)

            monkeypatch.setattr(opened.runner, "perform", counted)
            batch = opened.run(Order(seed=SEED, start=0, stop=len(opened.scenes) + 2))
        assert batch.schedules + batch.twice == len(performed)

    def test_parts_make_the_whole(self, honest: TargetExplorer) -> None:
        """Two batches merged in order are the batch of both: workers can share the attempts."""
        whole = honest.run(Order(seed=3, start=0, stop=24))
        parts = honest.run(Order(seed=3, start=0, stop=10))
        parts.take_in(honest.run(Order(seed=3, start=10, stop=24)))
        assert whole.totals.verdicts == parts.totals.verdicts
        assert (whole.coverage, whole.strategies) == (parts.coverage, parts.strategies)

    def test_a_race_is_found_and_confirmed(self) -> None:
        """A bug that asyncio's own order does not show: another order does, the same one each time."""
        with open_explorer("pooled-emitter", SEED) as opened:
            order = Order(seed=1, start=25, stop=60, until="misdelivery")
            batches = [opened.run(order) for _ in range(2)]
            assert found_in(batches[0]) == found_in(batches[1])
            assert [] == batches[0].doubts
            found = batches[0].found["misdelivery"]
            again: Any = opened.again(opened.subject_of(found.execution), found.execution)
        assert found.execution.verdicts["misdelivery"] == again.verdicts["misdelivery"]
        assert found.attempt + 1 == order.start + batches[0].schedules

    def test_where_asyncios_own_order_shows_it_one_is_explained_that_does_not(self, honest: TargetExplorer) -> None:
        """By its deviations, and by the first event that is another."""
        subject = SceneSubject(honest.runner, scene(honest, "writing"))
        failing, passing = (subject.run(scheduler, Mode.STRICT) for scheduler in (Fifo(), RandomWalk().scheduler(5)))
        said = explain(subject, Shrunk(symptom=("leak", "any"), execution=failing, passing=passing, runs=0))
        assert "in asyncio-strict, 0 deviations from asyncio's own order" == said[0]
        assert "it shows in asyncio's own order, without any fault" == said[1]
        assert said[2].startswith("it does not show in asyncio-strict, ")
        assert {"there, choice"} == {" ".join(line.split()[:2]).rstrip("s") for line in said[3:-1]}
        assert said[-1].startswith("first difference, event ")

    def test_exhaustion_goes_on_where_it_was_left(self, honest: TargetExplorer) -> None:
        """A tree walked in two batches is the tree walked in one; what neither follows is counted."""
        choosing = Choosing(strategy="exhaustive")
        trees = honest.run(Order(seed=1, start=0, stop=0, choosing=choosing)).trees
        assert {(place, mode) for mode in Mode for place in range(len(honest.scenes))} == trees.keys()
        order = Order(seed=1, start=0, stop=9, choosing=choosing, tree=trees[0, Mode.PREEMPTIVE])
        whole = honest.run(order)
        part = honest.run(replace(order, stop=4))
        part.take_in(honest.run(replace(order, start=4, tree=part.trees[0, Mode.PREEMPTIVE])))
        assert (9, whole.left, whole.coverage) == (part.schedules, part.left, part.coverage)
        assert whole.left is not None
        assert 0 < whole.left
