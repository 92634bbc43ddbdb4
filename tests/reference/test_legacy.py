"""Truths of the legacy AgentRegistry: MIG-1."""

from __future__ import annotations

import asyncio
import json

import pytest

from reference_impl.agents import NarratorAgent
from reference_impl.app import Backend
from reference_impl.context import InvalidContext, UserExecutionContext
from reference_impl.hub import Frame
from reference_impl.legacy import AgentRegistry
from reference_impl.registry import RegistryFrozen, UnknownAgent

pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Bridge:
    """Remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []

    async def send_event(self, frame: Frame) -> None:
        """Remember."""
        self.heard.append(frame)
        await asyncio.sleep(0)


async def test_the_old_api_still_works(backend: Backend) -> None:
    """Agents are listed, handed out for a user, and do that user's work."""
    old = AgentRegistry(backend.factory)
    assert ["notebook", "narrator", "faulty"] == old.list_agents()
    await old.create_agent_for_user("alice", "notebook", "t").execute("remember: mine")
    context = UserExecutionContext.for_request(user_id="alice", thread_id="t")
    assert "mine" == await old.get_agent("notebook", context).execute("recall: mine")
    assert "" == await old.get_agent("notebook", user_id="bob", thread_id="t").execute("recall: mine")
    assert {"reset": 0} == old.reset_all_agents()
    assert 0 == backend.factory.held()["scopes"]


async def test_every_call_warns_and_names_what_to_use(backend: Backend) -> None:
    """No use of the old API goes unnoticed."""
    with pytest.warns(DeprecationWarning, match="AgentClassRegistry and AgentInstanceFactory"):
        old = AgentRegistry(backend.factory)
    with pytest.warns(DeprecationWarning, match=r"AgentInstanceFactory\.scope"):
        old.get_agent("notebook", user_id="alice", thread_id="t")
    with pytest.warns(DeprecationWarning, match=r"AgentInstanceFactory\.scope"):
        old.create_agent_for_user("alice", "notebook", "t")
    with pytest.warns(DeprecationWarning, match=r"AgentClassRegistry\.names"):
        old.list_agents()
    with pytest.warns(DeprecationWarning, match="UserWebSocketEmitter"):
        old.set_websocket_bridge(None)
    with pytest.warns(DeprecationWarning, match="fresh"):
        old.reset_all_agents()
    with (
        pytest.warns(DeprecationWarning, match=r"AgentClassRegistry\.register"),
        pytest.raises(RegistryFrozen),
    ):
        old.register("late", NarratorAgent)


async def test_without_a_user_there_is_no_agent(backend: Backend) -> None:
    """What the old registry shared among all who named nobody is refused."""
    old = AgentRegistry(backend.factory)
    with pytest.raises(ValueError, match="without a user"):
        old.get_agent("notebook")
    with pytest.raises(ValueError, match="another user"):
        context = UserExecutionContext.for_request(user_id="alice", thread_id="t")
        old.get_agent("notebook", context, user_id="bob")
    with pytest.raises(InvalidContext):
        old.create_agent_for_user("system", "notebook", "t")
    with pytest.raises(UnknownAgent):
        old.get_agent("nobody", user_id="alice", thread_id="t")


async def test_a_bridge_hears_each_event_with_its_user_and_cannot_be_retargeted(backend: Backend) -> None:
    """Each event names its owner; a caller's own bridge hears that caller only."""
    old, shared, own = AgentRegistry(backend.factory), Bridge(), Bridge()
    old.set_websocket_bridge(shared)
    with pytest.raises(RuntimeError, match="set already"):
        old.set_websocket_bridge(own)
    await asyncio.gather(
        old.create_agent_for_user("alice", "narrator", "t").execute("alice alice"),
        old.create_agent_for_user("bob", "narrator", "t").execute("bob bob"),
        old.create_agent_for_user("carol", "narrator", "t", bridge=own).execute("carol carol"),
    )
    thoughts = [frame for frame in shared.heard + own.heard if frame.type == "agent_thinking"]
    assert 6 == len(thoughts)
    assert [] == [frame for frame in thoughts if frame.user != json.loads(frame.payload)["text"]]
    assert ({"alice", "bob"}, {"carol"}) == tuple({f.user for f in b.heard} for b in (shared, own))
