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
  when a task died and nobody handled its error, or when there was nothing to choose; HOLDS otherwise: "in these
  schedules", and never "proven".
- What the program is to find as new in each schedule, it makes itself: nothing is reset between two of them.
- An await that does not suspend is no choice: what stands for a network or a database must yield (`asyncio.sleep(0)`).

How it works. Each schedule runs on a loop of its own, in virtual time (`harness.loop.loop`). It is explored, made
smaller and explained as a scene of a target is: see `explorer`, `shrinking` and `explanation`.

The turns of the searches were measured (`benchmarks/schedules`): of 100 schedules that need a depth of 3 among ten
tasks, a sticky walk hits five, PCT one or two, and a random walk hardly any; but each finds what the others do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from harness.loop.control import controlled
from harness.loop.jobs import Uncontrolled
from harness.loop.scheduling import Mode, Schedule
from harness.loop.strategies.exhaustive import BOUND
from harness.loop.strategies.recorded import Recorded
from harness.schedules.coroutine import (
    MOST_STEPS,
    PROGRAM,
    Cancelled,
    Coroutine,
    CoroutineExecution,
    Program,
    place_of,
)
from harness.schedules.coroutine_tally import CoroutineTally
from harness.schedules.explanation import deviations
from harness.schedules.explorer import Explorer, Order
from harness.schedules.portfolio import EXHAUSTIVE, FIFO, PORTFOLIO, STRATEGIES, SWEEP, Choosing
from harness.schedules.results import Coverage, Exploration, FailingSchedule, Failure, NothingShown, Passing
from harness.schedules.shrinking import Shrunk, shrink
from harness.schedules.tally import Found

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

TURNS = ("sticky", "sticky", "sticky", "pct", "sticky", "sticky", "sticky", "random")
CHOOSING = Choosing(searches=TURNS, sweep_every=1, faults_every=3, most_faults=1, counts_seeds=True)
"""The portfolio: all of the sweep first, then searches in turn, every third with a cancellation."""
SHRINK_RUNS = 300
"""Runs that are made to make a failing schedule smaller, unless another number is given."""


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
    choosing = replace(CHOOSING, strategy=strategy, modes=modes, faults=bool(patterns), bound=bound)
    with controlled() as control:
        subject = Coroutine(control=control, program=program, seed=seed, most_steps=most_steps, patterns=patterns)
        tally = CoroutineTally(patterns)
        explorer = Explorer([subject])
        _explore(
            explorer, Order(seed=seed, start=0, stop=1 if strategy == FIFO else schedules, choosing=choosing), tally
        )
        found = tally.found.get(PROGRAM)
        return tally.exploration(None if found is None else _failure(subject, found, shrink_runs, modes))


def _explore(explorer: Explorer, order: Order, tally: CoroutineTally) -> None:
    """Carry the order out; of an exhaustive walk, what one tree leaves of its share goes to the next."""
    explorer.carry_out(order, tally)
    trees = list(tally.trees.values())
    for place, tree in enumerate(trees):
        if tally.is_done:
            break
        share = (order.stop - tally.schedules) // (len(trees) - place)
        part = replace(order, start=tally.schedules, stop=tally.schedules + share, tree=tree)
        explorer.carry_out(part, tally)


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
        subject = Coroutine(control=control, program=program, seed=seed, most_steps=most_steps)
        run = subject.run(recorded, schedule.mode, () if place is None else (place,), watch=False)
    if run.error is not None:
        raise run.error
    if run.result.uncontrolled:
        raise Uncontrolled(f"{run.result.uncontrolled[0]}: no schedule decides what comes of that")
    missing = [place for place in schedule.deviations if place >= run.schedule.choices]
    if recorded.misfits or missing or (place is not None and run.cancelled is None):
        raise LookupError(
            "the program passed, but had not all the choices and awaits of this schedule: it is not the one that was "
            "explored, or was changed since. Explore it again"
        )
    return run.value


def _failure(subject: Coroutine, found: Found, shrink_runs: int, modes: Sequence[Mode]) -> Failure:
    """Return the failure, in the smallest schedule that is found, if it shows again at all."""
    first: CoroutineExecution = found.execution
    runs = shrink_runs if found.shows_again else 0
    _, smallest = shrink(subject, first, first.symptom(PROGRAM), runs, modes)
    execution: CoroutineExecution = smallest.execution
    error = execution.error
    assert error is not None, "a failing schedule stays one"
    return Failure(
        program=subject.name,
        error=repr(error),
        where=place_of(error),
        attempt=found.attempt + 1,
        strategy=found.strategy,
        seed=subject.seed,
        most_steps=subject.most_steps,
        found=first.schedule,
        schedule=execution.schedule,
        cancelled=execution.cancelled,
        runs=smallest.runs,
        passing=_passing(subject, smallest),
        explanation=_explanation(subject, execution) if found.shows_again else (),
        exception=error,
        shows_again=found.shows_again,
    )


def _passing(subject: Coroutine, smallest: Shrunk) -> Passing | None:
    run = smallest.passing
    if run is None:
        return None
    deviates_more = len(run.schedule.deviations) > len(smallest.execution.schedule.deviations)
    explanation = _explanation(subject, run) if deviates_more else ()
    return Passing(schedule=run.schedule, cancelled=run.cancelled, explanation=explanation)


def _explanation(subject: Coroutine, execution: CoroutineExecution) -> tuple[str, ...]:
    return (*deviations(subject, execution), *map(str, execution.fault_points))


def _check(strategy: str, schedules: int, modes: Sequence[Mode], patterns: Sequence[str]) -> None:
    wrong = []
    if strategy not in STRATEGIES:
        wrong.append(f"there is no strategy {strategy!r}: give one of {', '.join(STRATEGIES)}")
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
