"""Truths of AgentInstanceFactory: FAC-1, FAC-2, FAC-3."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reference_impl.app import Backend
from reference_impl.context import InvalidContext
from reference_impl.emitter import ScopeClosed
from reference_impl.registry import UnknownAgent
from reference_impl.slots import Limits, Slots, TooManyRuns

pytestmark = pytest.mark.asyncio
NOTHING = {"scopes": 0, "slots": 0, "waiting": 0, "sessions": 0, "emitters": 0}


async def test_everything_is_fresh_per_request(backend: Backend) -> None:
    """Two scopes of one user share no object, and each is counted while it is open."""
    ask = {"user_id": "alice", "thread_id": "t"}
    async with (
        backend.factory.scope("notebook", **ask) as one,
        backend.factory.scope("notebook", **ask) as two,
    ):
        for name in ("agent", "context", "emitter", "session", "tools"):
            assert getattr(one, name) is not getattr(two, name)
        assert one.context.request_id != two.context.request_id
        assert one.context.db_session is one.session
        assert {"scopes": 2, "slots": 2, "waiting": 0, "sessions": 2, "emitters": 2} == dict(backend.factory.held())
        assert {one, two} == set(backend.factory.live_scopes())
    assert NOTHING == backend.factory.held()


async def test_success_commits_and_failure_rolls_back(backend: Backend) -> None:
    """A scope's writes are kept when its body returns, and none of them when it raises."""
    async with backend.factory.scope("notebook", user_id="alice", thread_id="t") as scope:
        await scope.agent.execute("remember: kept | too")
    with pytest.raises(ZeroDivisionError):
        async with backend.factory.scope("notebook", user_id="alice", thread_id="t") as scope:
            await scope.agent.execute("remember: lost")
            raise ZeroDivisionError
    assert ["kept", "too"] == [note.text for note in await backend.service.list_notes("alice", None)]
    assert NOTHING == backend.factory.held()


async def test_an_agent_that_outlives_its_scope_can_do_nothing(backend: Backend) -> None:
    """After the scope, emitter and tools raise, and nothing is emitted or written."""
    async with backend.factory.scope("notebook", user_id="alice", thread_id="t") as scope:
        pass
    for late in (scope.emitter.emit("agent_thinking"), scope.agent.execute("remember: late")):
        with pytest.raises(ScopeClosed):
            await late
    scope.emitter.close()
    assert [] == await backend.service.list_notes("alice", None)
    assert NOTHING == backend.factory.held()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"agent_name": "nobody"}, UnknownAgent),
        ({"user_id": "none"}, InvalidContext),
        ({"metadata": {"a": object()}}, TypeError),
    ],
)
async def test_a_refused_request_holds_nothing(
    backend: Backend, change: dict[str, Any], error: type[Exception]
) -> None:
    """A request that cannot begin leaves nothing behind; a ticket stays with whoever took it."""
    ask: dict[str, Any] = {"agent_name": "notebook", "user_id": "alice", "thread_id": "t"} | change
    with pytest.raises(error):
        async with backend.factory.scope(**ask):
            pass
    assert NOTHING == backend.factory.held()
    ticket = backend.factory.take_slot("alice")
    with pytest.raises(error):
        async with backend.factory.scope(**ask, ticket=ticket):
            pass
    assert 1 == backend.factory.held()["slots"]
    backend.factory.release_slot(ticket)
    assert NOTHING == backend.factory.held()


@pytest.mark.parametrize("again", [0, 1, 3])
@pytest.mark.parametrize("text", ["remember: a | b", "recall: a"])
async def test_cancellation_at_every_await_releases_everything(
    backend: Backend, cancelled_at: Any, text: str, again: int
) -> None:
    """Wherever a request is cancelled, and however often in a row, nothing stays held or half written."""

    async def request() -> None:
        async with backend.factory.scope("notebook", user_id="alice", thread_id="t") as scope:
            await scope.agent.execute(text)

    for step in range(1, 200):
        before = len(await backend.service.list_notes("alice", None))
        driven = cancelled_at(request(), step, again)
        task = asyncio.ensure_future(_awaited(driven))
        await asyncio.wait({task})
        after = len(await backend.service.list_notes("alice", None))
        assert NOTHING == backend.factory.held(), f"cancelled at step {step}"
        assert after - before in (0, 2), f"cancelled at step {step}"
        if not driven.reached:
            break
    assert not driven.reached
    assert step >= 4


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


async def test_limits_are_per_user_and_first_come_first_served(backend: Backend) -> None:
    """The fourth run of a user waits, its turn comes in order, and another user is not held up."""
    order: list[int] = []
    leave = [asyncio.Event() for _ in range(6)]
    inside = [asyncio.Event() for _ in range(6)]

    async def run(number: int) -> None:
        async with backend.factory.scope("narrator", user_id="alice", thread_id="t"):
            order.append(number)
            inside[number].set()
            await leave[number].wait()

    tasks = [asyncio.create_task(run(number)) for number in range(6)]
    await asyncio.gather(*(inside[number].wait() for number in range(3)))
    assert (3, 3) == (backend.factory.held()["slots"], backend.factory.held()["waiting"])
    async with backend.factory.scope("narrator", user_id="bob", thread_id="t"):
        assert 4 == backend.factory.held()["slots"]
    tasks[3].cancel()
    leave[0].set()
    await inside[4].wait()
    leave[1].set()
    await inside[5].wait()
    for event in leave:
        event.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [4, 5] == order[3:]
    assert (NOTHING, 0) == (backend.factory.held(), backend.factory.slots.users)


async def test_a_full_line_refuses_and_leaves_no_trace() -> None:
    """Beyond the places in line a ticket is refused; released tickets leave nothing behind."""
    slots = Slots(Limits(runs_per_user=1, waiting_per_user=1))
    first, second = slots.take("alice"), slots.take("alice")
    with pytest.raises(TooManyRuns, match="1 runs are at work and 1 are waiting"):
        slots.take("alice")
    other = slots.take("bob")
    assert (True, False, True) == (first.is_granted, second.is_granted, other.is_granted)
    for _ in range(2):
        slots.release(first)
    assert (True, 2) == (second.is_granted, slots.running)
    for ticket in (second, other, second, other):
        slots.release(ticket)
    assert (0, 0, 0) == (slots.running, slots.waiting, slots.users)


async def test_limits_that_let_nobody_run_are_refused() -> None:
    """A limit of no runs is a mistake."""
    for wrong in ({"runs_per_user": 0}, {"waiting_per_user": -1}):
        with pytest.raises(ValueError, match="nobody run"):
            Limits(**wrong)
