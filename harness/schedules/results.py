"""What an exploration of a coroutine has come to, and how a test says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from traceback import format_exception_only

from harness.judging.verdict import Outcome
from harness.loop.scheduling import Mode, Schedule
from harness.schedules.coroutine import MOST_STEPS, Cancelled
from harness.schedules.explanation import counted, distance, left_out


class FailingSchedule(AssertionError):
    """A schedule in which the program fails. Says which, how to run it again, and the nearest that passes."""


class NothingShown(AssertionError):
    """The exploration shows neither that the program fails, nor that it holds. Says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the schedules went through.

    Args:
        traces: how many different orders of steps there were.
        growth: (schedules, traces) after 1, 2, 4, ... schedules, and at the end: how the number of new ones falls.
        choices: the most that one schedule had; 0 means that only one order was possible.
        watched: how many of the schedules were watched; `sites` and `pairs` are of these only.
        sites: where tasks waited, as `folder/file.py:line`.
        pairs: (site, site) of two different tasks that came to wait one after the other.
        places: how many (task, await) there are at which a task that may be cancelled waits, under FIFO.
        cancelled: how many schedules had a cancellation that fell.
        cut_short: how many of those ended in CancelledError before the program could judge; they show nothing.
        swept: the sites at which a task was cancelled by the sweep, and the program came to its end nevertheless.
    """

    traces: int
    growth: tuple[tuple[int, int], ...]
    choices: int
    watched: int
    sites: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    places: int
    cancelled: int
    cut_short: int
    swept: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The nearest schedule that passes.

    Args:
        schedule, cancelled: how it goes.
        explanation: its deviations in words, where asyncio's own order fails, and it takes some to pass.
    """

    schedule: Schedule
    cancelled: Cancelled | None = None
    explanation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first schedule in which the program failed, made smaller.

    Args:
        program: how it is called.
        error: what it raised, as `repr` shows it.
        where: the line that raised it, as `file.py:line`; `""` when that is not the program's.
        attempt, strategy: which schedule showed it: 1, 2, ...; and who made that.
        seed, most_steps: of the exploration.
        found: the schedule as it was found.
        schedule: the smallest in which the program fails in the same way; its mode says how far it leaves asyncio.
        cancelled: the cancellation that it needs; None when it needs none.
        runs: how many were made to make it smaller, and to find one near to it that passes.
        passing: the nearest schedule that passes; None when none was found.
        explanation: the schedule in words.
        exception: what it raised.
        shows_again: whether it showed again when its recorded choices were run once more. Where it did not, nothing was
            made smaller, and `schedule` replays nothing.
    """

    program: str
    error: str
    where: str
    attempt: int
    strategy: str
    seed: int
    most_steps: int
    found: Schedule
    schedule: Schedule
    cancelled: Cancelled | None
    runs: int
    passing: Passing | None
    explanation: tuple[str, ...]
    exception: BaseException = field(compare=False, repr=False)
    shows_again: bool = True

    @property
    def mode(self) -> Mode:
        """The mode in which it shows."""
        return self.schedule.mode

    @property
    def replay(self) -> str:
        """The expression that runs it again."""
        said = [self.program, _expression(self.schedule)]
        if self.cancelled is not None:
            said.append(f"cancel={tuple(self.cancelled[:2])}")
        if self.seed:
            said.append(f"seed={self.seed}")
        if self.most_steps != MOST_STEPS:
            said.append(f"most_steps={self.most_steps}")
        return f"replay({', '.join(said)})"

    def lines(self) -> list[str]:
        """Return everything in words."""
        first, *rest = "".join(format_exception_only(self.exception)).strip().splitlines()
        raised = [f"{first} (at {self.where})" if self.where else first, *rest]
        if not self.shows_again:
            return [
                *raised,
                f"Seen once, in schedule {self.attempt} ({self.strategy}, seed {self.seed}); not repeatable.",
            ]
        return [
            *raised,
            f"{self.program} fails {distance(self.schedule)}{':' if self.explanation else ', without any fault.'}",
            *_numbered(self.explanation),
            *self._against_passing(),
            f"Found by schedule {self.attempt} ({self.strategy}, seed {self.seed}) with "
            f"{counted(len(self.found.deviations), 'deviation')}; made smaller in {counted(self.runs, 'run')}.",
            "Replay: from harness.schedules import Mode, Schedule, replay",
            f"        {self.replay}",
        ]

    def _against_passing(self) -> list[str]:
        passing = self.passing
        if passing is None:
            return ["No schedule near to it was found to pass."]
        if passing.explanation:
            return [f"It passes {distance(passing.schedule)}:", *_numbered(passing.explanation)]
        if passing.cancelled != self.cancelled:
            return ["The same schedule passes without the cancellation."]
        if (place := left_out(self.schedule, passing.schedule)) is None:
            return [f"It passes {distance(passing.schedule)}."]
        return [f"It passes without the deviation at choice {place}: {_expression(passing.schedule)}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What an exploration has come to.

    Args:
        schedules: how many were run, the failing one included; runs to make it smaller are not.
        failure: the first schedule that failed; None when none did. One that does not fail again is a doubt, too.
        coverage: what they went through.
        uncontrolled: what was refused because no schedule decides it.
        doubts: why the schedules show less than they seem to: one that was run twice came out differently (says from
            which step on), an error was taken by nobody, a pattern of `cancel` fits no task, or there was nothing to
            choose.
        left: how many branches were not followed, when the strategy was `exhaustive`; see `explore`.
    """

    schedules: int
    failure: Failure | None
    coverage: Coverage
    uncontrolled: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    left: int | None = None

    @property
    def outcome(self) -> Outcome:
        """VIOLATED when a schedule fails each time; else UNKNOWN on any doubt, or when nothing ran; else HOLDS."""
        if self.failure is not None and self.failure.shows_again:
            return Outcome.VIOLATED
        if self.failure is not None or self.uncontrolled or self.doubts or not self.schedules:
            return Outcome.UNKNOWN
        return Outcome.HOLDS

    def check(self) -> None:
        """Do nothing if the program holds.

        Raises:
            FailingSchedule: it was seen to fail, and fails each time.
            NothingShown: neither was shown; also where it failed once, and never again.
        """
        doubts = [f"Doubt: {doubt}" for doubt in (*self.uncontrolled, *self.doubts)]
        said = self.failure.lines() if self.failure is not None else []
        cause = self.failure.exception if self.failure is not None else None
        if self.outcome is Outcome.VIOLATED:
            raise FailingSchedule("\n".join([*said, *doubts])) from cause
        if self.outcome is Outcome.UNKNOWN:
            ran = f"{counted(self.schedules, 'schedule')} ran, but show nothing:"
            raise NothingShown("\n".join([ran, *said, *doubts])) from cause

    def __str__(self) -> str:
        seen = self.coverage
        said = f"{self.outcome.value} in {counted(self.schedules, 'schedule')}, {counted(seen.traces, 'trace')}"
        if len(seen.growth) > 1:
            (schedules, traces), (all_schedules, all_traces) = seen.growth[-2:]
            said += f" ({all_traces - traces} of them new in the last {all_schedules - schedules})"
        if seen.places:
            said += f", {seen.cancelled} with a cancellation at one of {counted(seen.places, 'await')}"
        return said if self.left is None else f"{said}; {counted(self.left, 'branch')} left"


def _expression(schedule: Schedule) -> str:
    deviations = f", {dict(schedule.deviations)}" if schedule.deviations else ""
    return f"Schedule(Mode.{schedule.mode.name}{deviations})"


def _numbered(lines: Iterable[str]) -> list[str]:
    return [f"  {number}. {line}" for number, line in enumerate(lines, 1)]
