"""Truths of ExecutionEngine: FAC-2, EVT-2, SES-3, ERR-1."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from reference_impl.agents import DEFAULT_AGENTS, Agent
from reference_impl.app import Backend, Parts, Settings
from reference_impl.engine import Execution, ExecutionEngine, ShuttingDown
from reference_impl.hub import Connection
from reference_impl.repository import NotFound
from reference_impl.slots import TooManyRuns
from reference_impl.storage import RequestSession, Storage

pytestmark = pytest.mark.asyncio


class Watched:
    """One user's thread, followed by one device."""

    def __init__(self, backend: Backend, user: str, thread: str, connection: Connection) -> None:
        self.backend, self.user, self.thread, self.connection = backend, user, thread, connection

    async def submit(self, agent: str, text: str) -> str:
        row = await self.backend.engine.submit(user_id=self.user, thread_id=self.thread, agent=agent, text=text)
        return row.id

    async def frames(self, until: tuple[str, ...] = ("agent_completed", "agent_error")) -> list[Any]:
        found: list[Any] = []
        while not found or found[-1]["type"] not in until:
            found.append(json.loads(await self.connection.next()))
        return found

    async def texts(self) -> list[str]:
        return [note.text for note in await self.backend.service.list_notes(self.user, None)]


async def watched(backend: Backend, user: str = "alice") -> Watched:
    thread = (await backend.service.add_thread(user, "t")).id
    connection = backend.hub.attach(user)
    await backend.hub.catch_up(backend.hub.begin_follow(connection, thread), {})
    return Watched(backend, user, thread, connection)


async def idle(backend: Backend) -> None:
    """Wait until the engine has no task left."""
    while tasks := backend.engine._tasks():
        await asyncio.wait(tasks)


async def ended(backend: Backend, *devices: Watched) -> None:
    await idle(backend)
    for one in devices:
        backend.hub.detach(one.connection)


async def test_a_completed_run_is_committed_before_it_is_announced(backend: Backend) -> None:
    """When agent_completed arrives, notes, status and events are stored, and equal what was pushed."""
    alice = await watched(backend)
    run = await alice.submit("notebook", "remember: a | b")
    pushed = await alice.frames()
    view = await backend.service.get_run("alice", run)
    assert ("completed", "remembered 2", None) == (view.status, view.result, view.error)
    assert ["a", "b"] == await alice.texts()
    stored = [frame.model_dump() for frame in await backend.service.run_events("alice", run, -1)]
    assert pushed == stored
    assert list(range(6)) == [frame["seq"] for frame in stored]
    await ended(backend, alice)


async def test_a_failed_run_leaves_no_partial_write(backend: Backend) -> None:
    """The note written before the failure is gone; the failure and its events are recorded."""
    alice = await watched(backend)
    run = await alice.submit("faulty", "fail: mark")
    error = (await alice.frames())[-1]
    assert {"error": "AgentFailed", "message": "failed as asked: mark"} == error["data"]
    view = await backend.service.get_run("alice", run)
    assert ("failed", "failed as asked: mark", []) == (view.status, view.error, await alice.texts())
    assert 4 == len(await backend.service.run_events("alice", run, -1))
    await ended(backend, alice)


async def test_a_cancelled_run_is_recorded_and_disturbs_nobody(backend: Backend) -> None:
    """Cancelling alice's run ends it as cancelled; bob's goes on; another user cannot cancel it."""
    alice, bob = await watched(backend), await watched(backend, "bob")
    run = await alice.submit("faulty", "stall: x")
    await alice.frames(("agent_thinking",))
    theirs = await bob.submit("faulty", "stall: y")
    await bob.frames(("agent_thinking",))
    assert not await backend.engine.cancel("bob", run)
    assert await backend.engine.cancel("alice", run)
    assert "Cancelled" == (await alice.frames())[-1]["data"]["error"]
    assert "cancelled" == (await backend.service.get_run("alice", run)).status
    assert "accepted" == (await backend.service.get_run("bob", theirs)).status
    await backend.engine.cancel("bob", theirs)
    assert not await backend.engine.cancel("alice", run)
    await ended(backend, alice, bob)


async def test_a_waiting_run_can_be_cancelled(backend: Backend) -> None:
    """A run that never got its slot is recorded too, with one event, and the line moves on."""
    alice = await watched(backend)
    stalled = [await alice.submit("faulty", "stall: x") for _ in range(3)]
    waiting = await alice.submit("narrator", "never said")
    assert 1 == backend.held()["waiting"]
    await backend.engine.cancel("alice", waiting)
    assert "cancelled" == (await backend.service.get_run("alice", waiting)).status
    events = await backend.service.run_events("alice", waiting, -1)
    assert [(0, "agent_error")] == [(event.seq, event.type) for event in events]
    for run in stalled:
        await backend.engine.cancel("alice", run)
    await ended(backend, alice)


async def test_a_run_that_takes_too_long_is_timed_out(settings: Settings) -> None:
    """The limit ends the run as timed out, and the message says so."""
    quick = Backend(dataclasses.replace(settings, run_timeout_s=0.01))
    async with quick.running():
        alice = await watched(quick)
        run = await alice.submit("faulty", "stall: x")
        assert "TimedOut" == (await alice.frames())[-1]["data"]["error"]
        assert "timed out" == (await quick.service.get_run("alice", run)).status
        await ended(quick, alice)


async def test_a_flood_is_refused_before_it_is_accepted(settings: Settings) -> None:
    """Beyond slots and places a run is refused and leaves no row; another user is not held up."""
    small = Backend(dataclasses.replace(settings, runs_per_user=1, waiting_per_user=1, drain_s=0))
    async with small.running():
        alice, bob = await watched(small), await watched(small, "bob")
        asked = await asyncio.gather(*(alice.submit("faulty", "stall: x") for _ in range(5)), return_exceptions=True)
        assert 3 == sum(isinstance(answer, TooManyRuns) for answer in asked)
        assert 2 == len(await small.service.list_runs("alice", alice.thread))
        await bob.submit("narrator", "hello")
        assert "agent_completed" == (await bob.frames())[-1]["type"]
    assert dict.fromkeys(small.engine.held(), 0) == dict(small.engine.held())


async def test_shutdown_records_every_accepted_run(settings: Settings) -> None:
    """At work, waiting or being accepted: each run that was accepted has ended, and no more are accepted."""
    first = Backend(dataclasses.replace(settings, drain_s=0))
    async with first.running():
        alice = await watched(first)
        submitting = [asyncio.create_task(alice.submit("faulty", "stall: x")) for _ in range(8)]
        await asyncio.wait(submitting[:1])
    answers = await asyncio.gather(*submitting, return_exceptions=True)
    with pytest.raises(ShuttingDown):
        await alice.submit("narrator", "late")
    again = Backend(settings)
    async with again.running():
        views = await again.service.list_runs("alice", alice.thread)
        accepted = {answer for answer in answers if isinstance(answer, str)}
        assert accepted == {view.id for view in views}
        assert {"interrupted"} == {view.status for view in views}


async def test_what_a_crash_left_is_marked_at_the_next_start(settings: Settings) -> None:
    """A row that stayed accepted becomes interrupted, with an event that says so."""
    crashed = Backend(settings)
    await crashed.storage.create()
    thread = (await crashed.service.add_thread("alice", "t")).id
    async with crashed.storage.session() as session:
        run = crashed.storage.repository(session, "alice").add_run(thread, "notebook").id
    await crashed.storage.dispose()
    again = Backend(settings)
    async with again.running():
        assert "interrupted" == (await again.service.get_run("alice", run)).status
        assert 1 == len(await again.service.run_events("alice", run, -1))
        assert dict.fromkeys(again.held(), 0) == dict(again.held())


async def test_a_foreign_thread_is_no_thread(backend: Backend) -> None:
    """A run in another's thread is refused like one in a thread that does not exist, and holds nothing."""
    alice = await watched(backend)
    for thread in (alice.thread, "0" * 32):
        with pytest.raises(NotFound, match="no such thread"):
            await backend.engine.submit(user_id="bob", thread_id=thread, agent="narrator", text="x")
    assert dict.fromkeys(backend.engine.held(), 0) == dict(backend.engine.held())
    await ended(backend, alice)


@pytest.mark.parametrize("again", [0, 2])
async def test_cancelling_submit_leaves_no_row_without_an_end(backend: Backend, cancelled_at: Any, again: int) -> None:
    """Wherever the client goes away, a run was either never accepted, or it is executed to its end."""
    alice = await watched(backend)
    for step in range(1, 50):
        driven = cancelled_at(alice.submit("notebook", f"remember: {step}"), step, again)

        async def drive(driven: Any = driven) -> None:
            await driven

        await asyncio.wait({asyncio.ensure_future(drive())})
        await idle(backend)
        if not driven.reached:
            break
    views = await backend.service.list_runs("alice", alice.thread)
    assert {"completed"} == {view.status for view in views}
    assert len(views) == len(await alice.texts())
    await ended(backend, alice)


@pytest.mark.parametrize("delay", range(0, 40, 2))
async def test_a_run_cancelled_at_any_moment_is_whole_or_absent(backend: Backend, delay: int) -> None:
    """Completed with its note, or cancelled without it; one last event, and gap-free numbers."""
    alice = await watched(backend)
    run = await alice.submit("notebook", "remember: mark")
    for _ in range(delay):
        await asyncio.sleep(0)
    await backend.engine.cancel("alice", run)
    view, frames = await backend.service.get_run("alice", run), await alice.frames()
    assert (view.status, await alice.texts()) in [("completed", ["mark"]), ("cancelled", [])]
    assert list(range(len(frames))) == [frame["seq"] for frame in frames]
    assert frames == [frame.model_dump() for frame in await backend.service.run_events("alice", run, -1)]
    await ended(backend, alice)


@pytest.mark.parametrize("again", [0, 2])
@pytest.mark.parametrize("text", ["remember: mark", "recall: mark"])
async def test_a_run_cancelled_at_every_await_is_whole_or_absent(
    settings: Settings, cancelled_at: Any, text: str, again: int
) -> None:
    """At each await of a run: completed with its note, or cancelled without it, and its events agree."""
    steps: list[Any] = []

    class Cancelled(ExecutionEngine):
        async def _work(self, execution: Execution) -> None:
            steps.append(cancelled_at(super()._work(execution), len(steps) + 1, again))
            await steps[-1]

    backend = Backend(settings, Parts(engine=Cancelled))
    async with backend.running():
        alice = await watched(backend)
        while not steps or steps[-1].reached:
            before = len(await alice.texts())
            run = await alice.submit("notebook", text)
            frames = await alice.frames()
            await idle(backend)
            view, written = await backend.service.get_run("alice", run), len(await alice.texts()) - before
            whole = 1 if text.startswith("remember") else 0
            assert (view.status, written) in [("completed", whole), ("cancelled", 0)]
            ends = {"completed": "agent_completed", "cancelled": "agent_error"}
            assert ends[view.status] == frames[-1]["type"]
            stored = [frame.model_dump() for frame in await backend.service.run_events("alice", run, -1)]
            assert frames == stored
            assert dict.fromkeys(backend.engine.held(), 0) == dict(backend.engine.held())
        assert len(steps) >= 4
        await ended(backend, alice)


async def test_nothing_is_announced_before_its_commit(settings: Settings) -> None:
    """While the last transaction commits, neither completion nor failure has been pushed to anybody."""
    queued: list[str] = []

    class Watching(RequestSession):
        async def commit(self) -> None:
            has_work = self.in_transaction()
            await super().commit()
            if has_work:
                queued.extend(text for one in made.hub.connections("alice") for text in one._queue)

    class WatchedStorage(Storage):
        def make_session(self) -> AsyncSession:
            return Watching(self._engine, self._places, self._turn)

    made = Backend(settings, Parts(storage=WatchedStorage))
    async with made.running():
        alice = await watched(made)
        for agent, text in (("notebook", "remember: a"), ("faulty", "fail: b")):
            await alice.submit(agent, text)
            await idle(made)
            assert [] == [text for text in queued if "agent_completed" in text or "agent_error" in text]
            await alice.frames()
            queued.clear()
        await ended(made, alice)


class Clinging(Agent):
    """An agent that leaves a task behind, and catches its first cancellation."""

    async def execute(self, text: str) -> str:
        """Go on after the first cancellation."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.get_running_loop().create_future()
        return text


async def test_an_agent_that_clings_to_life_is_stopped_at_shutdown(settings: Settings) -> None:
    """Drain asks again until the run has ended, and records it."""
    parts = Parts(agents={**DEFAULT_AGENTS, "clinging": Clinging})
    stubborn = Backend(dataclasses.replace(settings, drain_s=0), parts)
    async with stubborn.running():
        alice = await watched(stubborn)
        await alice.submit("clinging", "x")
        await alice.frames(("agent_started",))
    assert "agent_error" == json.loads((await _last(settings, alice.thread))[-1])["type"]


async def _last(settings: Settings, thread: str) -> list[str]:
    again = Backend(settings)
    async with again.running():
        return [frame.to_json() async for frame in again.service.stored_frames("alice", thread)]
