from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from harness.claims.plan import PropertiesBudget
from harness.history.model import Header, OnPush, Operation, Promises, Refused, Target, Unreachable, User, Value
from harness.history.names import people
from harness.judging.checkers import CHECKERS
from harness.performing.performance import Performance, admitted, lasting
from harness.properties.suite import PropertiesSuite
from harness.scenario.program import Program
from harness.targets.bundled import BUNDLED

KNOWN = BUNDLED.promises.operations


class Notes:
    """A correct service of notes that outlives every target made for it."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, str]] = {}


class NotesTarget:
    """One opening of the service."""

    name = "kept"
    promises = Promises(
        operations={
            name: BUNDLED.promises.operations[name]
            for name in ("write_note", "read_note", "list_notes", "search_notes")
        }
    )

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    async def connect(self, user: User, on_push: OnPush) -> NotesClient:
        return NotesClient(self.notes, user.name)

    async def close(self) -> None:
        """Nothing: what was written stays."""


class NotesClient:
    def __init__(self, notes: Notes, owner: str) -> None:
        self.notes, self.owner = notes, owner

    async def invoke(self, operation: Operation) -> Value:
        texts, note = self.notes.texts, operation.objects.get("note", "")
        match operation.name:
            case "write_note":
                name = f"note-{len(texts)}"
                texts[name] = (self.owner, operation.given["text"])
                return {"id": name, "text": operation.given["text"]}
            case "read_note":
                owner, text = texts.get(note, ("", ""))
                if owner != self.owner:
                    raise Refused(404, "no such note")
                return {"id": note, "text": text}
        wanted = operation.given.get("query", "")
        own = [(name, text) for name, (owner, text) in texts.items() if owner == self.owner and wanted in text]
        return [{"id": name, "text": text} for name, text in own]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("lasts", [None, True])
def test_what_earlier_executions_left_behind_is_nobodys(lasts: bool | None) -> None:
    """A correct target that keeps its notes is not flagged, though it is verified twice with one seed."""
    notes = Notes()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Target]:
        target = NotesTarget(notes)
        if lasts is not None:
            target.lasting = lasts  # type: ignore[attr-defined]
        yield target

    budget = PropertiesBudget(examples=5, users=3)
    for _ in range(2):
        suite = PropertiesSuite(target="kept", open_target=opened, budget=budget, seed=1, checkers=CHECKERS)
        outcome = suite.run()
        assert {} == {item.verdict.checker: item.verdict.findings for item in outcome.evidence if item.verdict.violated}
        assert any(item.verdict.facts for item in outcome.evidence)


@pytest.mark.asyncio
async def test_names_come_again_only_where_a_target_starts_empty() -> None:
    """Everywhere else each execution has users whom nobody knows; who they are to the harness stays the same."""
    users = people(3)
    assert users == await admitted(SimpleNamespace(lasting=False), users)  # type: ignore[arg-type]
    for target in (SimpleNamespace(), SimpleNamespace(lasting=True)):
        first, second = [await admitted(target, users) for _ in range(2)]  # type: ignore[arg-type]
        assert not {user.name for user in first} & {user.name for user in second}
        assert [user.id for user in users] == [user.id for user in first]


@pytest.mark.asyncio
@pytest.mark.parametrize(("lasts", "openings"), [(True, 1), (False, 3), (None, 3)])
async def test_a_lasting_target_is_opened_once(lasts: bool | None, openings: int) -> None:
    """Any other is opened for each program; all of them are closed at the end."""
    opened, closed = [], []

    @asynccontextmanager
    async def open_target() -> AsyncIterator[Target]:
        target = NotesTarget(Notes())
        if lasts is not None:
            target.lasting = lasts  # type: ignore[attr-defined]
        opened.append(target)
        yield target
        closed.append(target)

    async with lasting(open_target) as reopen:
        for _ in range(3):
            async with reopen():
                pass
    assert (openings, openings) == (len(opened), len(closed))


@pytest.mark.asyncio
async def test_a_target_that_lets_nobody_in_is_told_by_its_own_error() -> None:
    """Whoever asks what was left out of an execution that never began hears: nothing."""

    class Shut(NotesTarget):
        async def admit(self, users: tuple[User, ...]) -> tuple[User, ...]:
            raise Unreachable("nobody is let in")

    target = Shut(Notes())
    header = Header(target="kept", suite="tests", seed=1, users=1, promises=target.promises)
    performance = Performance(target, Program("p", people(1), ()), header, {})
    with pytest.raises(Unreachable, match="nobody is let in"):
        async with performance:
            pytest.fail("it began")
    assert 0 == performance.left_out
