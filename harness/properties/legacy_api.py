"""The legacy API, used as its callers did: PROBE events say whether it works, warns, and keeps users apart."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from harness.history.canary import Canaries
from harness.history.model import EventKind, user_id
from harness.history.probes import LEGACY_CALL, LEGACY_EVENT
from harness.history.recorder import Recorder
from harness.performing.components import Components

REPLACEMENTS = MappingProxyType(
    {
        "register": "AgentClassRegistry",
        "list_agents": "AgentClassRegistry",
        "set_websocket_bridge": "UserWebSocketEmitter",
        "get_agent": "AgentInstanceFactory",
        "create_agent_for_user": "AgentInstanceFactory",
        "reset_all_agents": "AgentInstanceFactory",
    }
)
"""What a warning of each legacy call must name."""


ROUNDS = 5
"""How often two users, new ones each time, work at once."""


class _Bridge:
    """An old bridge: hears of events, each with the user it is said to be for."""

    def __init__(self, heard: Callable[[str, str], None], listener: str = "") -> None:
        self._heard = heard
        self._listener = listener

    async def send_event(self, frame: Any) -> None:
        self._heard(json.dumps(dict(frame.data)), self._listener or frame.user)


class LegacyProbe:
    """Examines the legacy API of one target.

    Args:
        components: with or without a `legacy`.
        recorder: where the PROBE events go.
        seed: of the canaries.
    """

    def __init__(self, components: Components, recorder: Recorder, seed: int) -> None:
        self._components = components
        self._recorder = recorder
        self._canaries = Canaries(seed)

    async def run(self) -> None:
        """Make every call, then let two users work at once, with a bridge in common and with bridges of their own."""
        if self._components.legacy is None:
            return
        async with self._components.legacy() as registry:
            for name, agent in self._components.agents.items():
                self._call(registry, "register", name, agent)
            self._call(registry, "list_agents")
            self._call(registry, "set_websocket_bridge", _Bridge(self._heard))
            for number in range(ROUNDS):
                await self._two_users(registry, number)
            self._call(registry, "reset_all_agents")

    async def _two_users(self, registry: Any, rounds: int) -> None:
        users = {user_id(number): number for number in range(2 * rounds, 2 * rounds + 2)}
        agents = [
            self._call(registry, "get_agent", "narrator", user_id=user, thread_id=f"thread of {user}") for user in users
        ]
        agents += [
            self._call(registry, "create_agent_for_user", user, "narrator", f"thread of {user}") for user in users
        ]
        for user in users:
            own = _Bridge(self._heard, user)
            place = f"own of {user}"
            agents.append(self._call(registry, "get_agent", "narrator", user_id=user, thread_id=place, bridge=own))
        texts = [f"tell of {self._canaries.mint(number)} slowly" for _ in range(3) for number in users.values()]
        made = [(agent, text) for agent, text in zip(agents, texts, strict=True) if agent is not None]
        results = await asyncio.gather(*(agent.execute(text) for agent, text in made), return_exceptions=True)
        works = list(results) == texts
        value = {"call": "execute", "works": works, "warning": None, "replacement": None}
        self._recorder.record(EventKind.PROBE, LEGACY_CALL, value)

    def _heard(self, text: str, observer: str) -> None:
        for mark in self._canaries.find(text):
            self._recorder.record(EventKind.PROBE, LEGACY_EVENT, {"owner": mark.owner, "observer": observer})

    def _call(self, registry: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
        answer, error = None, ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                answer = getattr(registry, name)(*arguments, **keywords)
            except Exception as raised:
                error = repr(raised)
        said = " ".join(str(item.message) for item in caught if issubclass(item.category, DeprecationWarning))
        value = {"call": name, "works": not error, "warning": said, "replacement": REPLACEMENTS[name], "error": error}
        self._recorder.record(EventKind.PROBE, LEGACY_CALL, value)
        return answer
