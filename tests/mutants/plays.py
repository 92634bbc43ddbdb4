"""One fixed program, or the examination of the parts, played on one subject and judged by every checker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from harness.claims.evidence import Suite
from harness.history.model import Event, Header
from harness.history.recorder import Recorder
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import FoldGuard, Verdict
from harness.mutants import Subject
from harness.performing.performance import Performance, promises_of
from harness.performing.runner import Deadlines
from harness.properties.fixed_programs import fixed_programs
from harness.properties.legacy_api import LegacyProbe
from harness.properties.parts import PartsProbe

USERS = 4
PARTS = "parts"
IMPATIENT = Deadlines(call_s=2.0, run_s=1.0, release_s=0.05)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it: the history, and what each checker says of it."""

    events: tuple[Event, ...]
    verdicts: Mapping[str, Verdict]
    target: Any

    @property
    def flagged_by(self) -> set[str]:
        """The checkers that found something."""
        return {name for name, verdict in self.verdicts.items() if verdict.violated}


def play(subject: Subject, name: str) -> Played:
    """Perform the program of this name, or `PARTS`, on a fresh target."""
    return asyncio.run(_parts(subject) if name == PARTS else _fixed(subject, name))


async def _fixed(subject: Subject, name: str) -> Played:
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(subject.open())
        promises = promises_of(target)
        program = next(program for program in fixed_programs(USERS, promises) if program.name == name)
        header = Header(target=subject.name, suite=Suite.PROPERTIES, seed=7, users=USERS, promises=promises)
        performance = Performance(target, program, header, CHECKERS, deadlines=IMPATIENT)
        async with performance:
            await performance.perform(program.steps)
            await performance.settle()
        return Played(tuple(performance.events), performance.verdicts(), target)


async def _parts(subject: Subject) -> Played:
    async with AsyncExitStack() as stack:
        target: Any = await stack.enter_async_context(subject.open())
        header = Header(target=subject.name, suite=Suite.PROPERTIES, seed=7, users=2, promises=target.promises)
        folds = {name: FoldGuard(checker, header) for name, checker in CHECKERS.items()}
        events: list[Event] = []
        recorder = Recorder(events.append, *(fold.step for fold in folds.values()))
        PartsProbe(target.components, recorder, 5, header.seed).run()
        await LegacyProbe(target.components, recorder, header.seed).run()
        return Played(tuple(events), {name: fold.verdict() for name, fold in folds.items()}, target)
