"""The parts of one application, put together.

Rules:
- Two backends share nothing.
- Each part is named in `Parts` and can be replaced there; nothing else decides what an application is made
  of.

How it works: constructing a `Backend` makes the parts from the settings and freezes the registry. `start`
makes the tables and settles what a crash left behind; `stop` lets accepted runs end and closes everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from reference_impl.agents import DEFAULT_AGENTS, Agent
from reference_impl.auth import Tokens
from reference_impl.context import UserExecutionContext
from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.engine import ExecutionEngine
from reference_impl.factory import AgentInstanceFactory, EmitterMaker
from reference_impl.hub import ConnectionHub
from reference_impl.operations import Service
from reference_impl.registry import AgentClassRegistry
from reference_impl.repository import Repository
from reference_impl.settings import Settings
from reference_impl.shielding import to_the_end
from reference_impl.slots import Limits, Slots
from reference_impl.storage import Storage
from reference_impl.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The classes an application is made of. Each may be replaced by a subclass, or a callable like it."""

    agents: Mapping[str, type[Agent]] = field(default_factory=lambda: DEFAULT_AGENTS)
    registry: Callable[[], AgentClassRegistry] = AgentClassRegistry
    repository: Callable[[AsyncSession, str], Repository] = Repository
    storage: Callable[..., Storage] = Storage
    hub: Callable[[int], ConnectionHub] = ConnectionHub
    context: type[UserExecutionContext] = UserExecutionContext
    emitter: EmitterMaker = UserWebSocketEmitter
    tools: Callable[..., Tools] = Tools
    slots: Callable[[Limits], Slots] = Slots
    factory: Callable[..., AgentInstanceFactory] = AgentInstanceFactory
    engine: Callable[..., ExecutionEngine] = ExecutionEngine
    tokens: Callable[[str, str, str | None], Tokens] = Tokens
    service: Callable[[Storage, ExecutionEngine], Service] = Service


class Backend:
    """One application's parts; `app.state.backend` of the app that serves them."""

    def __init__(self, settings: Settings, parts: Parts | None = None, *, engine: AsyncEngine | None = None) -> None:
        """Make and join the parts; nothing connects before `start`.

        Args:
            settings: how it runs.
            parts: what it is made of; the package's own parts when None.
            engine: that of a backend with the same settings which has stopped; a new one when None.
        """
        made = Parts() if parts is None else parts
        self.settings = settings
        self.registry = _registry(made)
        self.tokens = made.tokens(settings.token_secret, settings.token_audience, settings.token_issuer)
        kept = {} if engine is None else {"engine": engine}
        self.storage = made.storage(settings.database_url, repository=made.repository, **kept)
        self.hub = made.hub(settings.queue_size)
        self.factory = made.factory(
            self.registry,
            self.storage,
            self.hub,
            Limits(runs_per_user=settings.runs_per_user, waiting_per_user=settings.waiting_per_user),
            emitter=made.emitter,
            tools=made.tools,
            context=made.context,
            slots=made.slots,
        )
        self.engine = made.engine(self.factory, self.storage, self.hub, settings.run_timeout_s)
        self.service = made.service(self.storage, self.engine)

    async def start(self) -> None:
        """Make the tables that do not exist and mark runs a crash left unfinished."""
        await self.storage.create()
        await self.engine.recover()

    async def stop(self) -> None:
        """Let accepted runs end or stop them, so that each is recorded; then close sockets and database."""
        try:
            await self.engine.drain(self.settings.drain_s)
        finally:
            self.hub.close()
            await self.storage.dispose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Backend]:
        """Start, and stop whatever happens: for a lifespan, and for a program without a server."""
        try:
            await self.start()
            yield self
        finally:
            await to_the_end(self.stop())

    def held(self) -> Mapping[str, int]:
        """Count everything that is held now; all zero when nobody works and nobody is connected."""
        return {**self.hub.held(), **self.engine.held()}


def _registry(parts: Parts) -> AgentClassRegistry:
    registry = parts.registry()
    for name, agent_class in parts.agents.items():
        registry.register(name, agent_class, description=(agent_class.__doc__ or "").partition("\n")[0])
    registry.freeze()
    return registry
