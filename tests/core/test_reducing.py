"""What was found is made smaller as long as it shows, and no smaller than what shows it by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from harness.history.model import Credential, Header, OnPush, Operation, Promises, Refused, Target, User, Value
from harness.history.semantics import Semantics
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding, Verdict
from harness.performing.performance import Failure, perform
from harness.performing.reduction import LONG_S, Smallest, reduce
from harness.scenario.program import Do, Program, RequestOptions, Step, ask, groups_of

USERS = (User(0, "alice"), User(1, "bob"), User(2, "carol"))
JOIN, SETTLE = Step(Do.JOIN), Step(Do.SETTLE)
HEADER = Header(target="t", suite="tests", seed=1, users=3)
pytestmark = pytest.mark.asyncio


class Trial:
    """Performs programs that show something when a test says so, and remembers them."""

    def __init__(self, shows: Callable[[Sequence[Step]], bool], observer: str = "u01") -> None:
        self.shows = shows
        self.finding = Finding(anomaly="a", message="seen", observer=observer, owner="u00" if observer else "")
        self.performed: list[Program] = []

    async def __call__(self, program: Program) -> Failure:
        """Perform a program."""
        self.performed.append(program)
        findings = (self.finding,) if self.shows(program.steps) else ()
        return Failure(program, HEADER, (), {"c": Verdict("c", violations={"a": len(findings)}, findings=findings)})

    async def smallest(self, *steps: Step, seconds: float = 60, needed: int = 1, tries: int = 1) -> Smallest:
        """Return the smallest program, made from these steps."""
        first = await self(Program("p", USERS, steps))
        first = replace(first, verdicts={"c": Verdict("c", findings=(self.finding,))})
        self.performed.clear()
        return await reduce(first, "c", self, seconds, needed=needed, tries=tries)


def asks(count: int, user: int = 0) -> list[Step]:
    """Return so many steps that can be told apart."""
    return [ask(user, f"op{number}") for number in range(count)]


def has(*needed: Step) -> Callable[[Sequence[Step]], bool]:
    """Return what shows when all these steps are there, in this order."""

    def shows(steps: Sequence[Step]) -> bool:
        left = iter(steps)
        return all(step in left for step in needed)

    return shows


class TestLeavingOut:
    async def test_leaves_the_steps_that_show_it(self) -> None:
        """Groups go, and then single steps, until none can be spared."""
        one, two, three, four, *_ = asks(8)
        trial = Trial(has(two, four))
        found = await trial.smallest(one, two, JOIN, three, JOIN, four, *asks(8)[4:], SETTLE)
        assert (two, four) == found.failure.program.steps

    async def test_leaves_whole_groups_out(self) -> None:
        """What can only go together, as it is under way at once, goes together."""
        groups = [(*(ask(0, f"op{number}") for number in range(6 * group, 6 * group + 6)), JOIN) for group in range(5)]

        def shows(left: Sequence[Step]) -> bool:
            return groups[2] in groups_of(left) and all(group in groups for group in groups_of(left))

        found = await Trial(shows).smallest(*(step for group in groups for step in group))
        assert groups[2] == found.failure.program.steps

    async def test_goes_on_as_long_as_anything_can_be_spared(self) -> None:
        """What could not go before others had gone goes in a later pass."""
        steps = asks(6)

        def shows(left: Sequence[Step]) -> bool:
            # A step can only be left out when the one behind it has gone.
            kept = [steps.index(step) for step in left]
            return bool(kept) and kept == list(range(len(kept)))

        assert (steps[0],) == (await Trial(shows).smallest(*steps)).failure.program.steps
        assert (steps[0],) == (await Trial(lambda left: shows([*left])).smallest(*steps)).failure.program.steps

    async def test_passes_over_what_comes_first_until_it_can_go(self) -> None:
        """The other way round: a step can only go when the one before it has gone."""
        steps = asks(6)

        def shows(left: Sequence[Step]) -> bool:
            kept = [steps.index(step) for step in left]
            return bool(kept) and kept == list(range(6 - len(kept), 6))

        assert (steps[5],) == (await Trial(shows).smallest(*steps)).failure.program.steps

    async def test_tries_without_everybody_who_is_not_named(self) -> None:
        """Also without any time; where the finding names nobody, nobody is left out."""
        steps = [*asks(2), ask(2, "aside"), ask(1, "look")]
        named = Trial(lambda steps: True)
        assert {0, 1} == {step.user for step in (await named.smallest(*steps, seconds=0)).failure.program.steps}
        nobody = Trial(lambda steps: True, observer="")
        assert tuple(steps) == (await nobody.smallest(*steps, seconds=0)).failure.program.steps

    @pytest.mark.parametrize("observer", ["u01", ""])
    async def test_never_performs_what_asks_for_nothing(self, observer: str) -> None:
        """Nor the program again from which it began."""
        steps = [Step(Do.CONNECT, 0), ask(0, "write"), JOIN, Step(Do.CONNECT, 1), ask(1, "read"), SETTLE]
        trial = Trial(lambda steps: True, observer)
        await trial.smallest(*steps)
        assert trial.performed
        assert [] == [p for p in trial.performed if not p.asked or p.steps == tuple(steps)]

    async def test_begins_with_what_takes_long(self) -> None:
        """A minute of waiting is left out first, also when there is no time for anything else."""
        late = ask(0, "late", how=RequestOptions(at_s=LONG_S + 1))
        trial = Trial(has(asks(1)[0]))
        found = await trial.smallest(*asks(1), late, *asks(3), seconds=0)
        assert ((*asks(1), *asks(3)), 1) == (found.failure.program.steps, len(trial.performed))

    async def test_sends_as_usual_what_shows_it_as_usual(self) -> None:
        """What is unusual in how a request travels stays only where it takes that."""
        odd = RequestOptions(pieces=3)
        steps = [ask(0, "write", how=odd), ask(1, "read", how=odd)]
        trial = Trial(lambda left: len(left) == 2 and left[1].how == odd)
        assert (ask(0, "write"), steps[1]) == (await trial.smallest(*steps)).failure.program.steps


class TestTrying:
    @pytest.mark.parametrize(("needed", "kept"), [(1, 1), (3, 2)])
    async def test_takes_what_shows_often_enough(self, needed: int, kept: int) -> None:
        """Once is enough over a network; where order is the harness's own, one that shows now and then is none."""
        calls = iter(range(1000))
        steps = asks(2)
        trial = Trial(lambda left: len(left) == 2 or (left[0] == steps[0] and next(calls) % 2 == 0))
        assert kept == len((await trial.smallest(*steps, needed=needed, tries=3)).failure.program.steps)

    async def test_gives_up_as_soon_as_it_cannot_show_often_enough(self) -> None:
        """Of three of three, the first that shows nothing is the last."""
        trial = Trial(lambda left: False)
        await trial.smallest(*asks(2), needed=3, tries=3)
        assert 2 == len(trial.performed)

    async def test_counts_how_often_the_smallest_shows(self) -> None:
        """At the end, whatever the time."""
        shown = iter([True, False, True])
        trial = Trial(lambda left: next(shown))
        steps = asks(1)
        first = Failure(Program("p", USERS, tuple(steps)), HEADER, (), {"c": Verdict("c", findings=(trial.finding,))})
        assert (2, 3) == (await reduce(first, "c", trial, 0, needed=1, tries=1, attempts=3)).shown


class Board:
    """A service that lasts, on which everybody can read the newest note."""

    name = "board"
    lasting = True
    promises = Promises(
        operations={
            "write": Semantics("write", makes="note", texts=("text",)),
            "read": Semantics("read", takes="note", argument="note", reads=True, shows="text"),
            "look": Semantics("look", lists="note"),
        }
    )

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def connect(self, user: User, on_push: OnPush) -> Board:
        """Let everybody in."""
        return self

    async def invoke(self, operation: Operation) -> Value:
        """Write, read what is asked for, or show the newest whosever it is."""
        if operation.name == "write":
            self.texts.append(operation.given["text"])
            return {"id": len(self.texts)}
        if operation.name == "look":
            return self.texts[-1:]
        raise Refused(404)

    async def close(self) -> None:
        """Keep everything."""


async def test_what_an_earlier_try_left_behind_shows_nothing() -> None:
    """On a service that lasts each try has marks of its own: what is left writes what it reads."""
    board = Board()

    @asynccontextmanager
    async def open_board() -> AsyncIterator[Target]:
        yield board

    async def again(program: Program) -> Failure:
        header = replace(HEADER, promises=board.promises)
        return await perform(program, header, open_board, {"leak": CHECKERS["leak"]})

    steps = [step for user in range(3) for step in (ask(user, "write"), ask(user, "look"), JOIN)]
    Random(1).shuffle(steps)
    first = await again(Program("p", USERS, (*steps, ask(0, "write"), JOIN, ask(1, "look"), JOIN)))
    found = await reduce(first, "leak", again, 60, needed=3, tries=3)
    assert ["write", "look"] == [step.operation.name for step in found.failure.program.steps if step.operation][-2:]
    assert 2 == found.failure.program.asked
    assert found.failure.header.seed != first.header.seed
    assert Credential.VALID is USERS[0].credential
