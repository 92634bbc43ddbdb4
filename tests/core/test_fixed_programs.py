from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from harness.history.model import Credential, Event, EventKind, Header, Promises
from harness.history.names import NAMES, people
from harness.history.probes import VOCABULARY
from harness.performing.performance import Performance, promises_of
from harness.properties.tours import tours
from harness.scenario.program import Do, Program
from harness.verification.resolve import resolve

ALL = Promises(runs_per_user=3, credentials=frozenset(Credential) - {Credential.VALID})
USERS = 4
PROGRAMS = {program.name: program for program in tours(USERS, ALL)}


def asked(program: Program) -> Counter[str]:
    """Return how often each operation is asked for."""
    return Counter(step.operation.name for step in program.steps if step.operation is not None)


class TestTours:
    def test_ask_for_every_verb_of_the_vocabulary(self) -> None:
        """What no tour asks for would be left to chance."""
        assert set(VOCABULARY) == set().union(*(asked(program) for program in PROGRAMS.values()))

    @pytest.mark.parametrize("kind", list(Do))
    def test_take_every_kind_of_step(self, kind: Do) -> None:
        """Every fault is injected somewhere."""
        assert kind in {step.do for program in PROGRAMS.values() for step in program.steps}

    def test_of_intruders_are_left_out_where_no_credential_can_be_tried(self) -> None:
        """And stand last where one can."""
        assert [*PROGRAMS][:-1] == [program.name for program in tours(USERS, Promises())]

    def test_of_intruders_try_each_credential_under_the_name_of_a_valid_user(self) -> None:
        """An expired token of somebody who exists is the one that careless code accepts."""
        strangers = PROGRAMS["intruders"].users[USERS:]
        assert {(PROGRAMS["intruders"].users[0].name, credential) for credential in ALL.credentials} == {
            (user.name, user.credential) for user in strangers
        }

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_resolve_on_the_reference(self, name: str) -> None:
        """Every operation that a tour writes down is asked: no symbol names an object that is never made.

        More is asked, by nobody's plan: settling reads runs, and a reconnect follows again.
        """
        program = PROGRAMS[name]

        async def play() -> list[Event]:
            async with resolve("reference").open() as target:
                header = Header(target="t", suite="tests", seed=1, users=USERS, promises=promises_of(target))
                async with Performance(target, program, header, {}) as performance:
                    await performance.perform(program.steps)
                return performance.events

        invoked = Counter(event.name for event in asyncio.run(play()) if event.kind is EventKind.INVOKE)
        assert Counter() == asked(program) - invoked
        assert (invoked - asked(program)).keys() <= {"read_run", "follow"}


class TestPeople:
    def test_are_distinct(self) -> None:
        """By number and by name, also when there are more of them than names."""
        crowd = people(5 * len(NAMES))
        assert (60, 60) == (len({user.name for user in crowd}), len({user.number for user in crowd}))
