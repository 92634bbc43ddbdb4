"""Planted bugs of section D: current users that are somebody else, and what cancellation leaves behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

from harness.mutants.subject import mutant
from reference_impl.agents import DEFAULT_AGENTS, AgentFailed, FaultyAgent
from reference_impl.app import Parts
from reference_impl.operations import Service
from reference_impl.repository import Conflict, Repository
from reference_impl.schemas import NoteView
from reference_impl.slots import Slots, Ticket

_USER: ContextVar[str] = ContextVar("mutant_user")


class FirstContext(Service):
    """Searches in a worker that runs in the context of the first request it ever had."""

    _context: Context | None = None

    async def list_notes(self, user_id: str, query: str | None) -> list[NoteView]:
        """Return the notes of the current user, as the worker knows it."""
        _USER.set(user_id)
        if self._context is None:
            self._context = copy_context()
        return await asyncio.create_task(self._job(query), context=self._context)

    async def _job(self, query: str | None) -> list[NoteView]:
        return await super().list_notes(_USER.get(), query)


class ThreadLocalUser(Service):
    """Keeps the current user in a thread-local, which all tasks of the loop share."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._local = threading.local()

    @asynccontextmanager
    async def repository(self, user_id: str) -> AsyncIterator[Repository]:
        """Open a session, and give the current user's repository."""
        self._local.user = user_id
        async with self.storage.session() as session:
            await asyncio.sleep(0)  # as any middleware might
            yield self.storage.repository(session, self._local.user)


class SecondTry(FaultyAgent):
    """When it fails, it tries again in the background."""

    async def execute(self, text: str) -> str:
        """Fail or stall.

        Raises:
            AgentFailed: always, unless it stalls.
        """
        try:
            return await super().execute(text)
        except AgentFailed:
            self._again = asyncio.create_task(self._write(text.partition(":")[2].strip()))
            raise

    async def _write(self, text: str) -> None:
        session = self.context.db_session
        assert session is not None
        await asyncio.sleep(0.005)
        self.tools._repository.add_note(text)
        await session.commit()
        await session.close()


class StaleReply(Service):
    """Asks the store over one pipelined connection: who is cancelled leaves a reply to the next."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._replies: asyncio.Queue[list[NoteView]] = asyncio.Queue()
        self._latest: asyncio.Task[None] | None = None

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Make a note of the user."""

        async def request() -> list[NoteView]:
            return [await super(StaleReply, self).add_note(user_id, text)]

        return (await self._ask(request()))[0]

    async def list_notes(self, user_id: str, query: str | None) -> list[NoteView]:
        """Return the user's notes, or those that contain `query`."""
        return await self._ask(super().list_notes(user_id, query))

    async def _ask(self, request: Awaitable[list[NoteView]]) -> list[NoteView]:
        self._latest = asyncio.create_task(self._answer(request, self._latest))
        return await self._replies.get()

    async def _answer(self, request: Awaitable[list[NoteView]], before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        self._replies.put_nowait(await request)


class LastError(Service):
    """Remembers the last refused edit of all, and tells it with the next."""

    _last_error = "none"

    async def edit_note(self, user_id: str, note_id: str, text: str, version: int) -> NoteView:
        """Replace the text of a note of the user.

        Raises:
            Conflict: the note has another version by now.
        """
        try:
            return await super().edit_note(user_id, note_id, text, version)
        except Conflict as error:
            before, self._last_error = self._last_error, f"{text!r} was refused"
            raise Conflict(f"{error} The error before: {before}.") from error


class HeldLock(Service):
    """Takes turns by a lock that a cancelled request never releases."""

    PATIENCE_S = 1.0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = asyncio.Lock()

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Make a note of the user, when it is their turn."""
        async with asyncio.timeout(self.PATIENCE_S):
            await self._lock.acquire()
        await asyncio.sleep(0.01)  # widens the race: whoever is cancelled now holds the lock
        view = await super().add_note(user_id, text)
        self._lock.release()
        return view

    async def list_notes(self, user_id: str, query: str | None) -> list[NoteView]:
        """Return the user's notes, when nobody writes."""
        async with asyncio.timeout(self.PATIENCE_S):
            await self._lock.acquire()
        self._lock.release()
        return await super().list_notes(user_id, query)


class LostSlot(Slots):
    """Releases a slot, unless it is its user's last and its run is cancelled."""

    def release(self, ticket: Ticket) -> None:
        """Give a ticket back, if nothing came in between."""
        task, lane = asyncio.current_task(), self._lanes.get(ticket.key)
        is_last = lane is not None and lane.running == {ticket} and not lane.waiting
        if not (is_last and task is not None and task.cancelling()):
            super().release(ticket)


STRAY_TASKS = (
    mutant(
        "first-context",
        "D2",
        "leak",
        "a worker keeps the context variables of its first request, and serves everybody as that user",
        shows_on="in-turn",
        parts=lambda: Parts(service=FirstContext),
    ),
    mutant(
        "thread-local-user",
        "D3",
        "leak",
        "the current user is kept in a thread-local, which all tasks of an event loop share",
        shows_on="crowd",
        parts=lambda: Parts(service=ThreadLocalUser),
    ),
    mutant(
        "second-try",
        "D4",
        "tampering",
        "a background task writes with the session of a request that has failed",
        shows_on="solo",
        parts=lambda: Parts(agents={**DEFAULT_AGENTS, "faulty": SecondTry}),
    ),
    mutant(
        "stale-reply",
        "D5",
        "leak",
        "a cancelled request leaves its reply in a pooled connection, and the next user is given it",
        shows_on="faults",
        parts=lambda: Parts(service=StaleReply),
    ),
    mutant(
        "last-error",
        "D6",
        "leak",
        "the last refused request is kept for all, and shown with the next refusal",
        shows_on="edits",
        parts=lambda: Parts(service=LastError),
    ),
    mutant(
        "held-lock",
        "D8",
        "interference",
        "a lock that a cancelled request holds is never released",
        shows_on="faults",
        parts=lambda: Parts(service=HeldLock),
    ),
    mutant(
        "lost-slot",
        "D8",
        "residue",
        "cancellation comes in between, and the slot of a user's last run is never released",
        shows_on="limits",
        parts=lambda: Parts(slots=LostSlot),
    ),
)
"""Planted bugs of tasks, context variables and cancellation."""
