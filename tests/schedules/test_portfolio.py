"""Which attempts are made, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from harness.history.model import Header
from harness.judging.deliveries import Deliveries
from harness.loop.control import RunResult
from harness.loop.scheduling import Mode, Schedule
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.execution import Baseline, Coverage, Subject
from harness.schedules.portfolio import Attempts, Choosing
from harness.schedules.scenario_runner import ScenarioExecution, SceneSubject
from harness.schedules.scenes import Scene, scenes
from harness.schedules.user_watcher import Wait
from harness.targets.bundled import BUNDLED

SCENES = scenes(BUNDLED.promises)
TALKING, WRITING = SCENES[0], SCENES[1]
WAITS = (
    (Wait("a.py:1", True, False, False), Wait("a.py:1", True, False, True), Wait("b.py:2", False, True, True)),
    (),
)


def subject(scene: Scene) -> SceneSubject:
    """Return a scene that is never performed."""
    nobody: Any = None
    return SceneSubject(nobody, scene)


def baseline(one: Subject, source: Random, waits: tuple[tuple[Wait, ...], ...] = WAITS) -> Baseline:
    """Return what a scene might be like: user 0 waits three times, at two lines."""
    assert isinstance(one, SceneSubject)
    result = RunResult(
        value=None,
        error=None,
        schedule=Schedule(Mode.STRICT, {}, 20),
        trace=(),
        uncontrolled=(),
        unhandled_errors=(),
        virtual_s=0.0,
    )
    execution = ScenarioExecution(
        result=result,
        coverage=Coverage(),
        scene=one.scene,
        header=Header(target="none", suite="schedules", seed=1, users=2),
        events=(),
        verdicts={},
        waits=waits,
        deliveries=Deliveries(),
    )
    return one.baseline(execution, tuple(Mode), source)


def sweep(scene: Scene, seed: int = 0) -> Sequence[FaultPoint]:
    """Return the faults of the sweep."""
    return baseline(subject(scene), Random(seed)).sweep


def attempts(seed: int = 1, **choosing: object) -> Attempts:
    """Return the attempts at two scenes."""
    return Attempts([subject(TALKING), subject(WRITING)], Choosing(**choosing), seed, baseline)  # type: ignore[arg-type]


def made(source: Attempts, numbers: range) -> list[tuple[str, str, Mode, tuple[FaultPoint, ...]]]:
    """Return what some attempts are, without their schedulers."""
    return [
        (found.subject.name, found.strategy, found.mode, found.fault_points)
        for number in numbers
        if (found := source.attempt(number)) is not None
    ]


def points(number: int) -> tuple[FaultPoint, ...]:
    """Return the faults of one attempt."""
    attempt = attempts().attempt(number)
    assert attempt is not None
    return attempt.fault_points


class TestOrder:
    def test_scenes_take_turns_and_begin_with_fifo(self) -> None:
        """The first attempt at each scene is asyncio's own order, which says how many awaits there are."""
        first = made(attempts(), range(2))
        assert [("talking", "fifo", Mode.STRICT, ()), ("writing", "fifo", Mode.STRICT, ())] == first

    def test_sweep_and_searches_take_turns(self) -> None:
        """After that, a fault of the sweep and a search alternate, as long as there are faults left."""
        of_talking = [strategy for scene, strategy, _, _ in made(attempts(), range(2, 22)) if scene == "talking"]
        assert ["sweep", "sticky", "sweep", "sticky", "sweep", "random"] == of_talking[:6]

    def test_every_fault_of_the_sweep_is_made_once(self) -> None:
        """And when all have been made, only searches are left."""
        swept = [found[3][0] for found in made(attempts(), range(200)) if found[1] == "sweep" and found[0] == "talking"]
        assert sorted(sweep(TALKING), key=str) == sorted(swept, key=str)
        assert "sweep" not in {strategy for _, strategy, _, _ in made(attempts(), range(100, 160))}

    def test_every_fourth_search_has_random_faults(self) -> None:
        """One to three of them, each at an await that exists."""
        searches = [found for found in made(attempts(), range(2, 400)) if found[1] != "sweep" and found[0] == "talking"]
        with_faults = [place for place, found in enumerate(searches) if found[3]]
        assert list(range(3, len(searches), 4)) == with_faults
        assert {1, 2, 3} == {len(searches[place][3]) for place in with_faults}

    def test_an_attempt_does_not_depend_on_those_before_it(self) -> None:
        """So processes can share them out: the 77th is the same whether or not the others were asked for."""
        together = attempts()
        together_told = made(together, range(100))
        assert together_told[77] == made(attempts(), range(77, 78))[0]
        options = list(range(9))
        alone = [found.scheduler.choose(options) for _ in range(3) if (found := attempts().attempt(77)) is not None]
        assert 1 == len(set(alone))

    def test_another_seed_makes_other_attempts(self) -> None:
        """Of schedules and of faults."""
        assert made(attempts(1), range(100)) != made(attempts(2), range(100))


class TestChoosing:
    def test_without_faults_there_are_only_searches(self) -> None:
        """In every mode, by every strategy."""
        found = made(attempts(faults=False), range(2, 60))
        assert {()} == {fault_points for _, _, _, fault_points in found}
        assert {(name, mode) for name in ("sticky", "random", "pct") for mode in Mode} == {item[1:3] for item in found}

    def test_one_strategy_makes_every_attempt(self) -> None:
        """But the first of each scene; the sweep is the portfolio's."""
        assert {"sticky"} == {item[1] for item in made(attempts(strategy="sticky"), range(2, 60))}

    def test_one_strategy_in_one_mode(self) -> None:
        """What was asked for makes every search."""
        found = made(attempts(strategy="pct", modes=(Mode.STRICT,), faults=False), range(2, 20))
        assert {("pct", Mode.STRICT)} == {item[1:3] for item in found}

    def test_a_sweep_alone_ends(self) -> None:
        """With `sweep` every attempt after the first of each scene has a fault; each fault is injected once."""
        whole = [(scene.name, point) for scene in (TALKING, WRITING) for point in sweep(scene)]
        found = made(attempts(strategy="sweep"), range(2, 2 + 2 * len(whole)))
        assert {"sweep"} == {item[1] for item in found}
        assert sorted(whole, key=str) == sorted(((item[0], item[3][0]) for item in found), key=str)

    def test_a_sweep_of_nothing_ends_at_once(self) -> None:
        """Where no user waits anywhere."""
        nobody = Attempts(
            [subject(TALKING)], Choosing(strategy="sweep"), 1, lambda one, source: baseline(one, source, ((), ()))
        )
        assert [] == made(nobody, range(1, 6))

    def test_the_whole_sweep_may_come_first(self) -> None:
        """With one of the sweep in each attempt, searches begin when all of it was tried."""
        size = len(sweep(TALKING))
        alone = Attempts([subject(TALKING)], Choosing(sweep_every=1), 1, baseline)
        found = [item[1] for item in made(alone, range(1, size + 3))]
        assert ["sweep"] * size + ["sticky"] * 2 == found

    def test_a_mode_without_choices_is_left_out(self) -> None:
        """It has one schedule; where no mode has any, there is nothing to search."""

        def without(*modes: Mode) -> Attempts:
            choices = {mode: 20 for mode in Mode if mode not in modes}
            empty = Baseline(sweep=(), others=(), choices=choices)
            return Attempts([subject(TALKING)], Choosing(), 1, lambda one, source: empty)

        assert {Mode.PREEMPTIVE} == {item[2] for item in made(without(Mode.STRICT), range(1, 9))}
        assert [] == made(without(*Mode), range(1, 9))


class TestRandomFaults:
    def test_also_make_calls_slow(self) -> None:
        """Where a user waits for a database or a thread; the sweep does not."""
        numbers = range(100, 400)
        drawn = {point for number in numbers for point in points(number)}
        slow = {point.at for point in drawn if point.fault is Fault.SLOW}
        assert {2, 3} == slow
        assert 1 == max(sum(point.fault is Fault.SLOW for point in points(n)) for n in numbers)
        assert not [point for point in sweep(TALKING) if point.fault is Fault.SLOW]


class TestSweep:
    def test_has_only_what_can_happen(self) -> None:
        """A request that is answered cannot be cancelled, and only a call of the database can fail."""
        fault_points = set(sweep(TALKING))
        assert FaultPoint(Fault.CANCEL, 0, 1) in fault_points
        assert FaultPoint(Fault.CANCEL, 0, 3) not in fault_points
        assert {3} == {point.at for point in fault_points if point.fault is Fault.FAIL}

    def test_leaves_out_what_makes_no_difference(self) -> None:
        """Who follows nothing and runs nothing cannot be disconnected from anything, nor stopped."""
        faults = {point.fault for point in sweep(WRITING)}
        assert {Fault.CANCEL, Fault.FAIL} == faults

    def test_goes_to_each_line_before_it_comes_back(self) -> None:
        """The first faults are one for each fault and line of the program."""
        sites = [WAITS[0][point.at - 1].site for point in sweep(TALKING, 3)]
        faults = [point.fault for point in sweep(TALKING, 3)]
        first = list(zip(faults, sites, strict=True))
        distinct = len(set(first))
        assert distinct == len(set(first[:distinct]))
        assert distinct < len(first)
