"""What the application does for one user: the work behind every route, apart from HTTP.

Rules:
- Each method takes the user first, from the token, and reaches rows through that user's repository only.
- "Not yours" and "does not exist" are the same `NotFound`.
- A method returns after its transaction is committed, so an answer never acknowledges what could still be
  lost.

How it works: one method, one session. Anything that decides who may see what is a method that can be
replaced.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from reference_impl.engine import ExecutionEngine
from reference_impl.hub import Frame
from reference_impl.repository import NotFound, Repository
from reference_impl.schemas import AcceptedRun, FrameView, NoteView, RunView, ThreadView
from reference_impl.storage import Storage


class Service:
    """The application's operations."""

    def __init__(self, storage: Storage, engine: ExecutionEngine) -> None:
        """Bind to the parts all requests share."""
        self.storage = storage
        self.engine = engine

    @asynccontextmanager
    async def repository(self, user_id: str) -> AsyncIterator[Repository]:
        """Open a session for one request and give the user's repository; commits when the body returns."""
        async with self.storage.session() as session:
            yield self.storage.repository(session, user_id)

    # Threads

    async def add_thread(self, user_id: str, title: str) -> ThreadView:
        """Make a thread of the user."""
        async with self.repository(user_id) as mine:
            row = mine.add_thread(title)
        return ThreadView.of(row)

    async def get_thread(self, user_id: str, thread_id: str) -> ThreadView:
        """Return a thread of the user.

        Raises:
            NotFound: the user has no such thread.
        """
        async with self.repository(user_id) as mine:
            row = await mine.get_thread(thread_id)
        if row is None:
            raise NotFound("no such thread")
        return ThreadView.of(row)

    async def list_threads(self, user_id: str) -> list[ThreadView]:
        """Return the user's threads."""
        async with self.repository(user_id) as mine:
            return [ThreadView.of(row) for row in await mine.list_threads()]

    # Runs

    async def submit_run(
        self, user_id: str, thread_id: str, agent: str, text: str, metadata: Mapping[str, object] | None
    ) -> AcceptedRun:
        """Accept a run in a thread of the user.

        Raises:
            NotFound: the user has no such thread.
            TooManyRuns: the user's slots and places in line are taken.
            UnknownAgent: no agent has that name.
            ShuttingDown: the server is about to stop.
        """
        row = await self.engine.submit(user_id=user_id, thread_id=thread_id, agent=agent, text=text, metadata=metadata)
        return AcceptedRun.of(row)

    async def get_run(self, user_id: str, run_id: str) -> RunView:
        """Return a run of the user.

        Raises:
            NotFound: the user has no such run.
        """
        async with self.repository(user_id) as mine:
            row = await mine.get_run(run_id)
        if row is None:
            raise NotFound("no such run")
        return RunView.of(row)

    async def list_runs(self, user_id: str, thread_id: str) -> list[RunView]:
        """Return the runs of a thread of the user.

        Raises:
            NotFound: the user has no such thread.
        """
        await self.get_thread(user_id, thread_id)
        async with self.repository(user_id) as mine:
            return [RunView.of(row) for row in await mine.list_runs(thread_id)]

    async def cancel_run(self, user_id: str, run_id: str) -> RunView:
        """Stop a run of the user and return it as it is then; harmless when it has ended.

        Raises:
            NotFound: the user has no such run.
        """
        await self.get_run(user_id, run_id)
        await self.engine.cancel(user_id, run_id)
        return await self.get_run(user_id, run_id)

    async def run_events(self, user_id: str, run_id: str, after: int) -> list[FrameView]:
        """Return the stored events of a run of the user whose seq is above `after`; none before it has ended.

        Raises:
            NotFound: the user has no such run.
        """
        await self.get_run(user_id, run_id)
        async with self.repository(user_id) as mine:
            return [FrameView.of(frame) for frame in await mine.run_events(run_id, after)]

    # Notes

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Make a note of the user."""
        async with self.repository(user_id) as mine:
            row = mine.add_note(text)
        return NoteView.of(row)

    async def get_note(self, user_id: str, note_id: str) -> NoteView:
        """Return a note of the user.

        Raises:
            NotFound: the user has no such note.
        """
        async with self.repository(user_id) as mine:
            row = await mine.get_note(note_id)
        if row is None:
            raise NotFound("no such note")
        return NoteView.of(row)

    async def list_notes(self, user_id: str, query: str | None) -> list[NoteView]:
        """Return the user's notes, or those that contain `query`."""
        async with self.repository(user_id) as mine:
            rows = await (mine.list_notes() if query is None else mine.search_notes(query))
            return [NoteView.of(row) for row in rows]

    async def edit_note(self, user_id: str, note_id: str, text: str, version: int) -> NoteView:
        """Replace the text of a note of the user.

        Raises:
            NotFound: the user has no such note.
            Conflict: the note has another version by now.
        """
        async with self.repository(user_id) as mine:
            new_version = await mine.edit_note(note_id, text, version)
        if new_version is None:
            raise NotFound("no such note")
        return NoteView(id=note_id, text=text, version=new_version)

    async def delete_note(self, user_id: str, note_id: str) -> None:
        """Delete a note of the user.

        Raises:
            NotFound: the user has no such note.
        """
        async with self.repository(user_id) as mine:
            deleted = await mine.delete_note(note_id)
        if not deleted:
            raise NotFound("no such note")

    # Following

    async def may_follow(self, user_id: str, thread_id: str) -> bool:
        """Whether a thread is the user's; one that does not exist is nobody's."""
        async with self.repository(user_id) as mine:
            return await mine.get_thread(thread_id) is not None

    async def stored_frames(self, user_id: str, thread_id: str) -> AsyncIterator[Frame]:
        """Give the stored frames of a thread of the user, run by run and in order.

        One session per page, so that a slow reader holds no connection.
        """
        last: tuple[str, int] | None = None
        while True:
            async with self.repository(user_id) as mine:
                page = await mine.events_after(thread_id, last)
            if not page:
                return
            for frame in page:
                yield frame
            last = (page[-1].run, page[-1].seq)
