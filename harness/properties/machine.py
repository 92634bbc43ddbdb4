"""A rule-based state machine of many users on a real event loop: Hypothesis picks the rules, the runner acts.

How it works. Every rule is one step of a program, performed at once: users' operations start and are not waited for,
so they interleave; SETTLE rules join them. At the end everything is settled and the checkers are asked. The first
violation ends the search and is kept as it is, because a race may not show again; `harness.performing.reduction` makes
it smaller. What users can ask is what the target says of its operations; a rule for which there is none is left out.

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
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from harness.claims.run_folder import HistoryFile
from harness.history.model import Header, Promises
from harness.history.names import people
from harness.history.semantics import Semantics
from harness.judging.verdict import Checker
from harness.performing.connections import Deadlines
from harness.performing.performance import (
    Failure,
    OpenTarget,
    Performance,
    first_violation,
    promises_of,
    same_name_of,
)
from harness.performing.totals import Totals
from harness.scenario.program import Do, Program, Step
from harness.scenario.repertoire import SETTLE, OperationKind, Repertoire

MOST_ACTIVE = 4
"""Users of a random program: enough for every anomaly known, few enough to shrink and to read."""

_texts = st.sampled_from(("note {mark}", "note of milk {mark}", "NOTE {mark} & more", "{mark}"))
_users = st.integers(0, MOST_ACTIVE - 1)
_nth = st.integers(0, 2)
_which = st.integers(0, 59)
"""Picks one of a few: sixty is a multiple of every number up to six."""
REACHING = (
    OperationKind.READ,
    OperationKind.EDIT,
    OperationKind.GET_STATUS,
    OperationKind.SUBSCRIBE,
    OperationKind.OPEN,
)
OWN, OTHERS = 0, 2
"""Devices with which users open channels on objects: with the first, each listens to what is their own."""


def _has(*kinds: OperationKind) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what leaves a rule out where the target has no operation that does one of these."""
    return precondition(lambda self: bool(self.can.which(*kinds)))


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
        users = people(MOST_ACTIVE, same_name_of(target))
        promises = promises_of(target)
        self.can = Repertoire(promises)
        header = self.search.header(target.name, self.number, MOST_ACTIVE, promises)
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
        """Everybody has two containers of each kind, and listens to the first."""
        users = range(MOST_ACTIVE)
        self.do(*self.can.home(users), SETTLE)
        if listening := self.can.listen(users):
            self.do(*listening, SETTLE)

    @precondition(lambda self: self.can.writing)
    @rule(user=_users, which=_which, text=_texts)
    def write(self, user: int, which: int, text: str) -> None:
        """Somebody brings a text in."""
        self.do(self.can.ask(user, _one_of(self.can.writing, which), text=text))

    @_has(OperationKind.EDIT)
    @rule(user=_users, which=_which, nth=_nth, text=_texts)
    def edit(self, user: int, which: int, nth: int, text: str) -> None:
        """Somebody edits an object of their own."""
        self.do(self.can.ask(user, _one_of(self.can.which(OperationKind.EDIT), which), nth=nth, text=text))

    @_has(OperationKind.EDIT)
    @rule(user=_users, which=_which, nth=_nth)
    def race(self, user: int, which: int, nth: int) -> None:
        """Somebody's edits of one version race."""
        editing = _one_of(self.can.which(OperationKind.EDIT), which)
        self.do(*(self.can.ask(user, editing, nth=nth, text=f"edit {side} {{mark}}") for side in ("left", "right")))

    @precondition(lambda self: self.can.deleting)
    @rule(user=_users, which=_which, nth=_nth)
    def delete(self, user: int, which: int, nth: int) -> None:
        """Somebody deletes an object of their own, which holds no others."""
        self.do(self.can.ask(user, _one_of(self.can.deleting, which), nth=nth))

    @_has(OperationKind.LIST, OperationKind.SEARCH)
    @rule(user=_users, which=_which)
    def look(self, user: int, which: int) -> None:
        """Somebody lists or searches."""
        self.do(self.can.ask(user, _one_of(self.can.looking, which)))

    @precondition(lambda self: self.reaching)
    @rule(user=_users, owner=_users, nth=_nth, which=_which)
    def reach(self, user: int, owner: int, nth: int, which: int) -> None:
        """Somebody reaches for an object by its id, be it theirs or another's."""
        semantics = _one_of(self.reaching, which)
        within = 0 if semantics in self.can.listening else nth
        device = OTHERS if semantics.opens and user != owner else OWN
        text = "over {mark}" if semantics.edits else ""
        self.do(self.can.ask(user, semantics, owner=owner, nth=within, text=text, device=device))

    @property
    def reaching(self) -> Sequence[Semantics]:
        """What shows or changes an object by its id."""
        return [semantics for semantics in self.can.which(*REACHING) if semantics.takes]

    @precondition(lambda self: self.can.late)
    @rule(user=_users, nth=_nth, which=_which)
    def ask(self, user: int, nth: int, which: int) -> None:
        """Somebody asks something else on an object of their own."""
        self.do(self.can.ask(user, _one_of(self.can.late, which), nth=nth))

    @precondition(lambda self: self.can.starting)
    @rule(user=_users, which=_which, text=_texts, nth=st.integers(0, 1))
    def start(self, user: int, which: int, text: str, nth: int) -> None:
        """Somebody starts work, in the container to which they listen or in the other."""
        self.do(self.can.ask(user, _one_of(self.can.starting, which), nth=nth, text=text))

    @precondition(lambda self: self.can.waiting)
    @rule(user=_users, which=_which)
    def wait_and_end(self, user: int, which: int) -> None:
        """Somebody's work waits until it is ended; meanwhile live requests are compared."""
        self.do(SETTLE, self.can.ask(user, _one_of(self.can.waiting, which)), SETTLE, Step(Do.COMPARE))
        self.do(*self.can.end(user, -1))

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
        self.do(SETTLE)

    def teardown(self) -> None:
        """Have everybody look once more, settle, and ask the checkers."""
        try:
            self.search.loop.run(self._close())
        finally:
            self.search.loop.run(self.stack.aclose())

    async def _close(self) -> None:
        last = [step for user in range(MOST_ACTIVE) for step in (*self.can.look(user)[:1], SETTLE)]
        self.steps += last
        await self._do(last)
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


def _one_of(operations: Sequence[Semantics], which: int) -> Semantics:
    return operations[which % len(operations)]


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
