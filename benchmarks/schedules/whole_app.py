"""What building once saves: applications that are renewed for each schedule, beside the same built for each.

The suite's own `ScenarioRunner` performs and judges the bundled backend; A1 and A2, of several sizes, are only run. The
same seeds in turn; the best round counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.schedules import apps
from benchmarks.schedules.measuring import best_ms
from benchmarks.schedules.workloads import Workload
from harness.history.model import Header
from harness.history.names import people
from harness.judging.checkers import CHECKERS
from harness.loop.control import Control, controlled
from harness.loop.scheduling import Mode
from harness.loop.strategies.random_walk import RandomWalk
from harness.scenario.program import Program, Step, ask
from harness.schedules.scenario_runner import ScenarioRunner
from harness.schedules.scenes import Scene, scenes
from harness.verification.resolve import resolve

TARGET = "reference"
SCENES = ("talking", "writing")
"""Of the suite's scenes, those that are measured."""
FURTHER = (0, 20, 40, 100)
"""Routes that A1 and A2 have besides their own."""
ONCE, EACH = "built once", "rebuilt each schedule"


@dataclass(frozen=True, slots=True)
class WholeApp:
    """What a schedule of one program costs.

    Args:
        program: its name.
        steps: of tasks and devices, in one schedule, where it was built once.
        once_ms, each_ms: of CPU time, with the application built once, and for each schedule.
    """

    program: str
    steps: int
    once_ms: float
    each_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster building once is."""
        return self.each_ms / self.once_ms


def measure(rounds: int, schedules: int = 10) -> list[WholeApp]:
    """Measure it: on small programs and scenes of the bundled backend, and on A1 and A2."""
    return [*_bundled(rounds, schedules), *(app for further in FURTHER for app in _sites(further, rounds, schedules))]


def _bundled(rounds: int, schedules: int) -> list[WholeApp]:
    costs: dict[tuple[str, str], list[float]] = {}
    steps: dict[str, int] = {}
    with _stages() as runners:
        programs = _programs(runners[ONCE])
        for _ in range(rounds):
            for scene in programs:
                for name, runner in runners.items():
                    ms = best_ms(partial(_perform, runner, scene, steps), schedules)
                    costs.setdefault((scene.name, name), []).append(ms)
    return [
        WholeApp(f"bundled, {name}", steps[name], min(costs[name, ONCE]), min(costs[name, EACH]))
        for name in (scene.name for scene in programs)
    ]


def _sites(further: int, rounds: int, schedules: int) -> Iterator[WholeApp]:
    with apps.built(further) as once, apps.rebuilt(further) as each, controlled() as control:
        for kept, rebuilt in zip(once, each, strict=True):
            steps: list[int] = []
            costs = [
                [best_ms(partial(_run, control, workload, steps), schedules) for workload in (kept, rebuilt)]
                for _ in range(rounds)
            ]
            once_ms, each_ms = map(min, zip(*costs, strict=True))
            yield WholeApp(f"{kept.name}, {further} further routes", max(steps), once_ms, each_ms)


def _run(control: Control, workload: Workload, steps: list[int], seed: int) -> None:
    ran = control.run(lambda loop: workload.run(), RandomWalk().scheduler(seed))
    if ran.error is not None or ran.uncontrolled:
        raise ran.error or RuntimeError(ran.uncontrolled[0])
    steps.append(len(ran.trace))


@contextmanager
def _stages() -> Iterator[dict[str, ScenarioRunner]]:
    target = resolve(TARGET)
    with controlled() as control, target.prepared() as prepared:
        runners = {}
        for name, open_target in ((ONCE, prepared), (EACH, target.open)):
            runner = ScenarioRunner(
                control, open_target, Header(target=TARGET, suite="schedules", seed=1, users=2), CHECKERS
            )
            runner.header()
            runners[name] = runner
        yield runners


def _programs(runner: ScenarioRunner) -> list[Scene]:
    named = {scene.name: scene for scene in scenes(runner.header().promises)}
    return [
        _small("no request", []),
        _small("a request each", [ask(user, "list_notes") for user in range(2)]),
        *(named[name] for name in SCENES),
    ]


def _small(name: str, steps: Sequence[Step]) -> Scene:
    return Scene(program=Program(name, people(2), tuple(steps)), first=0, last=len(steps))


def _perform(runner: ScenarioRunner, scene: Scene, steps: dict[str, int], seed: int) -> None:
    execution = runner.perform(scene, RandomWalk().scheduler(seed), Mode.PREEMPTIVE)
    if execution.doubt:
        raise RuntimeError(execution.doubt)
    steps.setdefault(scene.name, len(execution.result.trace))
