"""All queries of the application, each bound to one owner.

Rules:
- A repository is made for one session and one owner; no method takes a user, so none can be asked about
  another.
- Every statement starts from `_mine` or carries the owner in its WHERE: "not yours" and "does not exist" are
  the same answer, None or False.
- Nothing here commits.

How it works: reads are plain SELECTs. New rows wait in the session until the commit, so that no write lock is
held while an agent thinks. UPDATE and DELETE happen at once and are called right before the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_impl.context import fresh_id
from reference_impl.hub import Frame
from reference_impl.tables import Event, Note, Run, Thread

Row = TypeVar("Row", Thread, Run, Event, Note)

MAX_SEARCH_LENGTH = 1_000
"""Characters a search text may have: databases bound the length of a LIKE pattern."""


class NotFound(LookupError):
    """The asker has no such object; whether somebody else has is not told."""


class Conflict(Exception):
    """The row was changed since it was read: writing now would lose that change."""


class Repository:
    """One owner's rows, through one session."""

    def __init__(self, session: AsyncSession, owner: str) -> None:
        """Bind to a session and to the user whose rows these are."""
        self._session = session
        self._owner = owner

    @property
    def owner(self) -> str:
        """The user whose rows these are."""
        return self._owner

    def _mine(self, table: type[Row]) -> Select[Row]:
        """Start a query of the owner's rows: the one place where the filter is made."""
        return select(table).where(table.user_id == self._owner)

    # Threads

    def add_thread(self, title: str) -> Thread:
        """Add a thread to the transaction."""
        thread = Thread(id=fresh_id(), user_id=self._owner, title=title)
        self._session.add(thread)
        return thread

    async def get_thread(self, thread_id: str) -> Thread | None:
        """Return the owner's thread, or None when the owner has no such thread."""
        return await self._session.scalar(self._mine(Thread).where(Thread.id == thread_id))

    async def list_threads(self) -> Sequence[Thread]:
        """Return the owner's threads, oldest first."""
        rows = await self._session.scalars(self._mine(Thread).order_by(Thread.created_ns, Thread.id))
        return rows.all()

    # Runs

    def add_run(self, thread_id: str, agent: str, *, run_id: str | None = None) -> Run:
        """Add an accepted run to the transaction; the database refuses a thread that is not the owner's."""
        run = Run(
            id=run_id or fresh_id(),
            user_id=self._owner,
            thread_id=thread_id,
            agent=agent,
            status="accepted",
            result=None,
            error=None,
        )
        self._session.add(run)
        return run

    async def get_run(self, run_id: str) -> Run | None:
        """Return the owner's run, or None when the owner has no such run."""
        return await self._session.scalar(self._mine(Run).where(Run.id == run_id))

    async def list_runs(self, thread_id: str) -> Sequence[Run]:
        """Return the runs of the owner's thread, oldest first."""
        mine = self._mine(Run).where(Run.thread_id == thread_id)
        rows = await self._session.scalars(mine.order_by(Run.created_ns, Run.id))
        return rows.all()

    async def finish_run(
        self, run_id: str, status: str, *, result: str | None = None, error: str | None = None
    ) -> bool:
        """Record how an accepted run ended; return False when it is not the owner's or has ended before."""
        statement = (
            update(Run)
            .where(Run.id == run_id, Run.user_id == self._owner, Run.status == "accepted")
            .values(status=status, result=result, error=error)
            .execution_options(synchronize_session=False)
        )
        return await self._changed(statement) == 1

    # Events

    async def save_events(self, frames: Iterable[Frame]) -> None:
        """Write the frames of a run as the owner's."""
        rows = [
            {
                "run_id": frame.run,
                "seq": frame.seq,
                "user_id": self._owner,
                "thread_id": frame.thread,
                "type": frame.type,
                "payload": frame.payload,
            }
            for frame in frames
        ]
        if rows:
            await self._session.execute(insert(Event), rows)

    async def events_after(
        self, thread_id: str, after: tuple[str, int] | None = None, *, limit: int = 256
    ) -> tuple[Frame, ...]:
        """Return stored frames of the owner's thread, run by run and in order, one page at a time.

        Args:
            thread_id: whose thread is not the owner's gives nothing.
            after: the (run, seq) of the last frame of the page before; None starts at the beginning.
            limit: frames per page, at least 1.
        """
        mine = self._mine(Event).where(Event.thread_id == thread_id)
        if after is not None:
            run_id, seq = after
            mine = mine.where((Event.run_id > run_id) | ((Event.run_id == run_id) & (Event.seq > seq)))
        rows = await self._session.scalars(mine.order_by(Event.run_id, Event.seq).limit(limit))
        return tuple(self._frame(row) for row in rows)

    async def run_events(self, run_id: str, after: int = -1) -> tuple[Frame, ...]:
        """Return the stored frames of the owner's run whose sequence number is above `after`."""
        mine = self._mine(Event).where(Event.run_id == run_id, Event.seq > after)
        rows = await self._session.scalars(mine.order_by(Event.seq))
        return tuple(self._frame(row) for row in rows)

    def _frame(self, row: Event) -> Frame:
        return Frame(
            type=row.type,
            user=row.user_id,
            thread=row.thread_id,
            run=row.run_id,
            seq=row.seq,
            payload=row.payload,
        )

    # Notes

    def add_note(self, text: str) -> Note:
        """Add a note to the transaction."""
        note = Note(id=fresh_id(), user_id=self._owner, text=text, version=1)
        self._session.add(note)
        return note

    async def get_note(self, note_id: str) -> Note | None:
        """Return the owner's note, or None when the owner has no such note."""
        return await self._session.scalar(self._mine(Note).where(Note.id == note_id))

    async def edit_note(self, note_id: str, text: str, version: int) -> int | None:
        """Replace the text of the owner's note and return its new version; None when there is no such note.

        Args:
            version: the version the caller read. It is compared in the UPDATE itself, so that of two writers
                who read the same version one succeeds.

        Raises:
            Conflict: the note has another version by now.
        """
        statement = (
            update(Note)
            .where(Note.id == note_id, Note.user_id == self._owner, Note.version == version)
            .values(text=text, version=version + 1)
            .execution_options(synchronize_session=False)
        )
        if await self._changed(statement) == 1:
            return version + 1
        if await self.get_note(note_id) is None:
            return None
        raise Conflict(
            f"Note {note_id} was changed since version {version} was read, so writing would lose that change. "
            "Read it again and repeat the edit."
        )

    async def delete_note(self, note_id: str) -> bool:
        """Delete the owner's note; return False when the owner has no such note."""
        statement = (
            delete(Note)
            .where(Note.id == note_id, Note.user_id == self._owner)
            .execution_options(synchronize_session=False)
        )
        return await self._changed(statement) == 1

    async def list_notes(self) -> Sequence[Note]:
        """Return the owner's notes, oldest first."""
        rows = await self._session.scalars(self._mine(Note).order_by(Note.created_ns, Note.id))
        return rows.all()

    async def search_notes(self, text: str) -> Sequence[Note]:
        """Return the owner's notes that contain `text` literally, oldest first.

        Raises:
            ValueError: the text is longer than `MAX_SEARCH_LENGTH`.
        """
        if len(text) > MAX_SEARCH_LENGTH:
            raise ValueError(
                f"The search text has {len(text)} characters; databases take no pattern that long. "
                f"Use at most {MAX_SEARCH_LENGTH}."
            )
        mine = self._mine(Note).where(Note.text.contains(text, autoescape=True))
        rows = await self._session.scalars(mine.order_by(Note.created_ns, Note.id))
        return rows.all()

    async def _changed(self, statement: Any) -> int:
        result = cast("CursorResult[Any]", await self._session.execute(statement))
        return result.rowcount
