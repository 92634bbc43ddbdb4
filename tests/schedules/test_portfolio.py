"""Which attempts are made, in which order."""

from __future__ import annotations

from random import Random

from harness.loop.scheduling import Mode
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.portfolio import Attempts, Baseline, Choosing
from harness.schedules.scenario_runner import Wait
from harness.schedules.scenes import Scene, scenes
from harness.targets.bundled import BUNDLED

SCENES = scenes(BUNDLED.promises)
TALKING, WRITING = SCENES[0], SCENES[1]
WAITS = (
    (Wait("a.py:1", True, False, False), Wait("a.py:1", True, False, True), Wait("b.py:2", False, True, True)),
    (),
)


def baseline(scene: Scene) -> Baseline:
    """Return what a scene might be like: user 0 waits three times, at two lines."""
    return Baseline(scene=scene, waits=WAITS, choices=20)


def attempts(seed: int = 1, **choosing: object) -> Attempts:
    """Return the attempts at two scenes."""
    return Attempts((TALKING, WRITING), Choosing(**choosing), seed, baseline)  # type: ignore[arg-type]


def told(source: Attempts, numbers: range) -> list[tuple[str, str, Mode, tuple[FaultPoint, ...]]]:
    """Return what some attempts are, without their schedulers."""
    return [
        (found.scene.name, found.strategy, found.mode, found.fault_points)
        for found in (source.attempt(number) for number in numbers)
    ]


class TestOrder:
    def test_scenes_take_turns_and_begin_with_fifo(self) -> None:
        """The first attempt at each scene is asyncio's own order, which says how many awaits there are."""
        first = told(attempts(), range(2))
        assert [("talking", "fifo", Mode.STRICT, ()), ("writing", "fifo", Mode.STRICT, ())] == first

    def test_sweep_and_searches_take_turns(self) -> None:
        """After that, a fault of the sweep and a search alternate, as long as there are faults left."""
        of_talking = [strategy for scene, strategy, _, _ in told(attempts(), range(2, 22)) if scene == "talking"]
        assert ["sweep", "sticky", "sweep", "sticky", "sweep", "random"] == of_talking[:6]

    def test_every_fault_of_the_sweep_is_made_once(self) -> None:
        """And when all have been made, only searches are left."""
        swept = [found[3][0] for found in told(attempts(), range(200)) if found[1] == "sweep" and found[0] == "talking"]
        assert sorted(baseline(TALKING).sweep(Random(0)), key=str) == sorted(swept, key=str)
        assert "sweep" not in {strategy for _, strategy, _, _ in told(attempts(), range(100, 160))}

    def test_every_fourth_search_has_random_faults(self) -> None:
        """One to three of them, each at an await that exists."""
        searches = [found for found in told(attempts(), range(2, 400)) if found[1] != "sweep" and found[0] == "talking"]
        with_faults = [place for place, found in enumerate(searches) if found[3]]
        assert list(range(3, len(searches), 4)) == with_faults
        assert {1, 2, 3} == {len(searches[place][3]) for place in with_faults}

    def test_an_attempt_does_not_depend_on_those_before_it(self) -> None:
        """So processes can share them out: the 77th is the same whether or not the others were asked for."""
        together = attempts()
        together_told = told(together, range(100))
        assert together_told[77] == told(attempts(), range(77, 78))[0]
        options = list(range(9))
        alone = [attempts().attempt(77).scheduler.choose(options) for _ in range(3)]
        assert 1 == len(set(alone))

    def test_another_seed_makes_other_attempts(self) -> None:
        """Of schedules and of faults."""
        assert told(attempts(1), range(100)) != told(attempts(2), range(100))


class TestChoosing:
    def test_without_blows_there_are_only_searches(self) -> None:
        """In every mode, by every strategy."""
        found = told(attempts(faults=False), range(2, 60))
        assert {()} == {fault_points for _, _, _, fault_points in found}
        assert {(name, mode) for name in ("sticky", "random", "pct") for mode in Mode} == {item[1:3] for item in found}

    def test_one_strategy_makes_every_attempt(self) -> None:
        """But the first of each scene; the sweep is the portfolio's."""
        assert {"sticky"} == {item[1] for item in told(attempts(strategy="sticky"), range(2, 60))}

    def test_one_strategy_in_one_mode(self) -> None:
        """What was asked for makes every search."""
        found = told(attempts(strategy="pct", modes=(Mode.STRICT,), faults=False), range(2, 20))
        assert {("pct", Mode.STRICT)} == {item[1:3] for item in found}

    def test_a_sweep_alone_goes_round(self) -> None:
        """With `sweep` every attempt after the first has a fault; each fault is injected once before any is again."""
        whole = [(scene, point) for scene in (TALKING, WRITING) for point in baseline(scene).sweep(Random(0))]
        found = told(attempts(strategy="sweep"), range(2, 2 + 2 * len(whole)))
        assert {"sweep"} == {item[1] for item in found}
        fault_points = [(item[0], item[3][0]) for item in found]
        assert {(scene.name, point) for scene, point in whole} == set(fault_points[: len(whole)])
        assert fault_points[: len(whole)] == fault_points[len(whole) :]

    def test_a_sweep_of_nothing_runs_without_faults(self) -> None:
        """Where no user waits anywhere."""
        nobody = Attempts(
            (TALKING,), Choosing(strategy="sweep"), 1, lambda scene: Baseline(scene=scene, waits=((), ()), choices=0)
        )
        assert [("talking", "sweep", Mode.STRICT, ())] * 5 == told(nobody, range(1, 6))


class TestRandomFaults:
    def test_also_make_calls_slow(self) -> None:
        """Where a user waits for a database or a thread; the sweep does not."""
        numbers = range(100, 400)
        drawn = {point for number in numbers for point in attempts().attempt(number).fault_points}
        slow = {point.at for point in drawn if point.fault is Fault.SLOW}
        assert {2, 3} == slow
        assert 1 == max(sum(point.fault is Fault.SLOW for point in attempts().attempt(n).fault_points) for n in numbers)
        assert not [point for point in baseline(TALKING).sweep(Random(0)) if point.fault is Fault.SLOW]


class TestSweep:
    def test_has_only_what_can_befall(self) -> None:
        """A request that is answered cannot be cancelled, and only a call of the database can fail."""
        fault_points = set(baseline(TALKING).sweep(Random(0)))
        assert FaultPoint(Fault.CANCEL, 0, 1) in fault_points
        assert FaultPoint(Fault.CANCEL, 0, 3) not in fault_points
        assert {3} == {point.at for point in fault_points if point.fault is Fault.FAIL}

    def test_leaves_out_what_makes_no_difference(self) -> None:
        """Who follows nothing and runs nothing cannot be disconnected from anything, nor stopped."""
        faults = {point.fault for point in baseline(WRITING).sweep(Random(0))}
        assert {Fault.CANCEL, Fault.FAIL} == faults

    def test_goes_to_each_line_before_it_comes_back(self) -> None:
        """The first faults are one for each fault and line of the program."""
        sites = [WAITS[0][point.at - 1].site for point in baseline(TALKING).sweep(Random(3))]
        faults = [point.fault for point in baseline(TALKING).sweep(Random(3))]
        first = list(zip(faults, sites, strict=True))
        distinct = len(set(first))
        assert distinct == len(set(first[:distinct]))
        assert distinct < len(first)
