"""Performs the story of an exported test: the door of the engine that `harness.schedules.export` packs into it.

    python -c "from harness.schedules.exported import main; main()" ASKED ANSWER

reads one JSON file and writes the other. Rules:

- The recorded order is performed first. Only if nothing is found in it, a few other orders of the same steps are: one
  more await in the target moves all later choices, and would hide the bug from the recorded ones.
- A replay that shows nothing is an error, and never passes for one that found nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.schedules.exported_libraries import CLOCK, stood_in

with stood_in() as _ABSENT:
    from harness.history.model import EventKind, Header
    from harness.judging.checkers import CHECKERS
    from harness.judging.verdict import Verdict
    from harness.loop.control import controlled
    from harness.loop.scheduling import Mode, Scheduler
    from harness.loop.strategies.fifo import Fifo
    from harness.loop.strategies.random_walk import RandomWalk
    from harness.loop.strategies.recorded import Recorded
    from harness.loop.strategies.sticky import Sticky
    from harness.performing.performance import OpenTarget
    from harness.scenario.program import Interleaving, Program
    from harness.schedules.exported_target import TargetMissing, prepared
    from harness.schedules.scenario_runner import Execution, ScenarioRunner
    from harness.schedules.scenes import Scene

_T = TypeVar("_T")


class CannotTell(Exception):
    """The replay shows nothing. Says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be performed.

    Args:
        target: its name.
        folders: where the relative path of a target file may begin.
        other_orders: the most that are tried when the recorded one shows nothing.
        checker, header, program, interleaving: of the witness.
    """

    target: str
    folders: tuple[str, ...]
    other_orders: int
    checker: str
    header: Header
    program: Program
    interleaving: Interleaving


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it.

    Args:
        finding: of the checker, with its anomaly; `""` when it found nothing.
        orders: how many were performed.
        clock: `virtual`; or `real`, where time-machine is not installed.
    """

    finding: str
    orders: int
    clock: str


def main() -> None:
    """Read what is asked, perform it, and write the answer; or end with a line that says why that cannot be."""
    asked, answer = map(Path, sys.argv[1:3])
    try:
        came = replay(read(Asked, json.loads(asked.read_text(encoding="utf-8"))))
    except (CannotTell, TargetMissing) as error:
        sys.exit(f"the replay shows nothing: {error}")
    told = {"finding": came.finding, "orders": came.orders, "clock": came.clock}
    answer.write_text(json.dumps(told), encoding="utf-8")


def replay(asked: Asked) -> Answer:
    """Perform a story.

    Raises:
        CannotTell: in none of the orders anything could be shown.
        TargetMissing: the target cannot be imported.
        Exception: whatever the target raises when it is opened.
    """
    clock = "real" if CLOCK in _ABSENT else "virtual"
    doubts: dict[str, None] = {}
    orders = 0
    for orders, execution in enumerate(_performed(asked, prepared(asked.target, asked.folders)), 1):
        verdict = execution.verdicts.get(asked.checker)
        if verdict is not None and verdict.findings:
            first = verdict.findings[0]
            return Answer(finding=f"{first.anomaly.upper()}: {first.message}", orders=orders, clock=clock)
        doubts[_doubt(execution, verdict)] = None
    if "" not in doubts:
        raise CannotTell(next(iter(doubts)))
    return Answer(finding="", orders=orders, clock=clock)


def _doubt(execution: Execution, verdict: Verdict | None) -> str:
    """Why a run in which nothing was found shows nothing, or `""`.

    That the checker had no fact to examine is no reason: a story is made so small that, on a mended target, there may
    be none left. But somebody must have been answered.
    """
    if execution.doubt or verdict is None:
        return execution.doubt
    if verdict.doubts:
        return verdict.doubts[0]
    if not any(event.kind is EventKind.OK for event in execution.events):
        return "no request was answered, so the target does not do any more what the story asks of it"
    return ""


def _performed(asked: Asked, prepared: AbstractContextManager[OpenTarget]) -> Iterator[Execution]:
    """Yield what came of each order: the recorded one first."""
    how = asked.interleaving
    mode = Mode(how.mode)
    scene = Scene(program=asked.program, first=how.first, last=how.last)
    with prepared as open_target, controlled() as control:
        runner = ScenarioRunner(control, open_target, asked.header, {asked.checker: CHECKERS[asked.checker]})
        runner.header()  # opened once: what libraries do at the first time only is done
        runner.header()
        runner.perform(scene, Fifo(), Mode.STRICT)
        for scheduler in _orders(how, asked.other_orders):
            yield runner.perform(scene, scheduler, mode, how.fault_points)


def _orders(how: Interleaving, others: int) -> Iterator[Scheduler]:
    yield Recorded(how.deviations)
    for seed in range(others):
        yield RandomWalk().scheduler(seed) if seed % 2 else Sticky().scheduler(seed)


def read(kind: type[_T], value: Any) -> _T:
    """Return what JSON says, as an instance of a dataclass of this kind, and of the kinds of its fields."""
    read_as: _T = _read(kind, value)
    return read_as


def _read(kind: Any, value: Any) -> Any:
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return None if value is None else _read(next(part for part in parts if part is not type(None)), value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind) if field.name in value]
        made: Any = kind
        return made(**{name: _read(hints[name], value[name]) for name in names})
    container = get_origin(kind)
    if container in (tuple, frozenset):
        return container(_read(parts[0], item) for item in value)
    if container is not None and issubclass(container, Mapping):
        return {_read(parts[0], key): _read(parts[1], item) for key, item in value.items()}
    return kind(value) if isinstance(kind, type) and (issubclass(kind, Enum) or kind is int) else value
