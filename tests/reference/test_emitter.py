"""Truths of UserWebSocketEmitter and ConnectionHub: EVT-1, EVT-2, EVT-3."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impl.context import UserExecutionContext
from reference_impl.emitter import EVENT_TYPES, ScopeClosed, UserWebSocketEmitter
from reference_impl.hub import Connection, ConnectionClosed, ConnectionHub


def emitter(hub: ConnectionHub, user: str = "alice", thread: str = "t", run: str = "r") -> UserWebSocketEmitter:
    return UserWebSocketEmitter(hub, UserExecutionContext.for_request(user_id=user, thread_id=thread, run_id=run))


async def following(hub: ConnectionHub, user: str = "alice", thread: str = "t") -> Connection:
    connection = hub.attach(user)
    await hub.catch_up(hub.begin_follow(connection, thread), {})
    return connection


async def received(connection: Connection) -> list[Any]:
    """Take what is queued; a notice marks the end, so nothing has to be waited for."""
    connection.push('{"type": "end"}')
    frames = []
    while (frame := json.loads(await connection.next()))["type"] != "end":
        frames.append(frame)
    return frames


@pytest.mark.asyncio
async def test_a_frame_names_owner_thread_run_and_number() -> None:
    """Frames are numbered from 0 without gaps, in the order of emission."""
    hub = ConnectionHub()
    connection = await following(hub)
    voice = emitter(hub)
    for type_ in EVENT_TYPES:
        await voice.emit(type_, {"n": 1})  # type: ignore[arg-type]
    expected = [
        {"type": type_, "user": "alice", "thread": "t", "run": "r", "seq": seq, "data": {"n": 1}}
        for seq, type_ in enumerate(EVENT_TYPES)
    ]
    assert expected == await received(connection)


@pytest.mark.asyncio
async def test_only_the_owner_who_follows_receives() -> None:
    """Both devices of the owner receive; another user, thread, or a device that follows nothing do not."""
    hub = ConnectionHub()
    devices = [await following(hub), await following(hub)]
    others = [await following(hub, "bob"), await following(hub, "alice", "t2"), hub.attach("alice")]
    await emitter(hub).emit("agent_thinking")
    assert [1, 1, 0, 0, 0] == [len(await received(one)) for one in devices + others]


@pytest.mark.asyncio
@pytest.mark.parametrize(("owner", "observer"), [(("u", "1_t"), ("u_1", "t")), (("a:b", "c"), ("a", "b:c"))])
async def test_names_with_separators_never_meet(owner: tuple[str, str], observer: tuple[str, str]) -> None:
    """Routes of different users never coincide, whatever the names contain."""
    hub = ConnectionHub()
    connection = await following(hub, *observer)
    await emitter(hub, *owner).emit("agent_thinking")
    assert [] == await received(connection)


def test_connections_come_in_the_order_in_which_they_were_opened() -> None:
    """Whoever walks them does the same in each run, whatever their addresses are."""
    hub = ConnectionHub()
    opened = [hub.attach("alice") for _ in range(20)]
    hub.detach(opened.pop(3))
    assert tuple(opened) == hub.connections("alice")


@pytest.mark.asyncio
async def test_after_close_nothing_is_emitted() -> None:
    """Close is for good and may be repeated; the last frame is made, but not published, after it."""
    hub = ConnectionHub()
    connection, voice = await following(hub), emitter(hub)
    await voice.emit("agent_started")
    assert (1, 1) == (voice.last("agent_completed").seq, voice.last("agent_error").seq)
    voice.close()
    with pytest.raises(ScopeClosed, match="was not emitted"):
        await voice.emit("agent_thinking")
    assert ["agent_started"] == [frame["type"] for frame in await received(connection)]
    assert (0, 0) == (hub.held()["emitters"], hub.held()["runs"])


@pytest.mark.asyncio
async def test_wrong_events_are_refused() -> None:
    """An unknown type and data that JSON cannot carry raise, and use up no number."""
    hub = ConnectionHub()
    connection, voice = await following(hub), emitter(hub)
    with pytest.raises(ValueError, match="no event type"):
        await voice.emit("gossip")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="JSON cannot carry"):
        await voice.emit("agent_thinking", {"x": object()})
    await voice.emit("agent_thinking")
    assert [0] == [frame["seq"] for frame in await received(connection)]


@pytest.mark.asyncio
async def test_a_slow_consumer_is_closed_alone_and_resumes() -> None:
    """Overflow closes that connection with 1013; others lose nothing, and it resumes where it was."""
    hub = ConnectionHub(queue_size=4)
    slow, quick, voice, seen = await following(hub), await following(hub), emitter(hub), []
    for _ in range(6):
        await voice.emit("agent_thinking")
        seen.append(json.loads(await quick.next())["seq"])
    assert list(range(6)) == seen
    with pytest.raises(ConnectionClosed, match="resume") as caught:
        await slow.next()
    assert 1013 == caught.value.code
    hub.detach(slow)
    back = hub.attach("alice")
    await hub.catch_up(hub.begin_follow(back, "t"), {"r": 2})
    assert [3, 4, 5] == [json.loads(await back.next())["seq"] for _ in range(3)]


@pytest.mark.asyncio
async def test_catching_up_waits_for_room_and_misses_nothing() -> None:
    """A replay longer than the queue arrives whole, with what is emitted and begun meanwhile."""
    hub = ConnectionHub(queue_size=2)
    voice = emitter(hub)
    for _ in range(10):
        await voice.emit("agent_thinking")
    connection = hub.attach("alice")
    replay = asyncio.create_task(hub.catch_up(hub.begin_follow(connection, "t"), {}))
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(5):
        frame = json.loads(await connection.next())
        seen[frame["run"], frame["seq"]] += 1
    second = emitter(hub, run="r2")
    await second.emit("agent_thinking")
    await voice.emit("agent_thinking")
    voice.close()
    while len(seen) < 12:
        frame = json.loads(await connection.next())
        seen[frame["run"], frame["seq"]] += 1
    await replay
    await second.emit("agent_thinking")
    frame = json.loads(await connection.next())
    assert ("r2", 1) == (frame["run"], frame["seq"])
    assert {("r", n): 1 for n in range(11)} | {("r2", 0): 1} == dict(seen)


@pytest.mark.asyncio
async def test_a_frame_read_from_storage_before_it_is_published_comes_once() -> None:
    """The commit comes before the push; a replay that reads in between does not double the frame."""
    hub = ConnectionHub()
    voice = emitter(hub)
    log = hub.open_run("alice", "t", "r")
    await voice.emit("agent_started")
    final = voice.last("agent_completed")
    connection = hub.attach("alice")
    await hub.catch_up(hub.begin_follow(connection, "t"), {"r": final.seq})
    hub.publish(final)
    hub.close_run(log)
    assert [] == await received(connection)


@pytest.mark.asyncio
async def test_cleaning_up_one_run_leaves_the_others() -> None:
    """A retry under the same ids, and another run of the thread, go on when the first is cleared away."""
    hub = ConnectionHub()
    connection = await following(hub)
    first, retry, other = emitter(hub), emitter(hub), emitter(hub, run="r2")
    await first.emit("agent_started")
    first.close()
    await retry.emit("agent_started")
    await other.emit("agent_started")
    assert [("r", 0), ("r", 1), ("r2", 0)] == [(f["run"], f["seq"]) for f in await received(connection)]
    for one in (retry, other):
        one.close()
    hub.detach(connection)
    hub.detach(connection)
    assert {"connections": 0, "follows": 0, "runs": 0, "emitters": 0} == hub.held()


STEP = st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(["emit", "follow", "drop"]))


@given(st.lists(STEP, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_event_reaches_exactly_its_owners_followers(steps: list[tuple[str, str, str]]) -> None:
    """Whatever users emit, follow and drop in whatever order, each gets all of their own and nothing else."""

    async def play() -> None:
        hub = ConnectionHub()
        voices = {(u, t): emitter(hub, u, t, f"{u}{t}") for u in "abc" for t in "xy"}
        devices = {user: hub.attach(user) for user in "abc"}
        follows: set[tuple[str, str]] = set()
        emitted: Counter[tuple[str, str]] = Counter()
        arrived: dict[tuple[str, str], list[int]] = {pair: [] for pair in voices}
        for user, thread, what in steps:
            if what == "emit":
                await voices[user, thread].emit("agent_thinking")
                emitted[user, thread] += 1
            elif what == "follow" and (user, thread) not in follows:
                seen = {f"{user}{thread}": len(arrived[user, thread]) - 1}
                await hub.catch_up(hub.begin_follow(devices[user], thread), seen)
                follows.add((user, thread))
            elif what == "drop":
                hub.unfollow(devices[user], thread)
                follows.discard((user, thread))
            for name, device in devices.items():
                for frame in await received(device):
                    assert name == frame["user"]
                    arrived[name, frame["thread"]].append(frame["seq"])
        for pair, numbers in arrived.items():
            assert list(range(len(numbers))) == numbers
            assert pair not in follows or emitted[pair] == len(numbers)

    asyncio.run(play())
