"""Explores the schedules of anyone's own coroutines, also in a pytest test.

    async def transfer() -> None:            # a program: async, without arguments, made anew for each schedule
        account = Account(balance=100)
        await asyncio.gather(account.withdraw(60), account.withdraw(60))
        assert account.balance >= 0

    def test_transfer() -> None:
        explore(transfer).check()

Rules:

- A schedule fails when the program raises, or when the loop sees it wait for ever (Deadlock) or never end (Livelock).
- The same seed gives the same exploration, in the same process, and in any other that hashes strings alike.
- The outcome is counted: VIOLATED when a schedule failed, and failed again when it was replayed; UNKNOWN when it did
  not, when something was refused that no schedule decides, when a schedule that was run twice came out differently,
  when a task died and nobody took its error, or when there was nothing to choose; HOLDS otherwise, which says "in these
  schedules", and never "proven".
- What the program is to find as new in each schedule, it makes itself: nothing is reset between two of them.
- An await that does not suspend is no choice: what stands for a network or a database must yield (`asyncio.sleep(0)`).

How it works. Each schedule runs on a loop of its own, in virtual time (`harness.loop.loop`). Which are tried is
said in `harness.schedules.coroutine_attempts`; how the first that fails is made smaller, in `coroutine_smallest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.loop.control import controlled
from harness.loop.jobs import Uncontrolled
from harness.loop.scheduling import Mode, Schedule
from harness.loop.strategies.exhaustive import BOUND
from harness.loop.strategies.recorded import Recorded
from harness.schedules.coroutine_attempts import EXHAUSTIVE, FIFO, NAMES, PORTFOLIO, SWEEP, Attempt, Attempts
from harness.schedules.coroutine_coverage import CoverageRecorder, is_watched
from harness.schedules.coroutine_explanation import tell
from harness.schedules.coroutine_results import Coverage, Exploration, FailingSchedule, Failure, NothingShown, Passing
from harness.schedules.coroutine_runs import (
    MOST_STEPS,
    Cancelled,
    Program,
    Rehearsal,
    Run,
    first_difference,
    kind_of,
    place_of,
)
from harness.schedules.coroutine_shrinking import Smallest, make_smallest

__all__ = [
    "Cancelled",
    "Coverage",
    "Exploration",
    "FailingSchedule",
    "Failure",
    "Mode",
    "NothingShown",
    "Schedule",
    "explore",
    "replay",
]

TWICE_EVERY = 50
"""Of so many schedules one is run twice."""
SHRINK_RUNS = 300
"""Runs that are made to make a failing schedule smaller, unless told otherwise."""


def explore(
    program: Program,
    *,
    schedules: int = 1000,
    seed: int = 0,
    strategy: str = PORTFOLIO,
    bound: int = BOUND,
    modes: Sequence[Mode] = tuple(Mode),
    cancel: str | Sequence[str] = (),
    most_steps: int = MOST_STEPS,
    shrink_runs: int = SHRINK_RUNS,
) -> Exploration:
    """Run a program under many schedules, until it fails in one; make that one smaller, and say what was seen.

    With `exhaustive`, no failure and `left == 0`: every order was run in which the loop can take the program's steps,
    in each of the modes, for this seed. That is: every order of the tasks that are ready (`preemptive` only), of the
    completions of jobs and database calls, each one step, and of timers that fall due at one instant. It does not say
    anything of other data, of cancellations, of what two threads do to each other while both run, nor of a timer that
    falls due while somebody could still go on: time passes only when nobody can.

    Args:
        program: an async function without arguments; it fails by raising. `lambda: program(3)` gives it some.
        schedules: the most that are run. Fewer are when one fails, or when there are no others.
        seed: of schedules, cancellations and data (time and random numbers, which are the same in each schedule).
        strategy: `portfolio` (FIFO, the sweep of cancellations, then searches in turn), `sweep` (FIFO and the sweep
            only), one search only (`sticky`, `random`, `pct`), `fifo`, or `exhaustive`.
        bound: the most deviations from FIFO of one schedule; of `exhaustive` only.
        modes: how far schedules may leave asyncio's own order; FIFO and the sweep are tried in the first.
        cancel: patterns (as of file names) of the names of tasks; these are cancelled at each of their awaits by the
            sweep, one in each schedule, and in one of three searches at random. `*` is every task but the main one.
        most_steps: of one schedule; one that takes more is a failure, as it does not come to an end.
        shrink_runs: the most runs that are made to make a failing schedule smaller.

    Raises:
        ValueError: the arguments do not go together; says all that is wrong.
        TypeError: the program is no async function without arguments.
        RuntimeError: a loop is running already in this thread.
    """
    patterns = (cancel,) if isinstance(cancel, str) else tuple(cancel)
    _check(strategy, schedules, modes, patterns)
    modes = tuple(map(Mode, modes))
    attempts = Attempts(strategy=strategy, seed=seed, most=schedules, bound=bound, modes=modes, cancel=patterns)
    seen = CoverageRecorder(attempts, patterns)
    with controlled() as control:
        rehearsal = Rehearsal(control, program, seed, most_steps)
        for attempt in attempts:
            run = _tried(rehearsal, attempt, seen)
            attempts.observe(attempt, run)
            seen.add(attempt, run)
            if run.failed:
                return seen.exploration(_failure(rehearsal, attempt, run, shrink_runs, modes, seen))
            if seen.is_hopeless():
                break
    return seen.exploration(None)


def replay(
    program: Program,
    schedule: Schedule,
    *,
    cancel: tuple[str, int] | Cancelled | None = None,
    seed: int = 0,
    most_steps: int = MOST_STEPS,
) -> object:
    """Run a program under exactly this schedule, and return what it returns.

    Args:
        program, seed, most_steps: as given to `explore`.
        schedule: `Failure.schedule`, or one that was written down.
        cancel: (name of a task, number of its await) at which it is cancelled.

    Raises:
        BaseException: whatever the program raises; its own exception.
        LookupError: the schedule has a choice, or a cancellation, that there was not: it is of another program.
        Uncontrolled: something was refused that no schedule decides.
        RuntimeError: a loop is running already in this thread.
    """
    _check_no_loop()
    recorded = Recorded(schedule.deviations)
    place = None if cancel is None else Cancelled(cancel[0], cancel[1])
    with controlled() as control:
        run = Rehearsal(control, program, seed, most_steps).run(recorded, schedule.mode, place)
    if run.error is not None:
        raise run.error
    if run.uncontrolled:
        raise Uncontrolled(f"{run.uncontrolled[0]}: no schedule decides what comes of that")
    missing = [place for place in schedule.deviations if place >= run.schedule.choices]
    if recorded.misfits or missing or (place is not None and run.cancelled is None):
        raise LookupError(
            "the program passed, but had not all the choices and awaits of this schedule: it is not the one that was "
            "explored, or was changed since. Explore it again"
        )
    return run.value


def _tried(rehearsal: Rehearsal, attempt: Attempt, seen: CoverageRecorder) -> Run:
    """Run an attempt; every so often, run it once more from its recorded choices, and compare."""
    run = rehearsal.run(attempt.scheduler, attempt.mode, attempt.cancel, is_watched(attempt))
    if attempt.number % TWICE_EVERY == 1:
        recorded = Recorded(run.schedule.deviations)
        again = rehearsal.run(recorded, attempt.mode, attempt.cancel, listen=lambda watcher: None)
        if (step := first_difference(run, again)) is not None:
            seen.doubt(f"schedule {attempt.number} ({attempt.strategy}), run twice, differs from {step}")
    return run


def _failure(
    rehearsal: Rehearsal, attempt: Attempt, found: Run, shrink_runs: int, modes: Sequence[Mode], seen: CoverageRecorder
) -> Failure:
    """Return the failure, in the smallest schedule that is found, if it shows again at all."""
    again = rehearsal.run(Recorded(found.schedule.deviations), attempt.mode, found.cancelled)
    shows = again.failed and kind_of(again.error) == kind_of(found.error)
    if not shows:
        seen.doubt(
            f"schedule {attempt.number} failed, and did not fail so when its choices were run again: "
            "something decides that no schedule does (a set of its own objects, a module's state, another process)"
        )
    smallest = make_smallest(rehearsal, found, shrink_runs if shows else 0, modes)
    error = smallest.run.error
    assert error is not None, "a failing schedule stays one"
    return Failure(
        program=rehearsal.name,
        error=repr(error),
        where=place_of(error),
        attempt=attempt.number,
        strategy=attempt.strategy,
        seed=rehearsal.seed,
        most_steps=rehearsal.most_steps,
        found=found.schedule,
        schedule=smallest.run.schedule,
        cancelled=smallest.run.cancelled,
        runs=smallest.runs,
        passing=_passing(rehearsal, smallest),
        explanation=tell(rehearsal, smallest.run) if shows else (),
        exception=error,
        shows_again=shows,
    )


def _passing(rehearsal: Rehearsal, smallest: Smallest) -> Passing | None:
    run = smallest.passing
    if run is None:
        return None
    deviates_more = len(run.schedule.deviations) > len(smallest.run.schedule.deviations)
    return Passing(
        schedule=run.schedule, cancelled=run.cancelled, explanation=tell(rehearsal, run) if deviates_more else ()
    )


def _check(strategy: str, schedules: int, modes: Sequence[Mode], patterns: Sequence[str]) -> None:
    wrong = []
    if strategy not in NAMES:
        wrong.append(f"there is no strategy {strategy!r}: give one of {', '.join(NAMES)}")
    if schedules < 1:
        wrong.append(f"{schedules} schedules show nothing: give 1 or more")
    if not modes or not set(modes) <= set(Mode):
        wrong.append(f"modes are some of {', '.join(Mode)}, not {list(modes)}")
    if patterns and strategy in (FIFO, EXHAUSTIVE):
        wrong.append(f"{strategy} cancels nobody: leave `cancel` out, or give another strategy")
    if strategy == SWEEP and not patterns:
        wrong.append("the sweep cancels tasks, and none may be cancelled: give `cancel`, for all of them as '*'")
    if wrong:
        raise ValueError("; ".join(wrong))
    _check_no_loop()


def _check_no_loop() -> None:
    if asyncio._get_running_loop() is not None:
        raise RuntimeError(
            "a loop is running already, and each schedule needs a loop of its own: call this from a plain function or "
            "test, not from a coroutine"
        )
