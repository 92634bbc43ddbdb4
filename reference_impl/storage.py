"""The database: one engine per application, one session per request.

Rules:
- A session belongs to one request. It commits when its request succeeds, rolls back otherwise, and is always
  closed, also under repeated cancellation.
- No write lock is held while an agent thinks: nothing is flushed before the commit, unless asked for.
- On SQLite, writers take turns in the order they came, in the process, instead of polling the file's lock.

How it works: on SQLite the driver begins a transaction at the first write only, as BEGIN IMMEDIATE: reads
never block, and a write never starts from a snapshot that is out of date. Each statement therefore sees what
is committed when it runs; a transaction's writes are atomic and serial. Other databases keep their own
isolation level. A committed write survives a crash of the process (WAL, synchronous=NORMAL), not necessarily
a loss of power.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from reference_impl.repository import Repository
from reference_impl.shielding import to_the_end
from reference_impl.tables import Run, Table

POOL_SIZE = 16
"""Connections the pool keeps; more requests than that wait for one, in the order they came."""

POOL_TIMEOUT_S = 10.0
"""How long the pool itself lets somebody wait who did not wait for a place, such as start-up code."""

BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for a lock that another process holds."""


class RequestSession(AsyncSession):
    """A session of one request, which waits its turn and finishes what it began.

    Waiting, for one of the connections and for the writers' turn, can be cancelled. What has reached the
    driver runs to its end: a statement abandoned half way would leave its connection in an unknown state,
    holding locks. Both are waited for in this order everywhere, so that nobody who has the turn waits for a
    connection.
    """

    def __init__(self, engine: AsyncEngine, places: asyncio.Semaphore, turn: asyncio.Lock | None) -> None:
        """Bind to the engine.

        Args:
            engine: where connections come from.
            places: as many as there are connections.
            turn: the lock writers share; None where the database sorts that out.
        """
        super().__init__(engine, expire_on_commit=False, autoflush=False)
        self._places = places
        self._turn = turn
        self._has_place = False
        self._has_turn = False

    async def execute(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a statement."""
        await self._wait(writes=getattr(statement, "is_dml", False))
        return await to_the_end(super().execute(statement, *args, **kwargs))

    async def scalar(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a statement and return the first column of its first row, or None."""
        await self._wait(writes=getattr(statement, "is_dml", False))
        return await to_the_end(super().scalar(statement, *args, **kwargs))

    async def scalars(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a statement and return the first column of its rows."""
        await self._wait(writes=getattr(statement, "is_dml", False))
        return await to_the_end(super().scalars(statement, *args, **kwargs))

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is pending, without committing it."""
        await self._wait(writes=self._is_pending())
        await to_the_end(super().flush(objects))

    async def commit(self) -> None:
        """Write what is pending and commit; the connection and the turn are free afterwards."""
        if self._is_pending():
            await self._wait(writes=True)
        try:
            await to_the_end(super().commit())
        finally:
            self._leave()

    async def rollback(self) -> None:
        """Roll back; the connection and the turn are free afterwards."""
        try:
            await to_the_end(super().rollback())
        finally:
            self._leave()

    async def close(self) -> None:
        """Roll back what is open; the connection and the turn are free afterwards."""
        try:
            await to_the_end(super().close())
        finally:
            self._leave(closed=True)

    def _is_pending(self) -> bool:
        return bool(self.new or self.dirty or self.deleted)

    async def _wait(self, *, writes: bool) -> None:
        if not self._has_place:
            await self._places.acquire()
            self._has_place = True
        if writes and self._turn is not None and not self._has_turn:
            await self._turn.acquire()
            self._has_turn = True

    def _leave(self, *, closed: bool = False) -> None:
        if self.in_transaction() and not closed:
            return  # a failed commit keeps its connection until it is rolled back or closed
        if self._turn is not None and self._has_turn:
            self._has_turn = False
            self._turn.release()
        if self._has_place:
            self._has_place = False
            self._places.release()


class Storage:
    """One database and the sessions that are open on it."""

    def __init__(
        self,
        url: str,
        *,
        repository: Callable[[AsyncSession, str], Repository] = Repository,
        engine: AsyncEngine | None = None,
    ) -> None:
        """Prepare the engine; nothing connects before `create`.

        Args:
            url: an SQLAlchemy URL with an asyncio driver, such as sqlite+aiosqlite:///path/to/file.
            repository: makes the owner-bound queries.
            engine: one for this URL whose storage was disposed of, to go on with what it has compiled.

        Raises:
            ValueError: the URL names an SQLite database in memory.
        """
        self._engine = _engine(url) if engine is None else engine
        self._repository = repository
        self._sessions: set[AsyncSession] = set()
        self._places = asyncio.Semaphore(POOL_SIZE)
        self._turn = asyncio.Lock() if self._engine.dialect.name == "sqlite" else None

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for those who watch it; requests use `session`."""
        return self._engine

    @property
    def open_sessions(self) -> int:
        """How many sessions are open now."""
        return len(self._sessions)

    async def create(self) -> None:
        """Make the tables that do not exist yet."""
        async with self._engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)

    async def dispose(self) -> None:
        """Close every connection of the pool."""
        await to_the_end(self._engine.dispose())

    def repository(self, session: AsyncSession, owner: str) -> Repository:
        """Return the queries of one owner through one session."""
        return self._repository(session, owner)

    def make_session(self) -> AsyncSession:
        """Make a session for one request; it connects at its first statement."""
        return RequestSession(self._engine, self._places, self._turn)

    async def close_session(self, session: AsyncSession) -> None:
        """Roll back what is uncommitted and give the connection back."""
        try:
            await session.close()
        finally:
            self._sessions.discard(session)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session for one request: committed on success, rolled back otherwise, always closed."""
        session = self.make_session()
        self._sessions.add(session)
        try:
            yield session
            await session.commit()
        finally:
            await to_the_end(self.close_session(session))

    async def unfinished_runs(self) -> tuple[tuple[str, str, str], ...]:
        """Return (user, thread, run) of every run that was accepted and has not ended; for start-up only."""
        async with self.session() as session:
            rows = await session.execute(select(Run.user_id, Run.thread_id, Run.id).where(Run.status == "accepted"))
            return tuple((user, thread, run) for user, thread, run in rows)


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=POOL_TIMEOUT_S)
    if parsed.database in (None, "", ":memory:") or "mode=memory" in str(parsed) or ":memory:" in str(parsed):
        raise ValueError(
            f"{url} is an SQLite database in memory: its sessions would share one connection, hence one transaction, "
            "and roll back each other's writes. Use a file, such as sqlite+aiosqlite:///data.db."
        )
    engine = create_async_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"isolation_level": "IMMEDIATE"},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
