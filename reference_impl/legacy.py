"""The old `AgentRegistry`, kept working over the new parts until its callers have moved. Deprecated.

Rules:
- Every call warns, and the warning names the replacement.
- It is as isolated as the new API: it keeps no agent, no context and no user's state. An agent it hands out
  runs each call in a scope of its own.
- Where the old API would have shared, it refuses: no context, no agent; no second bridge over a first.

How it works: `get_agent` returns a `LegacyAgent`, a handle that knows a name and a context's ids. `execute`
opens `AgentInstanceFactory.scope`. A bridge hears the events of handles made after it was set, each with its
user.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Protocol

from reference_impl.agents import Agent
from reference_impl.context import UserExecutionContext
from reference_impl.emitter import EventType, UserWebSocketEmitter
from reference_impl.factory import AgentInstanceFactory
from reference_impl.hub import ConnectionHub, Frame


class WebSocketBridge(Protocol):
    """What the old API sends events to. It is told whose event it is, and must not guess."""

    async def send_event(self, frame: Frame) -> None:
        """Deliver one event to the connections of `frame.user`."""


class LegacyAgent:
    """An agent for one context; each execution has a scope of its own."""

    def __init__(
        self,
        factory: AgentInstanceFactory,
        name: str,
        context: UserExecutionContext,
        bridge: WebSocketBridge | None,
    ) -> None:
        """Remember what to run, for whom, and who else hears of it."""
        self._factory = factory
        self._name = name
        self._context = context
        self._bridge = bridge

    @property
    def context(self) -> UserExecutionContext:
        """Whom this agent works for."""
        return self._context

    async def execute(self, text: str) -> str:
        """Run the agent once, in a fresh scope of its context's user and thread.

        Raises:
            AgentFailed: the agent cannot do what was asked.
            TooManyRuns: the user's slots and places in line are taken.
        """
        async with self._factory.scope(
            self._name,
            user_id=self._context.user_id,
            thread_id=self._context.thread_id,
            run_id=self._context.run_id,
            metadata=self._context.metadata,
            emitter=self._emitter,
        ) as scope:
            await scope.emitter.emit("agent_started", {"agent": self._name})
            try:
                result = await scope.agent.execute(text)
            except Exception as error:
                detail = {"error": type(error).__name__, "message": str(error)}
                await scope.emitter.emit("agent_error", detail)
                raise
            await scope.emitter.emit("agent_completed", {"result": result})
            return result

    def _emitter(self, hub: ConnectionHub, context: UserExecutionContext) -> UserWebSocketEmitter:
        if self._bridge is None:
            return self._factory.make_emitter(hub, context)
        return BridgedEmitter(hub, context, self._bridge)


class BridgedEmitter(UserWebSocketEmitter):
    """An emitter whose events an old bridge hears as well."""

    def __init__(self, hub: ConnectionHub, context: UserExecutionContext, bridge: WebSocketBridge) -> None:
        """Bind to one context and one bridge."""
        super().__init__(hub, context)
        self._bridge = bridge

    async def emit(self, type: EventType, data: Mapping[str, object] | None = None) -> None:
        """Emit one event, then tell the bridge.

        Raises:
            ScopeClosed: the request is over; nothing is emitted.
        """
        frame = self.frame(type, data)
        await super().emit(type, data)
        await self._bridge.send_event(frame)


class AgentRegistry:
    """The old registry. Use `AgentClassRegistry` and `AgentInstanceFactory` instead."""

    def __init__(self, factory: AgentInstanceFactory) -> None:
        """Stand before a factory and its registry."""
        _warn("AgentRegistry", "AgentClassRegistry and AgentInstanceFactory")
        self._factory = factory
        self._bridge: WebSocketBridge | None = None

    def register(self, name: str, agent_class: type[Agent]) -> None:
        """Register an agent class.

        Raises:
            TypeError: it is an instance, which all users would share.
            RegistryFrozen: the registry serves requests.
        """
        _warn("AgentRegistry.register", "AgentClassRegistry.register")
        self._factory.registry.register(name, agent_class)

    def list_agents(self) -> list[str]:
        """Return the registered names."""
        _warn("AgentRegistry.list_agents", "AgentClassRegistry.names")
        return list(self._factory.registry.names())

    def set_websocket_bridge(self, bridge: WebSocketBridge | None) -> None:
        """Let a bridge hear the events of agents handed out from now on, each with its user.

        Raises:
            RuntimeError: another bridge is set. Retargeting is how the old registry sent one user's events to
                another; pass `bridge` to `get_agent` for a bridge of one caller.
        """
        _warn("AgentRegistry.set_websocket_bridge", "UserWebSocketEmitter, which AgentInstanceFactory makes")
        if bridge is not None and self._bridge is not None and bridge is not self._bridge:
            raise RuntimeError(
                "A bridge is set already: agents of other users report to it, and a second one would hear their "
                "events. Pass this one to get_agent(..., bridge=...), or move to AgentInstanceFactory.scope."
            )
        self._bridge = bridge

    def get_agent(
        self,
        name: str,
        user_context: UserExecutionContext | None = None,
        *,
        user_id: str | None = None,
        thread_id: str | None = None,
        bridge: WebSocketBridge | None = None,
    ) -> LegacyAgent:
        """Return an agent for one user: of `user_context`, or of `user_id` and `thread_id`.

        Raises:
            UnknownAgent: no agent has that name.
            ValueError: no user is named. The old registry then handed out one agent shared by all.
            InvalidContext: an id is malformed or a placeholder.
        """
        _warn("AgentRegistry.get_agent", "AgentInstanceFactory.scope")
        return self._handle(name, user_context, user_id, thread_id, bridge)

    def create_agent_for_user(
        self,
        user_id: str,
        name: str,
        thread_id: str,
        *,
        bridge: WebSocketBridge | None = None,
    ) -> LegacyAgent:
        """Return an agent for one user and thread.

        Raises:
            UnknownAgent: no agent has that name.
            InvalidContext: an id is malformed or a placeholder.
        """
        _warn("AgentRegistry.create_agent_for_user", "AgentInstanceFactory.scope")
        return self._handle(name, None, user_id, thread_id, bridge)

    def reset_all_agents(self) -> Mapping[str, int]:
        """Do nothing: every execution starts afresh. Returns how many agents were reset, which is none."""
        _warn("AgentRegistry.reset_all_agents", "nothing: each AgentInstanceFactory.scope is fresh")
        return {"reset": 0}

    def _handle(
        self,
        name: str,
        context: UserExecutionContext | None,
        user_id: str | None,
        thread_id: str | None,
        bridge: WebSocketBridge | None,
    ) -> LegacyAgent:
        self._factory.registry.get(name)
        if context is None:
            if user_id is None or thread_id is None:
                raise ValueError(
                    f"Agent {name!r} was asked for without a user: it would be shared by everybody who does so. "
                    "Pass user_context, or user_id and thread_id."
                )
            context = UserExecutionContext.for_request(user_id=user_id, thread_id=thread_id)
        elif (user_id or context.user_id, thread_id or context.thread_id) != (
            context.user_id,
            context.thread_id,
        ):
            raise ValueError("user_context names another user or thread than user_id and thread_id. Pass one.")
        return LegacyAgent(self._factory, name, context, bridge or self._bridge)


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} is deprecated. Use {new}.", DeprecationWarning, stacklevel=3)
