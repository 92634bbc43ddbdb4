"""The wire suite, start to end: one user alone, then every stimulus. Gives a SuiteRun and one Evidence per checker.

Rules:

- The service must do for one user alone what the adapter says it does; otherwise there is nothing to verify.
- A stimulus that cannot be tried on this service, or left acts out, says so in the measures.
- Each stimulus has a history and users of its own. Marks are of one key, so that what one stimulus left in a cache is
  known for whose it is in the next.
- What was found first, by each checker, is made smaller.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import median
from time import monotonic

from harness.adapter.adapter import Adapter
from harness.claims.evidence import Suite, SuiteOutcome
from harness.claims.plan import WireBudget
from harness.claims.requests import request_line
from harness.claims.results import Results
from harness.claims.run_folder import HistoryFile, RunFolder, Witness, history_file, plain_name
from harness.history.canary import Canaries
from harness.history.model import Event, EventKind, Header, Unfit, Unreachable, UserId, Value, is_intruder
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Checker, Finding
from harness.performing.adapted import AdaptedTarget
from harness.performing.connections import Deadlines
from harness.performing.performance import Failure, Performance, perform
from harness.performing.reduction import Smallest, as_found, reduce, witness_of
from harness.performing.totals import Totals
from harness.scenario.program import Program
from harness.transport.exchange import Exchange
from harness.wire.measures import Measured, measured
from harness.wire.serving import located
from harness.wire.stimuli import STIMULI
from harness.wire.stimuli.in_turn import solo, with_bystander
from harness.wire.stimuli.setting import Setting

SERVED = ("2", "3")
"""How the statuses begin of what was answered."""
OPENED = EventKind.OK.value
"""What stands in place of a status where a channel was opened."""
USUAL_RTT_S = 0.01
"""Taken for the round-trip time until it has been measured."""
DEADLINES = Deadlines(call_s=60.0, run_s=10.0)
"""A service that is asked for more than it can do at once takes long, and is not dead."""
_ENDS = frozenset({EventKind.OK, EventKind.FAIL, EventKind.INFO})
TRIES = 3
"""How often a smaller program is performed before it is taken for one that does not show what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSuite:
    """What to run, and how.

    Args:
        target: as given to `--target`.
        adapter: of the service.
        url: of the service; `""` where the adapter says it.
        budget: how much to do.
        seed: of the data and of every choice.
        again: the command that verifies again; stands in evidence without a witness.
        folder: where the history and witnesses go; None keeps nothing.
        say: told what is going on, in short lines.
    """

    target: str
    adapter: Adapter
    url: str
    budget: WireBudget
    seed: int
    again: str = ""
    folder: RunFolder | None = None
    say: Callable[[str], None] = lambda line: None

    def run(self) -> SuiteOutcome:
        """Carry the suite out. What was recorded before the service went away is judged all the same.

        Raises:
            KeyboardInterrupt: somebody has had enough; what was found by then has been put into the folder.
        """
        began = monotonic()
        work = _Work(self)
        with history_file(self.folder, f"wire-{plain_name(self.target)}") as file:
            try:
                with located(self.adapter, self.url) as url:
                    asyncio.run(work.carry_out(url, file))
            except Unreachable as error:
                work.doubt, work.unfit = str(error), isinstance(error, Unfit)
            except KeyboardInterrupt:
                work.doubt = "it was interrupted"
                if self.folder is not None:
                    self.folder.keep(work.outcome(monotonic() - began))
                raise
        return work.outcome(monotonic() - began)


class _Work:
    """One run of the suite."""

    def __init__(self, suite: WireSuite) -> None:
        self._suite = suite
        self._promises = suite.adapter.promises
        self._totals = Totals()
        self._first: dict[str, Failure] = {}
        self._smallest: dict[str, Smallest] = {}
        self._tried: dict[str, Value] = {}
        self._files: tuple[str, ...] = ()
        self._url = ""
        self._rtt_s = USUAL_RTT_S
        self._users = 0
        self._refused_s: dict[str, list[float]] = {}
        self._asked: list[Event] = []
        self._served: set[str] = set()
        self._cookies: dict[UserId, tuple[str, ...]] = {}
        self._alone: tuple[str, ...] = ()
        self._stopped = ""
        self.doubt = ""
        self.unfit = False

    async def carry_out(self, url: str, file: HistoryFile | None) -> None:
        self._url = url
        self._files = (file.name,) if file is not None else ()
        _check_alone(await self._perform(solo(self._setting(0)), file), self._suite.adapter)
        self._alone = tuple(sorted(self._served))
        for number, (name, stimulus) in enumerate(STIMULI.items(), 1):
            if self._suite.budget.stimuli is not None and name not in self._suite.budget.stimuli:
                continue
            program = stimulus.make(self._setting(number))
            if program is None:
                self._tried[name] = {"requests": 0, "not_tried": f"it needs {stimulus.needs}"}
                continue
            if self._stopped:
                self._tried[name] = {"requests": 0, "not_tried": self._stopped}
                continue
            self._suite.say(f"{name}: {stimulus.sentence}")
            await self._perform(with_bystander(program, self._setting(number)), file)
        await self._make_smallest()

    def _setting(self, number: int) -> Setting:
        budget = self._suite.budget
        return Setting(
            adapter=self._suite.adapter,
            users=budget.users,
            rounds=budget.rounds,
            volume=budget.volume,
            warm_up_s=budget.warm_up_s,
            rtt_s=self._rtt_s,
            first=self._users,
            seed=self._suite.seed * 1_000_003 + number,
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AdaptedTarget]:
        target = AdaptedTarget(self._suite.adapter, Exchange(self._url, self._suite.adapter.http2))
        try:
            yield target
        finally:
            await target.close()

    async def _perform(self, program: Program, file: HistoryFile | None) -> Measured:
        """Perform a program from its first step to its last, or as far as the service goes along."""
        self._users += len(program.users)
        header = Header(
            target=self._suite.adapter.name,
            suite=Suite.WIRE,
            seed=self._suite.seed,
            users=sum(not is_intruder(user.id) for user in program.users),
            promises=self._promises,
            served=self._alone,
        )
        async with self._open() as target:
            performance = Performance(target, program, header, CHECKERS, file, DEADLINES, self._cookies)
            try:
                async with performance:
                    await performance.perform(program.steps)
                    await performance.settle()
            finally:
                performance.add_to(self._totals, header.users)
                events = tuple(performance.events)
                seen = measured(header, events)
                self._take_in(Failure(program, header, events, performance.verdicts()), seen)
                self._tried[program.name] |= {"left_out": performance.left_out, "renamed": target.renamed}
                if program.name == "solo" and target.exchange.rtt_s:
                    self._rtt_s = median(target.exchange.rtt_s)
        return seen

    def _take_in(self, failure: Failure, seen: Measured) -> None:
        for whose, took_s in seen.refused_s.items():
            self._refused_s.setdefault(whose, []).extend(took_s)
        self._asked += [event for event in failure.events if event.kind is EventKind.INVOKE]
        self._served |= {name for name, status in seen.answers if status.startswith(SERVED) or status == OPENED}
        found = {}
        for checker, verdict in failure.verdicts.items():
            if verdict.findings:
                self._first.setdefault(checker, failure)
                found[checker] = _requests_until(failure.events, verdict.findings[0])
        self._tried[failure.program.name] = {"requests": seen.requests, "hung_up": seen.hung_up, "found": found}
        if gone := sorted(set(self._alone) & _serving_nobody(failure)):
            self._stopped = f"after {failure.program.name}, nobody was served with {', '.join(gone)} any more"
            self._suite.say(self._stopped)

    async def _make_smallest(self) -> None:
        budget = self._suite.budget
        for checker, failure in self._first.items():
            self._suite.say(f"making what {checker} found smaller")
            seconds = budget.shrink_s / len(self._first)
            checkers = {checker: CHECKERS[checker]}

            async def again(
                program: Program, header: Header = failure.header, checkers: Mapping[str, Checker] = checkers
            ) -> Failure:
                return await perform(program, header, self._open, checkers, DEADLINES)

            self._smallest[checker] = await reduce(
                failure, checker, again, seconds, needed=1, tries=TRIES, attempts=budget.attempts
            )

    # What came of it

    def outcome(self, duration_s: float) -> SuiteOutcome:
        suite, totals = self._suite, self._totals
        left_out = f"it was not put under every stimulus: {self._stopped}" if self._stopped else ""
        doubts = tuple(filter(None, (self.doubt, self._never_served(), left_out)))
        run = totals.run(
            Suite.WIRE,
            suite.target,
            suite.seed,
            duration_s,
            files=self._files,
            measures={"stimuli": self._tried, "rtt_ms": round(1000 * self._rtt_s, 3), **self._refusals()},
            doubt="; ".join(doubts),
        )
        results = Results(
            run=run,
            checkers=CHECKERS,
            verdicts=totals.verdicts,
            doubts=doubts,
            found={checker: self._witness(checker, failure) for checker, failure in self._first.items()},
            again=suite.again,
        )
        return SuiteOutcome(run, results.evidence(suite.folder), self.doubt, self.unfit)

    def _never_served(self) -> str:
        """Return what never gave anybody an answer, so that nothing was shown of it; `""` when everything did."""
        never = [part.name for part in self._suite.adapter.parts if part.name not in self._served]
        if self.doubt or not never:
            return ""
        return (
            f"{', '.join(never)} never succeeded for anybody, so nothing was shown of what was asked there: see "
            "whether the adapter asks rightly, or leave out what its users may not ask"
        )

    def _refusals(self) -> Mapping[str, Value]:
        """Return how long it usually takes to refuse another's object, and one that there is not: seen, not judged."""
        medians = {whose: median(took_s) for whose, took_s in self._refused_s.items() if took_s}
        return {f"refusal_ms_{whose}": round(1000 * took_s, 3) for whose, took_s in medians.items()}

    def _witness(self, checker: str, first: Failure) -> Witness:
        smallest = self._smallest.get(checker) or as_found(first, checker)
        earlier = _earlier(smallest.failure, smallest.finding, self._asked)
        return witness_of(smallest, checker, self._suite.target, earlier=earlier, url=self._suite.url)


def _earlier(failure: Failure, finding: Finding, before: Sequence[Event]) -> tuple[str, ...]:
    """Return the request of an earlier performance whose mark was seen, where the finding has no request of its owner.

    The service may have kept it since then.
    """
    shown = [failure.events[index] for index in finding.witness if index < len(failure.events)]
    if not finding.owner or any(event.user == finding.owner for event in shown):
        return ()
    canaries = Canaries(failure.header.seed)
    seen = {mark for event in shown for mark in canaries.find(json.dumps(event.value))}
    earlier = (event for event in before if seen & {*canaries.find(json.dumps(event.value))})
    return tuple(f"before, {request_line(event)}" for event in islice(earlier, 1))


def _serving_nobody(failure: Failure) -> frozenset[str]:
    """Return the operations that never gave an answer to the bystander, who comes last."""
    bystander = failure.program.users[-1].id
    ended = [event for event in failure.events if event.user == bystander and event.kind in _ENDS]
    answered = {event.name for event in ended if event.kind is not EventKind.INFO}
    return frozenset(event.name for event in ended) - answered


def _requests_until(events: Sequence[Event], finding: Finding) -> int:
    last = max(finding.witness, default=len(events))
    return sum(event.kind is EventKind.INVOKE for event in events[:last])


def _check_alone(alone: Measured, adapter: Adapter) -> None:
    """See that the service does for one user what the adapter says.

    Raises:
        Unfit: it does not.
    """
    wrong = {}
    for (name, status), count in alone.answers.items():
        makes = any(route.name == name and route.makes for route in adapter.routes)
        if status.startswith("5") or (makes and not status.startswith(SERVED)):
            wrong[name] = f"{name} was answered with {status} ({count} times)"
    reading = [route.name for route in adapter.routes if route.reads]
    served = {name for name, status in alone.answers if status.startswith(SERVED)}
    if reading and not served & set(reading):
        wrong["reading"] = f"none of {', '.join(reading)} gave an answer"
    wrong |= {f"misfit {number}": misfit for number, misfit in enumerate(alone.misfits)}
    if wrong:
        raise Unfit(
            f"{adapter.name} does not serve one user alone: {'; '.join(wrong.values())}. See whether the routes of the "
            "adapter are those of the service, and whether its users may ask them"
        )
