"""A rule-based state machine of many users on a real event loop: Hypothesis picks the rules, the runner acts.

How it works. Every rule is one step of a program, performed at once: users' operations start and are not waited for,
so they interleave; SETTLE rules join them. At the end everything is settled and the checkers are asked. The first
violation ends the search and is kept as it is, because a race may not show again; `harness.properties.shrink` makes it
smaller.

One loop lives as long as the suite. Between two rules it stands still, so what a target does is between steps, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from harness.claims.run_folder import HistoryFile
from harness.history.model import Header, Promises
from harness.history.names import people
from harness.judging.verdict import Checker
from harness.performing.performance import Failure, OpenTarget, Performance, Totals, first_violation, promises_of
from harness.performing.connections import Deadlines
from harness.scenario.program import Do, Program, Step, ask

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
    """The program violates a claim."""


@dataclass(slots=True)
class Search:
    """What the state machine works with, and what it has found so far.

    Args:
        loop: runs everything.
        open_target: a fresh target for each program, or the same lasting one.
        deadlines, checkers: of each execution.
        header: makes the header of one, from target, number, users and promises.
        file: where histories go; None keeps none.
        totals: counts everything that was performed.
        numbers: of the programs.
        failure: the first violating execution.
    """

    loop: asyncio.Runner
    open_target: OpenTarget
    deadlines: Deadlines
    checkers: Mapping[str, Checker]
    header: Callable[[str, int, int, Promises], Header]
    file: HistoryFile | None
    totals: Totals
    numbers: Iterator[int] = field(default_factory=count)
    failure: Failure | None = None


class ManyUsers(RuleBasedStateMachine):
    """Many users of one target. `search` is set on a subclass, by `machine_for`."""

    search: ClassVar[Search]

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.stack = AsyncExitStack()
        self.number = next(self.search.numbers)
        try:
            self.search.loop.run(self._open())
        except BaseException:
            self.search.loop.run(self.stack.aclose())
            raise

    async def _open(self) -> None:
        target = await self.stack.enter_async_context(self.search.open_target())
        users = people(MOST_ACTIVE)
        header = self.search.header(target.name, self.number, MOST_ACTIVE, promises_of(target))
        file = self.search.file if self.search.failure is None else None
        program = Program(f"random-{self.number}", users, ())
        self.performance = Performance(target, program, header, self.search.checkers, file, self.search.deadlines)
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
        if self.search.failure is None:
            self.performance.add_to(self.search.totals, MOST_ACTIVE)
        if violated is not None:
            if self.search.failure is None:
                program = Program(f"random-{self.number}", self.performance.users, tuple(self.steps))
                events = tuple(self.performance.events)
                self.search.failure = Failure(program, self.performance.header, events, verdicts)
            raise ViolationFound(violated.findings[0].message)


def machine_for(search: Search) -> type[ManyUsers]:
    """Return the state machine of this search."""
    return type("ManyUsers", (ManyUsers,), {"search": search})


def explore(search: Search, *, examples: int, steps: int, seed_value: int) -> None:
    """Perform random programs until one violates a claim; `search` says what came of it.

    Raises:
        Unreachable: the target went away.
    """
    if not examples:
        return
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
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (ViolationFound, Flaky):
        if search.failure is None:
            raise
