"""What building once saves: the bundled backend renewed for each schedule, beside one that is built for each.

Both are performed and judged by the suite's own `Stage`, the same seeds in turn; the best round counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.schedules.measuring import best_ms
from harness.checkers import CHECKERS
from harness.model import Header
from harness.program import Program, Step, ask
from harness.properties.tours import people
from harness.resolve import resolve
from harness.schedules.control import controlled
from harness.schedules.execution import Stage
from harness.schedules.scenes import Scene, scenes
from harness.schedules.scheduling import Mode
from harness.schedules.strategies import STRATEGIES

TARGET = "reference"
SCENES = ("talking", "writing")
"""Of the suite's scenes, those that are measured."""
ONCE, EACH = "built once", "rebuilt each schedule"


@dataclass(frozen=True, slots=True)
class WholeApp:
    """What a schedule of one scene costs.

    Args:
        scene: its name.
        steps: of tasks and devices, in one schedule.
        once_ms, each_ms: of CPU time, with the application built once, and for each schedule.
    """

    scene: str
    steps: int
    once_ms: float
    each_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster building once is."""
        return self.each_ms / self.once_ms


def measure(rounds: int, schedules: int = 10) -> list[WholeApp]:
    """Measure it, on small programs and on scenes of the suite."""
    costs: dict[tuple[str, str], list[float]] = {}
    steps: dict[str, int] = {}
    with _stages() as stages:
        programs = _programs(stages[ONCE])
        for _ in range(rounds):
            for scene in programs:
                for name, stage in stages.items():
                    ms = best_ms(partial(_perform, stage, scene, steps), schedules)
                    costs.setdefault((scene.name, name), []).append(ms)
    return [
        WholeApp(scene.name, steps[scene.name], min(costs[scene.name, ONCE]), min(costs[scene.name, EACH]))
        for scene in programs
    ]


@contextmanager
def _stages() -> Iterator[dict[str, Stage]]:
    target = resolve(TARGET)
    with controlled() as control, target.prepared() as prepared:
        stages = {}
        for name, open_target in ((ONCE, prepared), (EACH, target.open)):
            stage = Stage(control, open_target, Header(target=TARGET, suite="schedules", seed=1, users=2), CHECKERS)
            stage.header()
            stages[name] = stage
        yield stages


def _programs(stage: Stage) -> list[Scene]:
    named = {scene.name: scene for scene in scenes(stage.header().promises)}
    return [
        _small("no request", []),
        _small("a request each", [ask(user, "list_notes") for user in range(2)]),
        *(named[name] for name in SCENES),
    ]


def _small(name: str, steps: Sequence[Step]) -> Scene:
    return Scene(program=Program(name, people(2), tuple(steps)), first=0, last=len(steps))


def _perform(stage: Stage, scene: Scene, steps: dict[str, int], seed: int) -> None:
    scheduler = STRATEGIES["random"]().scheduler(seed)
    assert scheduler is not None, "a search never ends"
    executed = stage.perform(scene, scheduler, Mode.PREEMPTIVE)
    if executed.doubt:
        raise RuntimeError(executed.doubt)
    steps[scene.name] = len(executed.ran.trace)
