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
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from time import monotonic

from harness.adapter.adapter import Adapter
from harness.claims.evidence import Evidence, Suite, SuiteOutcome, SuiteRun
from harness.claims.plan import WireBudget
from harness.claims.run_folder import HistoryFile, RunFolder, Witness, history_file, plain_name
from harness.history.canary import Canaries
from harness.history.model import Event, EventKind, Header, Unfit, Unreachable, Value
from harness.judging.checkers import checkers_for
from harness.judging.verdict import Finding, Verdict
from harness.performing.performance import Totals
from harness.scenario.program import Program
from harness.scenario.script import Script
from harness.wire.reduction import Smallest, as_found, make_smallest
from harness.wire.serving import located
from harness.wire.stage import Performed, Stage
from harness.wire.stimuli import STIMULI
from harness.wire.stimuli.in_turn import solo
from harness.wire.stimuli.setting import Setting, is_valid

SERVED = ("2", "3")
"""How the statuses begin of what was answered."""
OPENED = EventKind.OK.value
"""What stands in place of a status where a channel was opened."""
USUAL_RTT_S = 0.01
"""Taken for the round-trip time until it has been measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSuite:
    """What to run, and how.

    Args:
        target: as given to `--target`; stands in replay commands.
        adapter: of the service.
        url: of the service; `""` where the adapter says it.
        budget: how much to do.
        seed: of the data and of every choice.
        folder: where the history and witnesses go; None keeps nothing.
        say: told what is going on, in short lines.
    """

    target: str
    adapter: Adapter
    url: str
    budget: WireBudget
    seed: int
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
        self._checkers = checkers_for(self._promises)
        self._totals = Totals()
        self._first: dict[str, Performed] = {}
        self._smallest: dict[str, Smallest] = {}
        self._tried: dict[str, Value] = {}
        self._files: tuple[str, ...] = ()
        self._url = ""
        self._rtt_s = USUAL_RTT_S
        self._users = 0
        self._refused_s: dict[str, list[float]] = {}
        self._asked: list[Event] = []
        self._served: set[str] = set()
        self.doubt = ""
        self.unfit = False

    async def carry_out(self, url: str, file: HistoryFile | None) -> None:
        self._url = url
        self._files = (file.name,) if file is not None else ()
        stage = Stage(self._suite.adapter, url, self._checkers, file, self._take_in)
        alone = await self._perform(stage, solo(self._setting(0)))
        _check_alone(alone, self._suite.adapter)
        self._rtt_s = median(alone.rtt_s) if alone.rtt_s else USUAL_RTT_S
        for number, (name, stimulus) in enumerate(STIMULI.items(), 1):
            if self._suite.budget.stimuli is not None and name not in self._suite.budget.stimuli:
                continue
            script = stimulus.make(self._setting(number))
            if script is None:
                self._tried[name] = {"requests": 0, "not_tried": f"it needs {stimulus.needs}"}
                continue
            self._suite.say(f"{name}: {stimulus.sentence}")
            await self._perform(stage, script)
        await self._make_smallest(Stage(self._suite.adapter, url, self._checkers))

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

    async def _perform(self, stage: Stage, script: Script) -> Performed:
        self._users += len(script.users)
        header = Header(
            target=self._suite.adapter.name,
            suite=Suite.WIRE,
            seed=self._suite.seed,
            users=sum(is_valid(user) for user in script.users),
            promises=self._promises,
        )
        performed = await stage.perform(script, header)
        performed.check()
        return performed

    def _take_in(self, performed: Performed) -> None:
        for whose, took_s in performed.refused_s.items():
            self._refused_s.setdefault(whose, []).extend(took_s)
        self._asked += [event for event in performed.events if event.kind is EventKind.INVOKE]
        totals = self._totals
        totals.add(performed.verdicts)
        totals.histories += 1
        totals.operations += performed.requests
        totals.events += len(performed.events)
        totals.faults += performed.faults
        totals.users = max(totals.users, performed.header.users)
        self._served |= {name for name, status in performed.answers if status.startswith(SERVED) or status == OPENED}
        found = {}
        for checker, verdict in performed.verdicts.items():
            if verdict.findings:
                self._first.setdefault(checker, performed)
                found[checker] = _requests_until(performed.events, verdict.findings[0])
        self._tried[performed.script.stimulus] = {
            "requests": performed.requests,
            "left_out": performed.left_out,
            "renamed": performed.renamed,
            "hung_up": performed.faults,
            "found": found,
        }

    async def _make_smallest(self, stage: Stage) -> None:
        budget = self._suite.budget
        for checker, performed in self._first.items():
            self._suite.say(f"making what {checker} found smaller")
            seconds = budget.shrink_s / len(self._first)
            self._smallest[checker] = await make_smallest(stage, performed, checker, seconds, budget.attempts)

    # What came of it

    def outcome(self, duration_s: float) -> SuiteOutcome:
        suite, totals = self._suite, self._totals
        doubts = tuple(filter(None, (self.doubt, self._never_served())))
        run = SuiteRun(
            suite=Suite.WIRE,
            target=suite.target,
            seed=suite.seed,
            users=totals.users,
            histories=totals.histories,
            operations=totals.operations,
            events=totals.events,
            faults=totals.faults,
            duration_s=round(duration_s, 3),
            files=self._files,
            measures={"stimuli": self._tried, "rtt_ms": round(1000 * self._rtt_s, 3), **self._refusals()},
            doubt="; ".join(doubts),
        )
        evidence = []
        for name in self._checkers:
            verdict = totals.verdicts.get(name, Verdict(name))
            evidence.append(self._evidence(replace(verdict, doubts=verdict.doubts + doubts)))
        return SuiteOutcome(run, tuple(evidence), self.doubt, self.unfit)

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

    def _evidence(self, verdict: Verdict) -> Evidence:
        suite = self._suite
        url = f" --url {self._url}" if suite.url else ""
        replay = f"harness verify --target {shlex.quote(suite.target)}{url} --seed {suite.seed}"
        witness: str | None = None
        told: tuple[str, ...] = ()
        smallest = self._smallest.get(verdict.checker)
        if smallest is None and verdict.checker in self._first:
            smallest = as_found(self._first[verdict.checker], verdict.checker)
        if smallest is not None and suite.folder is not None:
            told = requests_of(smallest.performed, smallest.finding, self._asked)
            witness = suite.folder.write_witness(
                f"wire-{verdict.checker}-{plain_name(suite.target)}", self._witness(verdict.checker, smallest, told)
            )
            replay = f"harness replay {shlex.quote(str(suite.folder.path / witness))}"
        return Evidence(
            suite=Suite.WIRE,
            target=suite.target,
            seed=suite.seed,
            users=self._totals.users,
            histories=self._totals.histories,
            verdict=verdict,
            replay=replay,
            witness=witness,
            explanation=told,
        )

    def _witness(self, checker: str, smallest: Smallest, told: tuple[str, ...]) -> Witness:
        performed = smallest.performed
        return Witness(
            checker=checker,
            finding=smallest.finding,
            target=self._suite.target,
            header=performed.header,
            program=Program(performed.script.stimulus, performed.script.users, ()),
            history=tuple(performed.events),
            explanation=told,
            script=performed.script,
            url=self._suite.url,
            shown=smallest.shown,
        )


def requests_of(performed: Performed, finding: Finding, before: Sequence[Event]) -> tuple[str, ...]:
    """Return the requests that a finding is about, and what the observer got, one line each.

    Args:
        performed: in which it was found.
        finding: it.
        before: what was asked in performances before this one: something may have been kept since then.
    """
    events = performed.events
    shown = {index for index in finding.witness if index < len(events)}
    calls = {events[index].call for index in shown} - {None}
    lines = []
    for event in events:
        if event.kind is EventKind.INVOKE and event.call in calls:
            lines.append(_asking(event))
        elif event.index in shown:
            lines.append(f"{event.user} got: {event.name} {_got(event.value)}")
    if finding.owner and not any(line.startswith(f"{finding.owner}:") for line in lines):
        canaries = Canaries(performed.header.seed)
        seen = {mark for index in shown for mark in canaries.find(json.dumps(events[index].value))}
        earlier = (event for event in before if seen & {*canaries.find(json.dumps(event.value))})
        lines = [*(f"before, {_asking(event)}" for event in islice(earlier, 1)), *lines]
    return tuple(lines)


def _asking(event: Event) -> str:
    return f"{event.user}: {event.value['request']} {_more(event.value)}".rstrip()


def _more(value: Mapping[str, Value]) -> str:
    said = [str(value[key])[:200] for key in ("query", "body") if key in value]
    return " ".join([*said, *([f"({value['manner']})"] if "manner" in value else [])])


def _got(value: Value) -> str:
    if isinstance(value, Mapping) and "status" in value:
        return f"{value['status']} {str(value.get('text', ''))[:300]}"
    return str(value)[:300]


def _requests_until(events: list[Event], finding: Finding) -> int:
    last = max(finding.witness, default=len(events))
    return sum(event.kind is EventKind.INVOKE for event in events[:last])


def _check_alone(alone: Performed, adapter: Adapter) -> None:
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
