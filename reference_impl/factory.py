"""The only maker of what belongs to one request, and the only one who clears it away.

Rules:
- Context, session, emitter, tools and agent are fresh for each request and shared with no other.
- Whatever a request acquired is released when its scope ends: by return, error, timeout or cancellation, at
  any await, also while it waits for its slot.
- The session commits when the scope's body returns and rolls back when it raises.

How it works: `scope` is an async context manager. It takes the slot, opens the session and makes the objects,
and undoes all that in reverse. The emitter closes first, so that an agent which outlives its scope can
neither emit nor use its tools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from reference_impl.agents import Agent
from reference_impl.context import UserExecutionContext
from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.hub import ConnectionHub
from reference_impl.registry import AgentClassRegistry
from reference_impl.slots import Limits, Slots, Ticket, TooManyRuns
from reference_impl.storage import Storage
from reference_impl.tools import Tools

__all__ = ["AgentInstanceFactory", "Limits", "RequestScope", "TooManyRuns"]

EmitterMaker = Callable[[ConnectionHub, UserExecutionContext], UserWebSocketEmitter]
"""Makes the emitter of one request."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RequestScope:
    """What one request works with; all of it is its own."""

    agent: Agent
    context: UserExecutionContext
    emitter: UserWebSocketEmitter
    session: AsyncSession
    tools: Tools


class AgentInstanceFactory:
    """Makes the objects of each request from the shared, immutable parts."""

    def __init__(
        self,
        registry: AgentClassRegistry,
        storage: Storage,
        hub: ConnectionHub,
        limits: Limits | None = None,
        *,
        emitter: EmitterMaker = UserWebSocketEmitter,
        tools: Callable[..., Tools] = Tools,
        context: type[UserExecutionContext] = UserExecutionContext,
        slots: Callable[[Limits], Slots] = Slots,
    ) -> None:
        """Bind to the parts all requests share; the keywords replace what is made per request."""
        self.registry = registry
        self.storage = storage
        self.hub = hub
        self.limits = Limits() if limits is None else limits
        self.slots = slots(self.limits)
        self._emitter = emitter
        self._tools = tools
        self._context = context
        self._scopes: set[RequestScope] = set()

    @asynccontextmanager
    async def scope(
        self,
        agent_name: str,
        *,
        user_id: str,
        thread_id: str,
        run_id: str | None = None,
        request_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
        ticket: Ticket | None = None,
        emitter: EmitterMaker | None = None,
    ) -> AsyncIterator[RequestScope]:
        """Open the scope of one request, waiting for the user's slot.

        Args:
            agent_name: a name in the registry.
            user_id: who asks.
            thread_id: the thread of that user the request belongs to.
            run_id: the run; fresh when None.
            request_id: this attempt at the run; fresh when None.
            metadata: plain data for the agent; copied and frozen.
            ticket: one taken before by `take_slot`; whoever took it releases it, when the run's end is recorded.
            emitter: makes this request's emitter, instead of the factory's.

        Raises:
            TooManyRuns: as many of the user's runs are at work and waiting as may be.
            UnknownAgent: no agent has that name.
            InvalidContext: an id is malformed or a placeholder.
            TypeError: metadata cannot be made immutable.
        """
        slot = ticket
        try:
            agent_class = self.registry.get(agent_name)
            asked = self.make_context(  # refused before it may wait in line
                user_id=user_id,
                thread_id=thread_id,
                run_id=run_id,
                request_id=request_id,
                session=None,
                metadata=metadata,
            )
            slot = self.take_slot(user_id) if slot is None else slot
            await slot.granted()
            async with self.storage.session() as session:
                context = self.with_session(asked, session)
                with self._live(agent_class, context, session, emitter or self.make_emitter) as scope:
                    yield scope
        finally:
            if slot is not None and slot is not ticket:
                self.release_slot(slot)

    @contextmanager
    def _live(
        self,
        agent_class: type[Agent],
        context: UserExecutionContext,
        session: AsyncSession,
        make_emitter: Callable[..., UserWebSocketEmitter],
    ) -> Iterator[RequestScope]:
        emitter = make_emitter(self.hub, context)
        try:
            tools = self.make_tools(session, context, emitter)
            agent = self.make_agent(agent_class, context, emitter, tools)
            scope = RequestScope(agent=agent, context=context, emitter=emitter, session=session, tools=tools)
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
        finally:
            self.close_emitter(emitter)

    # Each decision is one method.

    def take_slot(self, user_id: str) -> Ticket:
        """Take one of the user's slots, or a place in the user's line.

        Raises:
            TooManyRuns: neither is free.
        """
        return self.slots.take(user_id)

    def release_slot(self, ticket: Ticket) -> None:
        """Give a slot or place back; harmless when done before."""
        self.slots.release(ticket)

    def make_context(
        self,
        *,
        user_id: str,
        thread_id: str,
        run_id: str | None,
        request_id: str | None,
        session: AsyncSession | None,
        metadata: Mapping[str, object] | None,
    ) -> UserExecutionContext:
        """Make the request's context."""
        return self._context.for_request(
            user_id=user_id,
            thread_id=thread_id,
            run_id=run_id,
            request_id=request_id,
            db_session=session,
            metadata=metadata,
        )

    def with_session(self, context: UserExecutionContext, session: AsyncSession) -> UserExecutionContext:
        """Return the request's context with the session that was opened for it."""
        return replace(context, db_session=session)

    def make_emitter(self, hub: ConnectionHub, context: UserExecutionContext) -> UserWebSocketEmitter:
        """Make the request's emitter."""
        return self._emitter(hub, context)

    def close_emitter(self, emitter: UserWebSocketEmitter) -> None:
        """End the request's emission; harmless when done before."""
        emitter.close()

    def make_tools(self, session: AsyncSession, context: UserExecutionContext, emitter: UserWebSocketEmitter) -> Tools:
        """Make the request's tools, bound to its owner and session."""
        return self._tools(self.storage.repository(session, context.user_id), emitter)

    def make_agent(
        self,
        agent_class: type[Agent],
        context: UserExecutionContext,
        emitter: UserWebSocketEmitter,
        tools: Tools,
    ) -> Agent:
        """Make the request's agent."""
        return agent_class(context, emitter, tools)

    # Accounts

    def held(self) -> Mapping[str, int]:
        """Count what requests hold now: scopes, slots, places in line, open sessions, open emitters."""
        return {
            "scopes": len(self._scopes),
            "slots": self.slots.running,
            "waiting": self.slots.waiting,
            "sessions": self.storage.open_sessions,
            "emitters": self.hub.held()["emitters"],
        }

    def live_scopes(self) -> tuple[RequestScope, ...]:
        """Return the scopes that are open now."""
        return tuple(self._scopes)
