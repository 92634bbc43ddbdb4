"""Planted bugs of section C: sessions shared or left open, rows of others, writes that are lost or half done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from harness.mutants.subject import mutant
from reference_impl.app import Parts
from reference_impl.context import fresh_id
from reference_impl.operations import Service
from reference_impl.repository import Repository
from reference_impl.schemas import NoteView, ThreadView
from reference_impl.shielding import to_the_end
from reference_impl.storage import Storage
from reference_impl.tables import Note
from reference_impl.tools import Tools

# Sessions


class GlobalSession(Storage):
    """One session for all requests."""

    _shared: AsyncSession | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Lend the session, and commit whatever is in it."""
        if self._shared is None:
            self._shared = AsyncSession(self.engine, expire_on_commit=False, autoflush=False)
        try:
            yield self._shared
            await self._shared.commit()
        except BaseException:
            await to_the_end(self._shared.rollback())
            raise

    async def dispose(self) -> None:
        """Close the session and every connection."""
        if self._shared is not None:
            await self._shared.close()
        await super().dispose()


class ThreadSession(Storage):
    """A session for each operating-system thread, of which an asyncio program has one."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._by_thread: dict[int, AsyncSession] = {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Lend the thread's session, and end it when the first of its users has done."""
        mine = threading.get_ident()
        if mine not in self._by_thread:
            self._by_thread[mine] = AsyncSession(self.engine, expire_on_commit=False, autoflush=False)
        session = self._by_thread[mine]
        try:
            yield session
            await session.commit()
        finally:
            self._by_thread.pop(mine, None)
            await to_the_end(session.close())


class UnclosedSession(Storage):
    """Rolls back after an error, and then forgets to close."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session for one request: closed on success."""
        session = self.make_session()
        self._sessions.add(session)
        try:
            yield session
            await to_the_end(session.commit())
        except BaseException:
            await to_the_end(session.rollback())
            raise
        await to_the_end(self.close_session(session))


class ForgottenRollback(Storage):
    """Commits in the end, also what a failed or cancelled request had written so far."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session for one request: always committed."""
        session = self.make_session()
        self._sessions.add(session)
        try:
            yield session
        finally:
            try:
                await to_the_end(session.commit())
            finally:
                await to_the_end(self.close_session(session))


class EagerTools(Tools):
    """Commit each write by itself, so that a failed run leaves some of them."""

    async def write_note(self, text: str) -> str:
        """Add a note and commit it."""
        note = await super().write_note(text)
        session = self._emitter.context.db_session
        assert session is not None
        await to_the_end(session.commit())
        return note


# Rows


class StaleTenant(Repository):
    """Sets the tenant on a pooled connection once, and reads it ever after."""

    async def list_notes(self) -> Sequence[Note]:
        """Return the notes of the connection's tenant, oldest first."""
        connection = await self._session.connection()
        tenant = connection.info.setdefault("tenant", self._owner)
        rows = await self._session.scalars(
            select(Note).where(Note.user_id == tenant).order_by(Note.created_ns, Note.id)
        )
        return rows.all()


class UnfilteredSearch(Repository):
    """Searches the notes of everybody."""

    async def search_notes(self, text: str) -> Sequence[Note]:
        """Return the notes that contain `text`, oldest first."""
        found = select(Note).where(Note.text.contains(text, autoescape=True))
        return (await self._session.scalars(found.order_by(Note.created_ns, Note.id))).all()


class MappedRepository(Repository):
    """Looks for a note among those that were loaded before, by anybody."""

    def __init__(self, session: AsyncSession, owner: str, loaded: dict[str, Note]) -> None:
        super().__init__(session, owner)
        self._loaded = loaded

    async def get_note(self, note_id: str) -> Note | None:
        """Return a note that is known, or the owner's note."""
        if note_id not in self._loaded and (note := await super().get_note(note_id)) is not None:
            self._loaded[note_id] = note
        return self._loaded.get(note_id)

    async def edit_note(self, note_id: str, text: str, version: int) -> int | None:
        """Replace the text of the owner's note, and load it anew next time."""
        edited = await super().edit_note(note_id, text, version)
        if edited is not None:
            self._loaded.pop(note_id, None)
        return edited

    async def delete_note(self, note_id: str) -> bool:
        """Delete the owner's note, and load it no more."""
        deleted = await super().delete_note(note_id)
        if deleted:
            self._loaded.pop(note_id, None)
        return deleted


class IdentityMap:
    """Makes repositories that share what they have loaded."""

    def __init__(self) -> None:
        self._loaded: dict[str, Note] = {}

    def __call__(self, session: AsyncSession, owner: str) -> Repository:
        """Return the queries of one owner, and the notes of all."""
        return MappedRepository(session, owner, self._loaded)


class LostUpdate(Repository):
    """Writes over whatever the version is by now."""

    async def edit_note(self, note_id: str, text: str, version: int) -> int | None:
        """Replace the text of the owner's note."""
        statement = (
            update(Note)
            .where(Note.id == note_id, Note.user_id == self._owner)
            .values(text=text, version=version + 1)
            .execution_options(synchronize_session=False)
        )
        return version + 1 if await self._changed(statement) == 1 else None


# Answers


class SharedAnswers(Service):
    """Answers equal requests that come together once, whoever asks."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._coming: dict[str, asyncio.Task[list[ThreadView]]] = {}

    async def list_threads(self, user_id: str) -> list[ThreadView]:
        """Return the threads of the user who asked first."""
        key = "list_threads"
        if key not in self._coming:
            self._coming[key] = asyncio.create_task(super().list_threads(user_id))
            self._coming[key].add_done_callback(lambda _: self._coming.pop(key, None))
        return await asyncio.shield(self._coming[key])


class KeptNotes(Service):
    """Keeps each user's notes as they were written, and forgets them only when they are deleted."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._kept: dict[tuple[str, str], NoteView] = {}

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Make a note of the user, and keep it."""
        view = await super().add_note(user_id, text)
        self._kept[user_id, view.id] = view
        return view

    async def get_note(self, user_id: str, note_id: str) -> NoteView:
        """Return the note as it was written."""
        return self._kept.get((user_id, note_id)) or await super().get_note(user_id, note_id)

    async def delete_note(self, user_id: str, note_id: str) -> None:
        """Delete a note of the user, and forget it."""
        await super().delete_note(user_id, note_id)
        self._kept.pop((user_id, note_id), None)


class EarlyAnswer(Service):
    """Answers that a note is written, and writes it when the next one comes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._unwritten: list[tuple[str, NoteView]] = []

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Take a note in."""
        view = NoteView(id=fresh_id(), text=text, version=1)
        due, self._unwritten = self._unwritten, [(user_id, view)]
        for owner, note in due:
            async with self.repository(owner) as mine:
                mine.add_note(note.text).id = note.id
        return view


MIXED_ROWS = (
    mutant(
        "global-session",
        "C1",
        "sessions",
        "one database session serves all requests",
        shows_on="crowd",
        parts=lambda: Parts(storage=GlobalSession),
    ),
    mutant(
        "thread-session",
        "C2",
        "sessions",
        "sessions are kept by thread in an asyncio program, so that all tasks share one",
        shows_on="crowd",
        parts=lambda: Parts(storage=ThreadSession),
    ),
    mutant(
        "unclosed-session",
        "C3",
        "residue",
        "a session is not closed after an error",
        shows_on="access",
        parts=lambda: Parts(storage=UnclosedSession),
    ),
    mutant(
        "forgotten-rollback",
        "C4",
        "tampering",
        "the rollback of a failed or cancelled request is forgotten, and what it wrote is committed",
        shows_on="solo",
        parts=lambda: Parts(storage=ForgottenRollback),
    ),
    mutant(
        "eager-commit",
        "C4",
        "tampering",
        "a tool commits each write by itself, so that a failed run leaves some of them",
        shows_on="solo",
        parts=lambda: Parts(tools=EagerTools),
    ),
    mutant(
        "stale-tenant",
        "C5",
        "leak",
        "the tenant stays set on a pooled connection, and the next user reads as the one before",
        shows_on="in-turn",
        parts=lambda: Parts(repository=StaleTenant),
    ),
    mutant(
        "shared-answers",
        "C6",
        "leak",
        "requests that come together share one answer, under a key without the user",
        shows_on="crowd",
        parts=lambda: Parts(service=SharedAnswers),
    ),
    mutant(
        "identity-map",
        "C7",
        "access",
        "an object that one user has loaded is given to another without a query",
        shows_on="access",
        parts=lambda: Parts(repository=IdentityMap()),
    ),
    mutant(
        "kept-notes",
        "C7",
        "remains",
        "a note is kept as it was written, and an edit does not replace what is kept",
        shows_on="edits",
        parts=lambda: Parts(service=KeptNotes),
    ),
    mutant(
        "unfiltered-search",
        "C8",
        "leak",
        "the owner's filter is missing in the search alone",
        shows_on="in-turn",
        parts=lambda: Parts(repository=UnfilteredSearch),
    ),
    mutant(
        "lost-update",
        "C9",
        "tampering",
        "an edit does not compare the version that was read",
        shows_on="edits",
        parts=lambda: Parts(repository=LostUpdate),
    ),
    mutant(
        "early-answer",
        "C10",
        "tampering",
        "a write is acknowledged before it is committed",
        shows_on="solo",
        parts=lambda: Parts(service=EarlyAnswer),
    ),
)
"""Planted bugs of sessions, rows and caches."""
