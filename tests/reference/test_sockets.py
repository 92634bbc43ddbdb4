"""Truths of the socket, over real uvicorn and real WebSockets: EVT-1 to EVT-3, AUT-1, AUT-2."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from reference_impl.app import Backend, Settings, create_app

pytestmark = pytest.mark.asyncio
ORIGIN = "https://app.example"


class Served:
    """A served application."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend, self.url = backend, url

    def connect(self, user: str, **options: Any) -> connect:
        headers = {"Authorization": f"Bearer {self.backend.tokens.issue(user)}"}
        return connect(self.url, additional_headers=headers, **options)

    async def thread(self, user: str) -> str:
        return (await self.backend.service.add_thread(user, "t")).id

    async def run(self, user: str, thread: str, agent: str, text: str) -> str:
        return (await self.backend.service.submit_run(user, thread, agent, text, None)).id


@contextlib.asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Served]:
    """Serve on a free port, in this loop, and shut down gracefully."""
    app = create_app(dataclasses.replace(settings, allowed_origins=(ORIGIN,), drain_s=0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with app.state.backend.running():
            task = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield Served(app.state.backend, f"ws://127.0.0.1:{listener.getsockname()[1]}/events")
            finally:
                server.should_exit = True
                await task
    assert dict.fromkeys(app.state.backend.held(), 0) == dict(app.state.backend.held())


async def ask(client: ClientConnection, action: str, thread: str, **more: Any) -> Any:
    await client.send(json.dumps({"action": action, "thread": thread, **more}))
    return json.loads(await client.recv())


async def until_end(client: ClientConnection) -> list[Any]:
    frames: list[Any] = []
    while not frames or frames[-1]["type"] not in ("agent_completed", "agent_error"):
        frames.append(json.loads(await client.recv()))
    return frames


async def test_both_devices_of_the_owner_receive_and_nobody_else(settings: Settings) -> None:
    """Events reach every device that follows; a foreign thread is refused like one that is not there."""
    async with (
        served(settings) as server,
        server.connect("alice") as phone,
        server.connect("alice") as laptop,
        server.connect("bob") as bob,
    ):
        theirs, his = await server.thread("alice"), await server.thread("bob")
        for device in (phone, laptop):
            assert {"type": "following", "thread": theirs} == await ask(device, "follow", theirs)
        refusals = [await ask(bob, "follow", thread) for thread in (theirs, "0" * 32)]
        assert [{"type": "refused", "thread": t, "reason": "no such thread"} for t in (theirs, "0" * 32)] == refusals
        await ask(bob, "follow", his)
        await server.run("alice", theirs, "narrator", "one two")
        seen = [await until_end(device) for device in (phone, laptop)]
        assert seen[0] == seen[1]
        assert [(n, "alice", theirs) for n in range(4)] == [(f["seq"], f["user"], f["thread"]) for f in seen[0]]
        await server.run("bob", his, "narrator", "three")
        assert {"bob"} == {frame["user"] for frame in await until_end(bob)}
        assert {"type": "unfollowed", "thread": theirs} == await ask(phone, "unfollow", theirs)
        await server.run("alice", theirs, "narrator", "four")
        await until_end(laptop)
        assert {"type": "unfollowed", "thread": theirs} == await ask(phone, "unfollow", theirs)


async def test_a_device_that_was_away_resumes_without_gap_or_double(settings: Settings) -> None:
    """What ended while it was away and what is live are both continued after the last number seen."""
    async with served(settings) as server:
        thread = await server.thread("alice")
        async with server.connect("alice") as device:
            await ask(device, "follow", thread)
            done = await server.run("alice", thread, "narrator", " ".join("abcdefgh"))
            first = [json.loads(await device.recv()) for _ in range(4)]
        live = await server.run("alice", thread, "faulty", "stall: x")
        async with server.connect("alice") as device, server.connect("alice") as other:
            await ask(other, "follow", thread, after={done: 9})
            assert ["agent_started", "agent_thinking"] == [json.loads(await other.recv())["type"] for _ in "ab"]
            await ask(device, "follow", thread, after={done: first[-1]["seq"], live: 0})
            await server.backend.service.cancel_run("alice", live)
            frames = [json.loads(await device.recv()) for _ in range(8)]
        numbers = {run: [frame["seq"] for frame in frames if frame["run"] == run] for run in (done, live)}
        assert {done: [4, 5, 6, 7, 8, 9], live: [1, 2]} == numbers


async def test_a_history_longer_than_the_queue_is_replayed_whole(settings: Settings) -> None:
    """A replay waits for room instead of overflowing."""
    async with served(dataclasses.replace(settings, queue_size=8)) as server:
        thread = await server.thread("alice")
        run = await server.run("alice", thread, "narrator", "word " * 600)
        while tasks := server.backend.engine._tasks():
            await asyncio.wait(tasks)
        async with server.connect("alice") as device:
            await ask(device, "follow", thread)
            assert [(run, n) for n in range(602)] == [(f["run"], f["seq"]) for f in await until_end(device)]


async def test_tokens_count_in_the_header_and_the_subprotocol_only(settings: Settings) -> None:
    """A browser offers its token as a subprotocol; in the query, or wrong, it is refused with 401."""
    async with served(settings) as server:
        token = server.backend.tokens.issue("alice")
        async with connect(server.url, subprotocols=["bearer", token], origin=ORIGIN) as browser:
            assert "bearer" == browser.subprotocol
        refused: list[tuple[int, str, dict[str, Any]]] = [
            (401, "", {}),
            (401, f"?token={token}", {}),
            (401, "", {"subprotocols": ["bearer", token + "x"]}),
            (401, "", {"subprotocols": [token]}),
            (401, "", {"additional_headers": {"Authorization": "Bearer x"}}),
            (403, "", {"subprotocols": ["bearer", token], "origin": "https://evil.example"}),
            (403, "", {"subprotocols": ["bearer", token], "origin": "null"}),
        ]
        for status, query, options in refused:
            with pytest.raises(InvalidStatus) as caught:
                async with connect(server.url + query, **options):
                    pass
            assert status == caught.value.response.status_code, options


async def test_a_socket_ends_with_its_token(settings: Settings) -> None:
    """When the token expires, the socket is closed with 4401."""
    async with served(settings) as server:
        token = server.backend.tokens.issue("alice", ttl_s=1.2)
        async with connect(server.url, additional_headers={"Authorization": f"Bearer {token}"}) as device:
            with pytest.raises(ConnectionClosed) as caught:
                await device.recv()
        assert caught.value.rcvd is not None
        assert 4401 == caught.value.rcvd.code


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "{}",
        b"\x00",
        '{"action":"follow"}',
        '{"action":"own","thread":"t"}',
        "[" * 50000,
        '{"action":"follow","thread":"t","user":"bob"}',
        '{"action":"follow","thread":"\\ud800"}',
    ],
)
async def test_what_is_malformed_is_answered_and_survived(settings: Settings, message: str | bytes) -> None:
    """A message that says nothing gets an error; the socket goes on."""
    async with served(settings) as server, server.connect("alice") as device:
        await device.send(message)
        assert "error" == json.loads(await device.recv())["type"]
        assert "refused" == (await ask(device, "follow", "t"))["type"]


async def test_a_consumer_that_does_not_read_is_closed_with_1013(settings: Settings) -> None:
    """Its queue overflows, it alone is cut off with a reason, and others are served meanwhile."""
    async with served(dataclasses.replace(settings, queue_size=4)) as server:
        thread = await server.thread("alice")
        async with server.connect("alice") as slow, server.connect("bob") as bob:
            await ask(slow, "follow", thread)
            connection = server.backend.hub.connections("alice")[0]
            for _ in range(5):  # in one step of the loop, so the sender cannot keep up
                connection.push("{}")
            with pytest.raises(ConnectionClosed) as caught:
                await slow.recv()
            assert "refused" == (await ask(bob, "follow", thread))["type"]
        assert caught.value.rcvd is not None
        assert (1013, True) == (caught.value.rcvd.code, "resume" in caught.value.rcvd.reason)
