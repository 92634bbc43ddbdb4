from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from test_fixed_programs import PROGRAMS, USERS, asked

from harness.history.model import Event, EventKind, Header
from harness.performing.performance import Performance, promises_of
from harness.verification.resolve import resolve


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fixed_program_resolves_on_the_reference(name: str) -> None:
    """Every operation that a program writes down is asked: no symbol names an object that is never made.

    More is asked, by nobody's plan: settling reads runs, and a reconnect follows again.
    """
    program = PROGRAMS[name]

    async def perform() -> list[Event]:
        async with resolve("reference").open() as target:
            header = Header(target="t", suite="tests", seed=1, users=USERS, promises=promises_of(target))
            async with Performance(target, program, header, {}) as performance:
                await performance.perform(program.steps)
            return performance.events

    invoked = Counter(event.name for event in asyncio.run(perform()) if event.kind is EventKind.INVOKE)
    assert Counter() == asked(program) - invoked
    assert (invoked - asked(program)).keys() <= {"read_run", "follow", "events"}
