"""Planted bugs of section A, in what serves a request: emitters, tools, slots, caches. Killed by many users at work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from harness.claims.evidence import Suite
from harness.mutants.subject import mutant
from reference_impl.agents import DEFAULT_AGENTS, Agent, FaultyAgent, NarratorAgent
from reference_impl.app import Parts
from reference_impl.context import UserExecutionContext
from reference_impl.emitter import EventType, UserWebSocketEmitter
from reference_impl.engine import ExecutionEngine, ShuttingDown
from reference_impl.factory import AgentInstanceFactory, RequestScope
from reference_impl.hub import Connection, ConnectionHub, Frame, RunLog
from reference_impl.operations import Service
from reference_impl.repository import Repository
from reference_impl.schemas import NoteView
from reference_impl.slots import Slots, Ticket
from reference_impl.tables import Run
from reference_impl.tools import Tools

# Emitters and routes


class SharedBridge(ConnectionHub):
    """One bridge for everybody, turned to whoever's run began last."""

    _target: UserExecutionContext | None = None

    def emitter_opened(self, emitter: UserWebSocketEmitter) -> None:
        """Turn to the emitter's user."""
        super().emitter_opened(emitter)
        self._target = emitter.context

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the connections of whom the bridge is turned to."""
        target = self._target
        if target is None:
            return super().receivers(frame)
        return super().receivers(replace(frame, user=target.user_id, thread=target.thread_id))


class PooledEmitters(ConnectionHub):
    """One emitter per user: a second run turns it to its own thread."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self._threads: dict[str, str] = {}

    def emitter_opened(self, emitter: UserWebSocketEmitter) -> None:
        """Turn the user's emitter to the run's thread."""
        super().emitter_opened(emitter)
        self._threads[emitter.context.user_id] = emitter.context.thread_id

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the followers of the thread that the user's emitter is turned to."""
        return super().receivers(replace(frame, thread=self._threads.get(frame.user, frame.thread)))


class CleanedRoutes(ConnectionHub):
    """Keeps routes by user, whichever run they are for: the end of one run removes the route of the other."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self._routes: set[str] = set()

    def open_run(self, user_id: str, thread_id: str, run_id: str) -> RunLog:
        """Hold the log of a run, and add its route."""
        self._routes.add(user_id.casefold())
        return super().open_run(user_id, thread_id, run_id)

    def close_run(self, log: RunLog) -> None:
        """Let go of a run's log, and clean up its route."""
        super().close_run(log)
        if log.holders <= 0:
            self._routes.discard(log.user.casefold())

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the frame's connections, if there is a route."""
        return super().receivers(frame) if frame.user.casefold() in self._routes else ()


class TirelessEmitter(UserWebSocketEmitter):
    """Emits whenever it is asked to, also when its request is over."""

    async def emit(self, type: EventType, data: Mapping[str, object] | None = None) -> None:
        """Emit one event."""
        self._hub.publish(self.frame(type, data))


class AfterthoughtAgent(NarratorAgent):
    """Has one more thought when its run is over."""

    async def execute(self, text: str) -> str:
        """Narrate, and leave a task behind."""
        self._afterthought = asyncio.create_task(self._think_on())
        return await super().execute(text)

    async def _think_on(self) -> None:
        await asyncio.sleep(0.1)
        await self.emitter.emit("agent_thinking", {"text": "one more thing"})


# Agents, tools, scopes


class PausingTools(Tools):
    """Reach the world over a network, which takes a while."""

    async def _begin(self, tool: str) -> None:
        await super()._begin(tool)
        await asyncio.sleep(0.005)


class OneToolbox:
    """Makes tools once, and turns them to each later request."""

    def __init__(self) -> None:
        self._tools: Tools | None = None

    def __call__(self, repository: Repository, emitter: UserWebSocketEmitter) -> Tools:
        """Return the one toolbox."""
        if self._tools is None:
            self._tools = PausingTools(repository, emitter)
        self._tools._repository, self._tools._emitter = repository, emitter
        return self._tools


def remembering_agents() -> Parts:
    """An agent with a mutable default argument. Defined here, so that the list belongs to one application."""

    class Remembering(FaultyAgent):
        def __init__(
            self,
            context: UserExecutionContext,
            emitter: UserWebSocketEmitter,
            tools: Tools,
            seen: list[str] = [],  # noqa: B006 - the planted bug
        ) -> None:
            super().__init__(context, emitter, tools)
            self.seen = seen

        async def execute(self, text: str) -> str:
            self.seen.append(text)
            return await super().execute(text)

    agents: Mapping[str, type[Agent]] = {**DEFAULT_AGENTS, "faulty": Remembering}
    return Parts(agents=agents)


class UnreleasedScopes(AgentInstanceFactory):
    """Remembers the scope of every request, also when it has ended."""

    @contextmanager
    def _live(self, *arguments: Any) -> Iterator[RequestScope]:
        with super()._live(*arguments) as scope:
            yield scope
        self._scopes.add(scope)


# Slots


class IdleSemaphore(Slots):
    """Counts runs, and lets every one of them begin."""

    def take(self, user_id: str) -> Ticket:
        """Take a ticket, granted whatever is at work."""
        ticket = super().take(user_id)
        if not ticket.is_granted:
            lane = self._lanes[ticket.key]
            lane.waiting.remove(ticket)
            lane.running.add(ticket)
            ticket.grant()
        return ticket


class SlotsForAll(Slots):
    """Counts the runs of all users together."""

    def key(self, user_id: str) -> str:
        """Return one key for everybody."""
        return "everybody"


class OneBreaker(ExecutionEngine):
    """A circuit breaker for all users: two failed runs of one, and the next four of anybody are refused."""

    _failures = 0
    _refusals = 0

    async def submit(self, **asked: Any) -> Run:
        """Accept a run, unless the circuit is open."""
        if self._failures >= 2:
            self._refusals += 1
            if self._refusals == 4:
                self._failures = self._refusals = 0
            raise ShuttingDown("The circuit is open: too many runs have failed.")
        return await super().submit(**asked)

    async def _fail(self, *arguments: Any) -> None:
        self._failures += 1
        await super()._fail(*arguments)


# Keys and caches


def sanitised_owner(session: AsyncSession, owner: str) -> Repository:
    """Return the queries of an owner whose name was made harmless, and equal to others."""
    return Repository(session, re.sub(r"[^a-z0-9]+", "-", owner.casefold()))


class MemoisedSearch(Service):
    """Remembers what was found for a text, for whoever asks next."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._found: dict[str, list[NoteView]] = {}

    async def list_notes(self, user_id: str, query: str | None) -> list[NoteView]:
        """Return the user's notes, or what was once found for `query`."""
        if query is None:
            return await super().list_notes(user_id, None)
        if query not in self._found:
            self._found[query] = await super().list_notes(user_id, query)
        return self._found[query]


SHARED_REQUESTS = (
    mutant(
        "shared-bridge",
        "A1",
        "misdelivery",
        "one event bridge is shared by all users and retargeted at each run",
        shows_on="crowd",
        parts=lambda: Parts(hub=SharedBridge),
        suites=(Suite.PROPERTIES, Suite.LOAD),
    ),
    mutant(
        "cleaned-route",
        "A3",
        "misdelivery",
        "cleaning up one run removes the route of another under the same key",
        shows_on="crowd",
        parts=lambda: Parts(hub=CleanedRoutes),
    ),
    mutant(
        "unreleased-scopes",
        "A9",
        "residue",
        "what was made for a request is remembered when the request has ended",
        shows_on="in-turn",
        parts=lambda: Parts(factory=UnreleasedScopes),
    ),
    mutant(
        "afterthought",
        "A12",
        "misdelivery",
        "an agent goes on emitting when its run has ended",
        shows_on="crowd",
        parts=lambda: Parts(emitter=TirelessEmitter, agents={**DEFAULT_AGENTS, "narrator": AfterthoughtAgent}),
    ),
    mutant(
        "sanitised-owner",
        "A16",
        "leak",
        "owners are sanitised, which makes alice and Alice, or org&a and org$a, one owner",
        shows_on="in-turn",
        parts=lambda: Parts(repository=sanitised_owner),
    ),
    mutant(
        "pooled-emitter",
        "A17",
        "misdelivery",
        "emitters are pooled by user, and a second run turns the first's to its own thread",
        shows_on="crowd",
        parts=lambda: Parts(hub=PooledEmitters),
    ),
    mutant(
        "idle-semaphore",
        "A18",
        "limits",
        "the semaphore of a user is made and never acquired",
        shows_on="limits",
        parts=lambda: Parts(slots=IdleSemaphore),
    ),
    mutant(
        "slots-for-all",
        "A19",
        "limits",
        "the limit of runs is counted for all users together",
        shows_on="limits",
        parts=lambda: Parts(slots=SlotsForAll),
        settings={"waiting_per_user": 0},
    ),
    mutant(
        "one-breaker",
        "A19",
        "interference",
        "a circuit breaker is not keyed by user: one user's failures block the others",
        shows_on="limits",
        parts=lambda: Parts(engine=OneBreaker),
    ),
    mutant(
        "retargeted-tools",
        "A23",
        "leak",
        "the tools are shared, set before an await and used after it, in another's session",
        shows_on="crowd",
        parts=lambda: Parts(tools=OneToolbox()),
    ),
    mutant(
        "default-argument",
        "A24",
        "aliasing",
        "a mutable default argument is state that all agents share",
        shows_on="limits",
        parts=remembering_agents,
    ),
    mutant(
        "memoised-search",
        "A25",
        "leak",
        "a search is memoised by its text alone",
        shows_on="in-turn",
        parts=lambda: Parts(service=MemoisedSearch),
    ),
)
"""Planted bugs that show when many users are at work."""
