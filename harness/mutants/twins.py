"""Safe twins: correct code that looks like a bug. A checker that flags one of them is wrong.

Each does what its sentence says, on the way that every request takes, and is next to a planted bug in looks: what is
shared is immutable or keyed by its owner, what is delayed stays in order, what is set is reset.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from harness.history.model import Promises
from harness.history.semantics import Delivery
from harness.mutants.subject import twin
from reference_impl.agents import Agent
from reference_impl.app import Parts
from reference_impl.context import UserExecutionContext, fresh_id
from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.factory import AgentInstanceFactory
from reference_impl.hub import Connection, ConnectionHub, Frame
from reference_impl.operations import Service
from reference_impl.repository import Repository
from reference_impl.schemas import NoteView, ThreadView
from reference_impl.storage import Storage
from reference_impl.tables import Note, Thread
from reference_impl.tools import Tools

# Shared, and immutable


class Tone(Enum):
    """How an agent speaks."""

    PLAIN = "plain"
    WARM = "warm"


@dataclass(frozen=True, slots=True)
class Style:
    """What all agents have in common; nothing of it can change."""

    tone: Tone
    words: tuple[str, ...]
    limits: Mapping[str, int]
    pattern: re.Pattern[str]
    stops: frozenset[str]


STYLE = Style(Tone.WARM, ("well", "so"), MappingProxyType({"words": 9}), re.compile(r"\w+"), frozenset({"um"}))


class Clock:
    """Tells the time, and knows nothing else."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns()


class CommonAgents(AgentInstanceFactory):
    """Gives every agent the same style, clock and interned words."""

    CLOCK = Clock()

    def make_agent(
        self,
        agent_class: type[Agent],
        context: UserExecutionContext,
        emitter: UserWebSocketEmitter,
        tools: Tools,
    ) -> Agent:
        """Make the request's agent, with what it shares with all."""
        agent = super().make_agent(agent_class, context, emitter, tools)
        labels = tuple(sys.intern(word) for word in ("agent", "of", "one", "user"))
        common = {"style": STYLE, "clock": self.CLOCK, "labels": labels, "number": 7, "kind": agent_class}
        for name, value in common.items():
            setattr(agent, name, value)
        return agent


class CountingHub(ConnectionHub):
    """Counts events by type, for all users together: numbers, and nothing of anybody."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self.counts: Counter[str] = Counter()

    def publish(self, frame: Frame) -> None:
        """Count a frame, and push it."""
        self.counts[frame.type] += 1
        super().publish(frame)


# Kept, under its owner's name


class CacheByUser(Service):
    """Keeps each user's list of threads, under that user's name, until that user opens another."""

    MOST = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._cache: OrderedDict[str, list[ThreadView]] = OrderedDict()
        self._writes: Counter[str] = Counter()

    async def add_thread(self, user_id: str, title: str) -> ThreadView:
        """Make a thread of the user, and forget the user's list."""
        view = await super().add_thread(user_id, title)
        self._writes[user_id] += 1
        self._cache.pop(user_id, None)
        return view

    async def list_threads(self, user_id: str) -> list[ThreadView]:
        """Return the user's threads."""
        if user_id in self._cache:
            self._cache.move_to_end(user_id)
            return self._cache[user_id]
        begun = self._writes[user_id]
        threads = await super().list_threads(user_id)
        if begun == self._writes[user_id]:  # else it was written to meanwhile, and is out of date
            self._cache[user_id] = threads
            if len(self._cache) > self.MOST:
                self._cache.popitem(last=False)
        return threads


class RequestCache(Repository):
    """Remembers the threads it has read: it lives as long as one request."""

    def __init__(self, session: AsyncSession, owner: str) -> None:
        super().__init__(session, owner)
        self._threads: dict[str, Thread | None] = {}

    async def get_thread(self, thread_id: str) -> Thread | None:
        """Return the owner's thread, or None when the owner has no such thread."""
        if thread_id not in self._threads:
            self._threads[thread_id] = await super().get_thread(thread_id)
        return self._threads[thread_id]


class LockPerUser(Service):
    """Lets each user's writes take turns, by a lock that is dropped when nobody holds it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def add_note(self, user_id: str, text: str) -> NoteView:
        """Make a note of the user."""
        async with self._locks.setdefault(user_id, asyncio.Lock()):
            return await super().add_note(user_id, text)


# Set, and reset

_USER: ContextVar[str] = ContextVar("twin_user", default="")


class ResetVariable(Service):
    """Keeps the current user in a context variable, from the begin of a request to its end."""

    @asynccontextmanager
    async def repository(self, user_id: str) -> AsyncIterator[Repository]:
        """Open a session, and give the current user's repository."""
        token = _USER.set(user_id)
        try:
            async with self.storage.session() as session:
                await asyncio.sleep(0)
                yield self.storage.repository(session, _USER.get())
        finally:
            _USER.reset(token)


class TenantRepository(Repository):
    """Reads the owner from the connection, where it was set for this request."""

    async def list_notes(self) -> Sequence[Note]:
        """Return the notes of the connection's tenant, oldest first."""
        connection = await self._session.connection()
        tenant = connection.info.setdefault("tenant", self._owner)
        rows = await self._session.scalars(
            select(Note).where(Note.user_id == tenant).order_by(Note.created_ns, Note.id)
        )
        return rows.all()


class ResetPool(Storage):
    """Forgets the tenant of each connection that comes back to the pool."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        event.listen(self.engine.sync_engine, "checkin", self._reset)

    @staticmethod
    def _reset(_connection: object, record: Any) -> None:
        record.info.pop("tenant", None)


class PassedSession(Service):
    """Hands one session from function to function, all within one request."""

    async def get_note(self, user_id: str, note_id: str) -> NoteView:
        """Return a note of the user.

        Raises:
            NotFound: the user has no such note.
        """
        async with self.storage.session() as session:
            await self._audit(session, user_id)
            row = await self.storage.repository(session, user_id).get_note(note_id)
        return NoteView.of(row) if row is not None else await super().get_note(user_id, note_id)

    async def _audit(self, session: AsyncSession, user_id: str) -> int:
        return len(await Repository(session, user_id).list_threads())


# Slow, late, or once more


class LazyIndex(Service):
    """Makes what all requests need when the first one comes, which is slow, and once, which a lock sees to."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = asyncio.Lock()
        self._words: frozenset[str] | None = None

    @asynccontextmanager
    async def repository(self, user_id: str) -> AsyncIterator[Repository]:
        """Wait for the index, then open a session."""
        if self._words is None:
            async with self._lock:
                if self._words is None:
                    await asyncio.sleep(0.01)
                    self._words = frozenset({"a", "the"})
        async with super().repository(user_id) as mine:
            yield mine


class SlowStart(Service):
    """Serves the first request late: caches are cold."""

    _served = 0

    async def add_thread(self, user_id: str, title: str) -> ThreadView:
        """Make a thread of the user."""
        self._served += 1
        if self._served == 1:
            await asyncio.sleep(0.1)
        return await super().add_thread(user_id, title)


class Unhurried(Connection):
    """Sends each message a little late, and in order."""

    async def next(self) -> str:
        """Return the next message that goes out, after a while.

        Raises:
            ConnectionClosed: the connection is over.
        """
        text = await super().next()
        await asyncio.sleep(0.001)
        return text


class UnhurriedHub(ConnectionHub):
    """Opens connections that are in no hurry."""

    def attach(self, user_id: str) -> Connection:
        """Open a connection of a user."""
        connection = Unhurried(user_id, self.queue_size)
        self._connections.setdefault(user_id, {})[connection] = None
        return connection


class Repeating(ConnectionHub):
    """Sends some events twice under one id, as is promised where at-least-once is."""

    def receivers(self, frame: Frame) -> tuple[Connection, ...]:
        """Return the connections a frame goes to, some of them twice."""
        once = tuple(super().receivers(frame))
        return once * 2 if frame.seq % 2 else once


class Announcing(ConnectionHub):
    """Tells everybody, now and then, what is meant for everybody."""

    def emitter_opened(self, emitter: UserWebSocketEmitter) -> None:
        """Count an emitter, and announce something."""
        super().emitter_opened(emitter)
        text = json.dumps({"type": "announcement", "data": {"message": "maintenance on Sunday"}})
        for mine in self._connections.values():
            for connection in mine:
                connection.push(text)


class SeparatedIds(UserExecutionContext):
    """Names runs by ids that contain separators, and are unique all the same."""

    __slots__ = ()

    @classmethod
    def for_request(cls, *, run_id: str | None = None, **rest: Any) -> UserExecutionContext:
        """Make the context of a new request."""
        return super().for_request(run_id=run_id or f"run_{fresh_id()}:a-b.c", **rest)


def _at_least_once(promises: Promises) -> Promises:
    pushes = tuple(replace(pushes, delivery=Delivery.AT_LEAST_ONCE) for pushes in promises.pushes)
    return replace(promises, pushes=pushes)


SAFE_TWINS = (
    twin(
        "common-style",
        "agents share a frozen configuration, an enum, a pattern, a stateless clock and interned words",
        parts=lambda: Parts(factory=CommonAgents),
    ),
    twin(
        "shared-counters", "numbers of events are counted for all users together", parts=lambda: Parts(hub=CountingHub)
    ),
    twin("cache-by-user", "answers are cached under their user's name", parts=lambda: Parts(service=CacheByUser)),
    twin("request-cache", "rows are cached as long as one request", parts=lambda: Parts(repository=RequestCache)),
    twin(
        "lock-per-user",
        "a user's own writes take turns, and nobody else waits",
        parts=lambda: Parts(service=LockPerUser),
    ),
    twin(
        "reset-variable",
        "a context variable holds the current user, and is reset by the task that set it",
        parts=lambda: Parts(service=ResetVariable),
    ),
    twin(
        "reset-pool",
        "connections are pooled, and each is reset when it comes back",
        parts=lambda: Parts(storage=ResetPool, repository=TenantRepository),
    ),
    twin(
        "passed-session",
        "a session is passed between the functions of one request",
        parts=lambda: Parts(service=PassedSession),
    ),
    twin(
        "lazy-index", "what all need is made by the first request, under a lock", parts=lambda: Parts(service=LazyIndex)
    ),
    twin("slow-start", "the first request is slow", parts=lambda: Parts(service=SlowStart)),
    twin("unhurried", "events are delayed, and arrive in order", parts=lambda: Parts(hub=UnhurriedHub)),
    twin(
        "at-least-once",
        "events are repeated under one id, which is what the target promises",
        parts=lambda: Parts(hub=Repeating),
        promises=_at_least_once,
    ),
    twin("announcement", "a broadcast carries nothing of any user", parts=lambda: Parts(hub=Announcing)),
    twin(
        "separated-ids",
        "ids contain separators, and are nobody else's for that",
        parts=lambda: Parts(context=SeparatedIds),
    ),
)
"""Correct code that no checker may flag."""
