"""A rule-based state machine of many users on a real event loop: Hypothesis picks the rules, the runner acts.

How it works. Every rule is one step of a program, performed at once: users' operations start and are not waited for,
so they interleave; SETTLE rules join them. At the end everything is settled and the checkers are asked. A violation
makes Hypothesis shrink the program; the smallest violating one is kept whether or not it failed again, because a race
may not.

One loop lives as long as the suite. Between two rules it stands still, so what a target does is between steps, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from harness.model import Event, Header, Promises
from harness.performance import OpenTarget, Performance, Totals, first_violation, promises_of
from harness.program import Do, Program, Step, ask
from harness.properties.tours import people
from harness.store import HistoryFile
from harness.verdict import Checker, Verdict

MOST_ACTIVE = 4
"""Users of a random program: enough for every anomaly known, few enough to shrink and to read."""

_texts = st.sampled_from(("note {mark}", "note of milk {mark}", "NOTE {mark} & more", "{mark}"))
_agents = st.sampled_from(
    (
        ("narrator", "a word of {mark} and another"),
        ("narrator", "{mark}"),
        ("notebook", "remember: note first {mark} | note second {mark}"),
        ("notebook", "recall: note"),
        ("faulty", "fail: note failed {mark}"),
    )
)
_users = st.integers(0, MOST_ACTIVE - 1)
_nth = st.integers(0, 2)


class ViolationFound(AssertionError):
    """The program violates a claim: makes Hypothesis shrink it."""


class _Enough(BaseException):
    """The time for shrinking is over. Not an Exception, so that Hypothesis lets it pass."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A violating execution."""

    program: Program
    header: Header
    events: tuple[Event, ...]
    verdicts: Mapping[str, Verdict]


@dataclass(slots=True)
class Search:
    """What the state machine works with, and what it has found so far.

    Args:
        loop: runs everything.
        open_target: a fresh target for each program, or the same lasting one.
        checkers, file, seed: of the suite.
        lasting: whether user names must differ between programs.
        shrink_s: seconds between the first violation and the end of shrinking.
        totals: counts of everything performed until the first violation.
        smallest: the violating execution with the fewest steps.
    """

    loop: asyncio.Runner
    open_target: OpenTarget
    checkers: Mapping[str, Checker]
    header: Callable[[str, int, int, Promises], Header]
    file: HistoryFile | None
    shrink_s: float
    totals: Totals
    numbers: Any = field(default_factory=count)
    smallest: Failure | None = None
    found_at: float | None = None

    def take(self, failure: Failure) -> None:
        """Keep the failure if it is the smallest; stop when the time for shrinking is over."""
        if self.found_at is None:
            self.found_at = monotonic()
        if self.smallest is None or len(failure.program.steps) < len(self.smallest.program.steps):
            self.smallest = failure
        if monotonic() - self.found_at > self.shrink_s:
            raise _Enough


class ManyUsers(RuleBasedStateMachine):
    """Many users of one target. `search` is set on a subclass, by `machine_for`."""

    search: ClassVar[Search]

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.stack = AsyncExitStack()
        self.number = next(self.search.numbers)
        self.search.loop.run(self._open())

    async def _open(self) -> None:
        target = await self.stack.enter_async_context(self.search.open_target())
        suffix = f".{self.number}" if getattr(target, "lasting", False) else ""
        self.users = people(MOST_ACTIVE, suffix)
        header = self.search.header(target.name, self.number, MOST_ACTIVE, promises_of(target))
        file = self.search.file if self.search.found_at is None else None
        program = Program(f"random-{self.number}", self.users, ())
        self.performance = Performance(target, program, header, self.search.checkers, file)
        await self.stack.enter_async_context(self.performance)

    def do(self, *steps: Step) -> None:
        """Carry out these steps now, and remember them."""
        self.steps.extend(steps)
        self.search.loop.run(self._do(steps))

    async def _do(self, steps: Sequence[Step]) -> None:
        await self.performance.perform(steps)

    @initialize()
    def arrive(self) -> None:
        """Everybody opens two threads and follows the first."""
        for user in range(MOST_ACTIVE):
            self.do(
                ask(user, "open_thread", title="thread {mark}"),
                ask(user, "open_thread", title="other thread {mark}"),
            )
        self.do(Step(Do.SETTLE))
        self.do(*(ask(user, "follow", thread=f"$thread:{user}:0") for user in range(MOST_ACTIVE)), Step(Do.SETTLE))

    @rule(user=_users, text=_texts)
    def write(self, user: int, text: str) -> None:
        """Somebody writes a note."""
        self.do(ask(user, "write_note", text=text))

    @rule(user=_users, nth=_nth, text=_texts)
    def edit(self, user: int, nth: int, text: str) -> None:
        """Somebody edits a note of their own."""
        self.do(ask(user, "edit_note", id=f"$note:{user}:{nth}", text=text, version=f"$version:{user}:{nth}"))

    @rule(user=_users, nth=_nth)
    def delete(self, user: int, nth: int) -> None:
        """Somebody deletes a note of their own."""
        self.do(ask(user, "delete_note", id=f"$note:{user}:{nth}"))

    @rule(user=_users, what=st.sampled_from(("list_notes", "list_threads", "search_notes")))
    def look(self, user: int, what: str) -> None:
        """Somebody lists or searches."""
        self.do(ask(user, what, text="note") if what == "search_notes" else ask(user, what))

    @rule(user=_users, owner=_users, nth=_nth, what=st.sampled_from(("read_note", "edit_note", "read_run", "follow")))
    def reach(self, user: int, owner: int, nth: int, what: str) -> None:
        """Somebody reaches for an object by its id, be it theirs or another's."""
        match what:
            case "edit_note":
                step = ask(user, what, id=f"$note:{owner}:{nth}", text="over {mark}", version=f"$version:{owner}:{nth}")
            case "follow":
                step = ask(user, what, thread=f"$thread:{owner}:0")
            case _:
                step = ask(user, what, id=f"${what.removeprefix('read_')}:{owner}:{nth}")
        self.do(step)

    @rule(user=_users, work=_agents, thread=st.integers(0, 1))
    def run(self, user: int, work: tuple[str, str], thread: int) -> None:
        """Somebody starts a run, in the thread they follow or in the other."""
        agent, text = work
        self.do(ask(user, "start_run", thread=f"$thread:{user}:{thread}", agent=agent, text=text))

    @rule(user=_users)
    def stall_and_cancel(self, user: int) -> None:
        """Somebody's run waits until it is cancelled; meanwhile live requests are compared."""
        self.do(
            Step(Do.SETTLE),
            ask(user, "start_run", thread=f"$thread:{user}:0", agent="faulty", text="stall: {mark}"),
            Step(Do.SETTLE),
            Step(Do.COMPARE),
            ask(user, "cancel_run", id=f"$run:{user}:-1"),
        )

    @rule(amount=st.integers(1, 30))
    def turn(self, amount: int) -> None:
        """Let the loop turn."""
        self.do(Step(Do.TICK, amount=amount))

    @rule(user=_users)
    def cancel(self, user: int) -> None:
        """Somebody's newest call is cancelled where it stands."""
        self.do(Step(Do.CANCEL, user))

    @rule(user=_users)
    def reconnect(self, user: int) -> None:
        """Somebody loses the connection and comes back."""
        self.do(Step(Do.DISCONNECT, user), Step(Do.TICK, amount=3), Step(Do.CONNECT, user))

    @rule()
    def settle(self) -> None:
        """Wait for everything that can end."""
        self.do(Step(Do.SETTLE))

    def teardown(self) -> None:
        """Have everybody look once more, settle, and ask the checkers."""
        try:
            self.search.loop.run(self._close())
        finally:
            self.search.loop.run(self.stack.aclose())

    async def _close(self) -> None:
        self.steps += [step for user in range(MOST_ACTIVE) for step in (ask(user, "list_notes"), Step(Do.SETTLE))]
        await self._do(self.steps[-2 * MOST_ACTIVE :])
        verdicts = self.performance.verdicts()
        violated = first_violation(verdicts)
        if self.search.found_at is None:
            self.performance.add_to(self.search.totals, MOST_ACTIVE)
        if violated is not None:
            program = Program(f"random-{self.number}", self.users, tuple(self.steps))
            events = tuple(self.performance.events)
            self.search.take(Failure(program, self.performance.header, events, verdicts))
            raise ViolationFound(violated.findings[0].message)


def machine_for(search: Search) -> type[ManyUsers]:
    """Return the state machine of this search."""
    return type("ManyUsers", (ManyUsers,), {"search": search})


def explore(search: Search, *, examples: int, steps: int, seed_value: int) -> None:
    """Perform random programs until one violates a claim, then shrink it; `search` says what came of it.

    Raises:
        Unreachable: the target went away.
    """
    if not examples:
        return
    phases = [Phase.generate, Phase.shrink] if search.shrink_s else [Phase.generate]
    machine = seed(seed_value)(machine_for(search))
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                database=None,
                deadline=None,
                print_blob=False,
                report_multiple_bugs=False,
                phases=phases,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (ViolationFound, Flaky, _Enough):
        if search.smallest is None:
            raise
