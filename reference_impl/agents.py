"""The agents: what a user asks to be done. Small and real, without a network or a model.

Rules:
- An agent is made anew for each request and keeps whatever it needs on itself; nothing is on its class.
- It reaches the world through its emitter and tools only; both are its request's own.
- It can be cancelled at any await.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from reference_impl.context import UserExecutionContext
from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.tools import Tools


class AgentFailed(Exception):
    """An agent could not do what its user asked; the message is for that user."""


class Agent(ABC):
    """One agent at work for one request."""

    def __init__(self, context: UserExecutionContext, emitter: UserWebSocketEmitter, tools: Tools) -> None:
        """Bind to one request; the factory is the only caller."""
        self.context = context
        self.emitter = emitter
        self.tools = tools

    @abstractmethod
    async def execute(self, text: str) -> str:
        """Do what `text` asks and return the result for its user.

        Raises:
            AgentFailed: it cannot be done.
        """


class NotebookAgent(Agent):
    """Keeps notes: `remember: X | Y` writes each part as a note, `recall: X` finds those containing X."""

    async def execute(self, text: str) -> str:
        """Remember or recall.

        Raises:
            AgentFailed: the text is neither.
        """
        verb, argument = _split(text)
        if verb == "remember":
            return await self._remember(argument)
        if verb == "recall":
            return "\n".join(await self.tools.find_notes(argument))
        raise AgentFailed("The notebook was asked neither to remember nor to recall. Write 'remember: X | Y'.")

    async def _remember(self, argument: str) -> str:
        parts = [part for part in (part.strip() for part in argument.split("|")) if part]
        for part in parts:
            await self.tools.write_note(part)
            await asyncio.sleep(0)  # two users' runs interleave between parts, as they would around a model call
        return f"remembered {len(parts)}"


class NarratorAgent(Agent):
    """Thinks aloud: one agent_thinking event per word; the result is the text itself."""

    async def execute(self, text: str) -> str:
        """Emit the words of `text` one by one and return it."""
        for word in text.split():
            await self.emitter.emit("agent_thinking", {"text": word})
            await asyncio.sleep(0)
        return text


class FaultyAgent(Agent):
    """Goes wrong on demand: `fail: T` writes note T and then fails, `stall: T` thinks T and never ends."""

    async def execute(self, text: str) -> str:
        """Fail or stall.

        Raises:
            AgentFailed: always, unless it stalls.
        """
        verb, argument = _split(text)
        if verb == "stall":
            await self.emitter.emit("agent_thinking", {"text": argument})
            await asyncio.get_running_loop().create_future()  # never done: waits until cancelled
        if verb == "fail":
            await self.tools.write_note(argument)
            await asyncio.sleep(0)
            raise AgentFailed(f"failed as asked: {argument}")
        raise AgentFailed("The faulty agent was asked neither to fail nor to stall. Write 'fail: T'.")


def _split(text: str) -> tuple[str, str]:
    verb, _, argument = text.partition(":")
    return verb.strip().casefold(), argument.strip()


DEFAULT_AGENTS: Mapping[str, type[Agent]] = MappingProxyType(
    {"notebook": NotebookAgent, "narrator": NarratorAgent, "faulty": FaultyAgent}
)
"""The agents an app registers unless told otherwise, by name."""
