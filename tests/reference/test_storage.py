"""Truths of Storage and Repository: SES-1 to SES-4."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from reference_impl.app import Backend
from reference_impl.hub import Frame
from reference_impl.repository import MAX_SEARCH_LENGTH, Conflict
from reference_impl.storage import POOL_SIZE, Storage

pytestmark = pytest.mark.asyncio


async def texts(storage: Storage, owner: str) -> list[str]:
    async with storage.session() as session:
        return [note.text for note in await storage.repository(session, owner).list_notes()]


async def test_no_method_reaches_another_users_rows(backend: Backend) -> None:
    """For each method: the owner succeeds on the object, the observer gets what a missing object gives."""
    storage = backend.storage
    async with storage.session() as session:
        mine = storage.repository(session, "owner")
        thread, note = mine.add_thread("title"), mine.add_note("text")
        await session.flush()
        run = mine.add_run(thread.id, "notebook")
        await session.flush()
        frame = Frame(type="agent_started", user="owner", thread=thread.id, run=run.id, seq=0, payload="{}")
        await mine.save_events([frame])

    async def seen_by(user: str) -> list[bool]:
        async with storage.session() as session:
            asked = storage.repository(session, user)
            return [
                bool(answer)
                for answer in (
                    await asked.get_thread(thread.id),
                    await asked.list_threads(),
                    await asked.get_run(run.id),
                    await asked.list_runs(thread.id),
                    await asked.events_after(thread.id),
                    await asked.run_events(run.id),
                    await asked.get_note(note.id),
                    await asked.list_notes(),
                    await asked.search_notes("text"),
                    await asked.edit_note(note.id, "changed", 1),
                    await asked.finish_run(run.id, "completed"),
                    await asked.delete_note(note.id),
                )
            ]

    assert [False] * 12 == await seen_by("observer")
    assert [True] * 12 == await seen_by("owner")


async def test_the_database_refuses_a_run_in_anothers_thread(backend: Backend) -> None:
    """Even a query that forgot its owner could not join a run to a foreign thread."""
    async with backend.storage.session() as session:
        thread = backend.storage.repository(session, "owner").add_thread("title")
    with pytest.raises(IntegrityError):
        async with backend.storage.session() as session:
            backend.storage.repository(session, "observer").add_run(thread.id, "notebook")
    assert 0 == backend.storage.open_sessions


@pytest.mark.parametrize("wildcard", ["%", "_", "/", "\\", "'"])
async def test_search_takes_wildcards_literally(backend: Backend, wildcard: str) -> None:
    """A search for % finds notes with a %, not all notes."""
    async with backend.storage.session() as session:
        mine = backend.storage.repository(session, "owner")
        mine.add_note(f"a{wildcard}b")
        mine.add_note("ab")
    async with backend.storage.session() as session:
        mine = backend.storage.repository(session, "owner")
        assert [f"a{wildcard}b"] == [note.text for note in await mine.search_notes(wildcard)]
        with pytest.raises(ValueError, match="at most"):
            await mine.search_notes("x" * (MAX_SEARCH_LENGTH + 1))


async def test_of_two_edits_of_one_version_one_wins(backend: Backend) -> None:
    """No update is lost: of many writers who read version 1, exactly one succeeds."""
    storage = backend.storage
    async with storage.session() as session:
        note = storage.repository(session, "owner").add_note("0")

    async def edit(number: int) -> int | None:
        async with storage.session() as session:
            return await storage.repository(session, "owner").edit_note(note.id, str(number), 1)

    answers = await asyncio.gather(*(edit(number) for number in range(8)), return_exceptions=True)
    assert 1 == answers.count(2)
    assert 7 == sum(isinstance(answer, Conflict) for answer in answers)


async def test_many_writers_and_readers_never_find_the_database_locked(backend: Backend) -> None:
    """More writers than connections, some reading first, all commit; readers never fail."""
    storage, writers = backend.storage, 4 * POOL_SIZE

    async def write(number: int) -> None:
        async with storage.session() as session:
            mine = storage.repository(session, f"user{number % 4}")
            if number % 2:
                await mine.list_notes()
            mine.add_note(str(number))

    async def read(number: int) -> None:
        await texts(storage, f"user{number % 4}")

    await asyncio.gather(*(work(n) for n in range(writers) for work in (write, read)))
    found = [text for user in range(4) for text in await texts(storage, f"user{user}")]
    assert sorted(map(str, range(writers))) == sorted(found)


async def test_an_uncommitted_note_is_seen_by_nobody_and_blocks_nobody(backend: Backend) -> None:
    """While one request has written and thinks, others read the committed state and commit their own."""
    async with backend.storage.session() as thinking:
        backend.storage.repository(thinking, "owner").add_note("pending")
        async with backend.storage.session() as quick:
            backend.storage.repository(quick, "owner").add_note("quick")
        assert ["quick"] == await texts(backend.storage, "owner")
    assert ["pending", "quick"] == sorted(await texts(backend.storage, "owner"))


async def test_a_flushed_write_is_gone_when_its_request_fails(backend: Backend) -> None:
    """Rollback undoes what had reached the database, and ends the writer's turn."""
    with pytest.raises(ZeroDivisionError):
        async with backend.storage.session() as session:
            backend.storage.repository(session, "owner").add_note("lost")
            await session.flush()
            raise ZeroDivisionError
    assert [] == await texts(backend.storage, "owner")
    async with backend.storage.session() as session:
        backend.storage.repository(session, "owner").add_note("next")
    assert ["next"] == await texts(backend.storage, "owner")


@pytest.mark.parametrize("again", [0, 2])
async def test_cancelled_sessions_neither_leak_nor_block(backend: Backend, cancelled_at: Any, again: int) -> None:
    """Cancelled at every await: closed, all or nothing written, the turn free, no thread left behind."""
    storage = backend.storage

    async def work() -> None:
        async with storage.session() as session:
            mine = storage.repository(session, "owner")
            note = mine.add_note("a")
            await session.flush()
            await mine.edit_note(note.id, "b", 1)
            await mine.list_notes()

    for step in range(1, 100):
        driven = cancelled_at(work(), step, again)

        async def drive(driven: Any = driven) -> None:
            await driven

        await asyncio.wait({asyncio.ensure_future(drive())})
        assert 0 == storage.open_sessions
        assert {"b"} >= set(await texts(storage, "owner"))
        async with asyncio.timeout(4), storage.session() as session:
            storage.repository(session, "owner").add_note("b")
        if not driven.reached:
            break
    assert not driven.reached
    assert threading.active_count() <= POOL_SIZE + 4


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
async def test_a_database_in_memory_is_refused(url: str) -> None:
    """Its sessions would share one transaction."""
    with pytest.raises(ValueError, match="in memory"):
        Storage(url)
