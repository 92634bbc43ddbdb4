"""The properties suite: fixed programs, random programs, parts. Gives a SuiteRun, and the Evidence of each checker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from harness.claims.evidence import Suite, SuiteOutcome
from harness.claims.plan import PropertiesBudget
from harness.claims.results import Results
from harness.claims.run_folder import HistoryFile, RunFolder, history_file, plain_name
from harness.history.model import Component, Header, Promises, Unreachable
from harness.history.recorder import Recorder
from harness.judging.verdict import Checker, FoldGuard
from harness.performing.connections import Deadlines
from harness.performing.performance import (
    Failure,
    OpenTarget,
    Performance,
    lasting,
    perform,
    promises_of,
    same_name_of,
)
from harness.performing.reduction import as_found, reduce, witness_of
from harness.performing.totals import Totals
from harness.properties.fixed_programs import fixed_programs
from harness.properties.legacy_api import LegacyProbe
from harness.properties.machine import Search, explore
from harness.properties.parts import PartsProbe
from harness.properties.storage import stored_apart
from harness.scenario.program import Program

PARTS = "parts"
CONFIRMED = 3
"""How often in a row a smaller program must show what was found."""
UNFIT = ("tampering", "interference")
"""Checkers whose findings and doubts about one user alone say that the target does not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertiesSuite:
    """What to run, and how.

    Args:
        target: as given to `--target`.
        open_target: opens it.
        budget: how much to do.
        seed: of the data; every program derives its own from it.
        checkers: who judges.
        again: the command that verifies again; stands in evidence without a witness.
        folder: where histories and witnesses go; None keeps nothing.
        label: stands in their names; the target's name when left out.
        say: told what is going on, in short lines.
        first: the fixed program that is performed before the others, or `parts`.
        until: a checker; the suite ends as soon as it has found something. None runs everything.
    """

    target: str
    open_target: OpenTarget
    budget: PropertiesBudget
    seed: int
    checkers: Mapping[str, Checker]
    again: str = ""
    folder: RunFolder | None = None
    label: str = ""
    say: Callable[[str], None] = lambda line: None
    first: str = ""
    until: str | None = None

    def run(self) -> SuiteOutcome:
        """Carry the suite out. What was recorded before a target went away is judged all the same."""
        started = monotonic()
        work = _Work(self)
        with history_file(self.folder, f"properties-{plain_name(self.label or self.target)}") as file:
            try:
                with stored_apart(), asyncio.Runner() as loop:
                    work.carry_out(loop, file)
            except Unreachable as error:
                work.doubt = work.unreachable = str(error)
        return work.outcome(monotonic() - started)

    def header(self, target: str, number: int, users: int, promises: Promises) -> Header:
        """Return the header of the history with this number: each has canaries of its own."""
        seed = self.seed * 1_000_003 + number
        return Header(target=target, suite=Suite.PROPERTIES, seed=seed, users=users, promises=promises)

    def deadlines(self) -> Deadlines:
        """Return how long the runner waits."""
        budget = self.budget
        return Deadlines(call_s=budget.call_s, run_s=budget.run_s, release_s=budget.release_s)


class _Work:
    """One run of the suite."""

    def __init__(self, suite: PropertiesSuite) -> None:
        self._suite = suite
        self._totals = Totals()
        self._failures: dict[str, Failure] = {}
        self._files: tuple[str, ...] = ()
        self._number = 0
        self._unfit = ""
        self.doubt = ""
        self.unreachable = ""

    def carry_out(self, loop: asyncio.Runner, file: HistoryFile | None) -> None:
        self._files = (file.name,) if file is not None else ()
        kept = lasting(self._suite.open_target)
        open_target = loop.run(kept.__aenter__())
        try:
            if self._suite.first == PARTS:
                loop.run(self._parts(open_target, file))
            if not self._is_done():
                loop.run(self._fixed(open_target, file))
            if not self._is_done():
                self._random(loop, open_target, file)
            if not self._is_done() and self._suite.first != PARTS:
                loop.run(self._parts(open_target, file))
            loop.run(self._shrink(open_target))
        finally:
            loop.run(kept.__aexit__(None, None, None))

    # Fixed programs

    async def _fixed(self, open_target: OpenTarget, file: HistoryFile | None) -> None:
        async with open_target() as target:
            promises, same_name = promises_of(target), same_name_of(target)
        programs = fixed_programs(self._suite.budget.users, promises, same_name)
        for program in sorted(programs, key=lambda program: program.name != self._suite.first):
            self._suite.say(f"program {program.name}")
            await self._play(program, open_target, file)
            if self._is_done():
                return

    async def _play(self, program: Program, open_target: OpenTarget, file: HistoryFile | None) -> None:
        users = sum("~" not in user.id for user in program.users)
        async with open_target() as target:
            header = self._suite.header(target.name, self._number, users, promises_of(target))
            self._number += 1
            performance = Performance(target, program, header, self._suite.checkers, file, self._suite.deadlines())
            try:
                async with performance:
                    await performance.perform(program.steps)
                    await performance.settle()
            finally:
                performance.add_to(self._totals, 1 if program.name == "solo" else users)
        verdicts = performance.verdicts()
        self._keep(Failure(program, header, tuple(performance.events), verdicts))
        if program.name == "solo":
            found = [verdicts[name] for name in UNFIT if name in verdicts]
            said = [*(v.findings[0].message for v in found if v.findings), *(v.doubts[0] for v in found if v.doubts)]
            self._unfit = "; ".join(said)

    def _keep(self, failure: Failure) -> None:
        for name, verdict in failure.verdicts.items():
            known = self._failures.get(name)
            if verdict.violated and (known is None or len(failure.program.steps) < len(known.program.steps)):
                self._failures[name] = failure

    # Random programs

    def _random(self, loop: asyncio.Runner, open_target: OpenTarget, file: HistoryFile | None) -> None:
        budget = self._suite.budget
        self._suite.say(f"{budget.examples} random programs")
        search = Search(
            loop=loop,
            open_target=open_target,
            deadlines=self._suite.deadlines(),
            checkers=self._suite.checkers,
            header=lambda target, number, users, promises: self._suite.header(target, 1000 + number, users, promises),
            file=file,
            totals=self._totals,
        )
        try:
            explore(search, examples=budget.examples, steps=budget.steps, seed_value=self._suite.seed)
        finally:
            if search.failure is not None:
                self._keep(search.failure)

    async def _shrink(self, open_target: OpenTarget) -> None:
        """Make each checker's failure smaller, in equal parts of the time."""
        seconds = self._suite.budget.shrink_s / max(1, len(self._failures))
        for name, failure in self._failures.items() if seconds else ():
            self._suite.say(f"making the failure of {name} smaller")
            checkers = {name: self._suite.checkers[name]}

            async def again(program: Program, header: Header = failure.header, checkers: Any = checkers) -> Failure:
                return await perform(program, header, open_target, checkers, self._suite.deadlines())

            smallest = await reduce(failure, name, again, seconds, needed=CONFIRMED, tries=CONFIRMED)
            self._failures[name] = smallest.failure

    # Parts

    async def _parts(self, open_target: OpenTarget, file: HistoryFile | None) -> None:
        async with open_target() as target:
            if not isinstance(target, Component):
                return
            self._suite.say("the parts on their own")
            header = self._suite.header(target.name, 999, 2, promises_of(target))
            folds = {name: FoldGuard(checker, header) for name, checker in self._suite.checkers.items()}
            if file is not None:
                file.begin(header, Program(PARTS, (), ()))
            recorder = Recorder(*(fold.step for fold in folds.values()), *([file.append] if file else []))
            budget = self._suite.budget
            try:
                PartsProbe(target.components, recorder, budget.component_examples, self._suite.seed).run()
                await LegacyProbe(target.components, recorder, header.seed).run()
            except Exception as error:
                self.doubt = f"the parts could not be examined to the end: {error!r}"
            verdicts = {name: fold.verdict() for name, fold in folds.items()}
            self._totals.merge(Totals(verdicts=verdicts, histories=1, events=recorder.counts.total()))

    # What came of it

    def _is_done(self) -> bool:
        until = self._suite.until
        return until is not None and until in self._totals.verdicts and self._totals.verdicts[until].violated > 0

    def outcome(self, duration_s: float) -> SuiteOutcome:
        suite, totals = self._suite, self._totals
        doubts = tuple(filter(None, (self.doubt, self._unfit and f"one user alone is not served: {self._unfit}")))
        run = totals.run(
            Suite.PROPERTIES,
            suite.target,
            suite.seed,
            duration_s,
            files=self._files,
            doubt="; ".join(doubts),
        )
        results = Results(
            run=run,
            checkers=suite.checkers,
            verdicts=totals.verdicts,
            doubts=doubts,
            found={
                checker: witness_of(as_found(failure, checker), checker, suite.target)
                for checker, failure in self._failures.items()
            },
            again=suite.again,
            label=suite.label,
        )
        return SuiteOutcome(run, results.evidence(suite.folder), self.unreachable)
