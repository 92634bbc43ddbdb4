"""Planted bugs of section A, in what makes a request: registry, contexts, keys. Killed by examining the parts.

Each class is the reference with one rule of it broken; what is overridden is the bug.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from harness.mutants.subject import mutant
from reference_impl.agents import DEFAULT_AGENTS, Agent, NarratorAgent
from reference_impl.app import Parts
from reference_impl.context import PLACEHOLDERS, InvalidContext, UserExecutionContext
from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.freezing import freeze_mapping
from reference_impl.hub import Frame
from reference_impl.legacy import AgentRegistry, LegacyAgent, WebSocketBridge
from reference_impl.registry import AgentClassRegistry, AgentInfo
from reference_impl.tools import Tools

# Registry


class Prototype:
    """Stands where a class should: the one agent that everybody is given, turned to whoever asked last."""

    def __init__(self, agent_class: type[Agent]) -> None:
        self._class = agent_class
        self._agent: Agent | None = None

    def __call__(self, context: UserExecutionContext, emitter: UserWebSocketEmitter, tools: Tools) -> Agent:
        """Return the one agent."""
        if self._agent is None:
            self._agent = self._class(context, emitter, tools)
        self._agent.context, self._agent.emitter, self._agent.tools = context, emitter, tools
        return self._agent


class InstanceRegistry(AgentClassRegistry):
    """Keeps an agent for each name, and hands that out."""

    def __init__(self) -> None:
        super().__init__()
        self._prototypes: dict[str, Prototype] = {}

    def _add(self, info: AgentInfo) -> None:
        super()._add(info)
        self._prototypes[info.name] = Prototype(info.agent_class)

    def get(self, name: str) -> type[Agent]:
        """Return what makes an agent, or so the caller thinks."""
        return cast("type[Agent]", self._prototypes[self.info(name).name])


class PensiveNarrator(NarratorAgent):
    """Pauses between its words, as one that asks a model does: long enough for another request to come."""

    async def execute(self, text: str) -> str:
        """Emit the words of `text` one by one and return it."""
        for word in text.split():
            await self.emitter.emit("agent_thinking", {"text": word})
            await asyncio.sleep(0.002)
        return text


class HandedOutDict(AgentClassRegistry):
    """Keeps its entries in a dict that whoever holds it can write to."""

    def _add(self, info: AgentInfo) -> None:
        super()._add(info)
        self._entries = dict(self._entries)


class TornFreeze(AgentClassRegistry):
    """Says that it is frozen first, and publishes what was registered afterwards, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._staged: list[AgentInfo] = []

    def _add(self, info: AgentInfo) -> None:
        entries = self._entries
        super()._add(info)
        self._entries = entries
        self._staged.append(info)

    def freeze(self) -> None:
        """End registration."""
        super().freeze()
        for info in self._staged:
            time.sleep(0.0005)  # widens the race: other threads read in between
            object.__setattr__(self, "_entries", MappingProxyType({**self._entries, info.name: info}))
        self._staged.clear()


# Context


class ShallowMetadata(UserExecutionContext):
    """Copies the outermost level of its metadata only."""

    __slots__ = ()

    @staticmethod
    def frozen_metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
        """Return a copy that is read-only on the surface."""
        return MappingProxyType(dict(metadata))


def shared_defaults() -> Parts:
    """Contexts whose default preferences are one dict."""
    preferences: dict[str, object] = {}

    class Defaulted(UserExecutionContext):
        __slots__ = ()

        @staticmethod
        def frozen_metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
            return MappingProxyType({**freeze_mapping(metadata), "preferences": preferences})

    return Parts(context=Defaulted)


class JoinedKey(UserExecutionContext):
    """Joins its ids with a separator that they may contain."""

    __slots__ = ()

    def key(self, *extra: str) -> str:
        """Return a key of this request."""
        return "_".join([self.user_id, self.thread_id, self.run_id, self.request_id, *extra])


class ClockKey(UserExecutionContext):
    """Names requests by the millisecond."""

    __slots__ = ()

    @classmethod
    def for_request(cls, *, request_id: str | None = None, **rest: Any) -> UserExecutionContext:
        """Make the context of a new request."""
        return super().for_request(request_id=request_id or f"request-{time.time_ns() // 1_000_000}", **rest)


class FallbackContext(UserExecutionContext):
    """Takes whatever it is given, and a missing user for the system's."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Fill in what is missing."""
        object.__setattr__(self, "user_id", self.user_id or "system")
        object.__setattr__(self, "metadata", self.frozen_metadata(self.metadata))


class SuspiciousContext(UserExecutionContext):
    """Refuses every user whose id contains a placeholder, such as `default_user`."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Validate, and too much."""
        UserExecutionContext.__post_init__(self)
        if found := [word for word in PLACEHOLDERS if word in self.user_id.casefold()]:
            raise InvalidContext((f"user_id contains {found[0]}, which is a placeholder",))


# Legacy


class CurrentBridge:
    """Sends to whatever bridge its registry was given last."""

    def __init__(self, current: Callable[[], WebSocketBridge]) -> None:
        self._current = current

    async def send_event(self, frame: Frame) -> None:
        """Deliver to the bridge of now, not of then."""
        await self._current().send_event(frame)


class GlobalBridgeRegistry(AgentRegistry):
    """One bridge for all agents: that of the latest caller."""

    def set_websocket_bridge(self, bridge: WebSocketBridge | None) -> None:
        """Replace the bridge, whoever uses it."""
        self._bridge = None
        super().set_websocket_bridge(bridge)

    def _handle(
        self,
        name: str,
        context: UserExecutionContext | None,
        user_id: str | None,
        thread_id: str | None,
        bridge: WebSocketBridge | None,
    ) -> LegacyAgent:
        self._bridge = bridge or self._bridge
        current = CurrentBridge(lambda: cast("WebSocketBridge", self._bridge)) if self._bridge else None
        return super()._handle(name, context, user_id, thread_id, current)


class SilentRegistry(AgentRegistry):
    """Works, and warns of nothing."""

    def __getattribute__(self, name: str) -> Any:
        """Return the attribute, wrapped so that its warnings vanish."""
        found = super().__getattribute__(name)
        return found if name.startswith("_") or not callable(found) else partial(_silenced, found)


class ChangedRegistry(AgentRegistry):
    """Wants a context where it used to take a user and a thread."""

    def create_agent_for_user(
        self,
        user_id: str | UserExecutionContext,
        name: str,
        thread_id: str = "",
        *,
        bridge: WebSocketBridge | None = None,
    ) -> LegacyAgent:
        """Return an agent for a context.

        Raises:
            TypeError: it was called as it used to be.
        """
        warnings.warn("create_agent_for_user is deprecated. Use AgentInstanceFactory.", DeprecationWarning, 2)
        if isinstance(user_id, str):
            raise TypeError(f"create_agent_for_user takes a context by now, and not the user {user_id!r}. Pass one.")
        return self._handle(name, user_id, None, None, bridge)


def _silenced(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return call(*arguments, **keywords)


SHARED_PARTS = (
    mutant(
        "shared-agent",
        "A1",
        "immutability",
        "the registry keeps one agent instance per name and turns it to whoever asked last",
        shows_on="parts",
        parts=lambda: Parts(registry=InstanceRegistry, agents={**DEFAULT_AGENTS, "narrator": PensiveNarrator}),
    ),
    mutant(
        "handed-out-dict",
        "A14",
        "immutability",
        "a frozen registry keeps its entries in a dict that can be written to",
        shows_on="parts",
        parts=lambda: Parts(registry=HandedOutDict),
    ),
    mutant(
        "torn-freeze",
        "A14",
        "agreement",
        "the registry says that it is frozen before it has published what was registered",
        shows_on="parts",
        parts=lambda: Parts(registry=TornFreeze),
    ),
    mutant(
        "shallow-metadata",
        "A5",
        "immutability",
        "metadata is copied shallowly, so that a child's nested state is its parent's",
        shows_on="parts",
        parts=lambda: Parts(context=ShallowMetadata),
    ),
    mutant(
        "shared-defaults",
        "A4",
        "aliasing",
        "the contexts of all users hold one nested dict of default preferences",
        shows_on="limits",
        parts=shared_defaults,
    ),
    mutant(
        "joined-keys",
        "A7",
        "identity",
        "keys are joined with a separator that the parts may contain",
        shows_on="parts",
        parts=lambda: Parts(context=JoinedKey),
    ),
    mutant(
        "clock-keys",
        "A8",
        "identity",
        "requests are named by the millisecond in which they are made",
        shows_on="parts",
        parts=lambda: Parts(context=ClockKey),
    ),
    mutant(
        "fallback-identity",
        "A15",
        "identity",
        "a context without a user falls back to one that everybody shares, and nothing is validated",
        shows_on="parts",
        parts=lambda: Parts(context=FallbackContext),
    ),
    mutant(
        "suspicious-identity",
        "A15",
        "identity",
        "every id that contains a placeholder is refused, such as the user default_user",
        shows_on="parts",
        parts=lambda: Parts(context=SuspiciousContext),
    ),
    mutant(
        "global-bridge",
        "A1",
        "migration",
        "the legacy registry sends every agent's events to the bridge that was set last",
        shows_on="parts",
        legacy=GlobalBridgeRegistry,
    ),
    mutant(
        "silent-legacy",
        "",
        "migration",
        "the legacy registry works and does not warn, so that nobody moves away from it",
        shows_on="parts",
        legacy=SilentRegistry,
    ),
    mutant(
        "changed-legacy",
        "",
        "migration",
        "a call of the legacy registry wants other arguments than its callers give",
        shows_on="parts",
        legacy=ChangedRegistry,
    ),
)
"""Planted bugs that show when the parts are examined on their own."""
