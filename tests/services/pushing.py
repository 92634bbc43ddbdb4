"""Listens to what a service pushes, over plain websockets, httpx and python-socketio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect

from tests.services.visitors import Person

PUSH_S = 5.0
Hear = Callable[[], Awaitable[str]]
"""Returns the next thing that is pushed, as text."""


async def until(hear: Hear, mark: str) -> str:
    """Return all that is pushed, up to something with this mark."""
    heard = ""
    async with asyncio.timeout(PUSH_S):
        while mark not in heard:
            heard += await hear()
    return heard


@asynccontextmanager
async def room_heard(person: Person, room: str) -> AsyncIterator[Hear]:
    """Subscribe to a room of `websocket_rooms`."""
    url = str(person.http.base_url).replace("http", "ws", 1).rstrip("/") + "/events"
    async with connect(url, additional_headers=person.headers, proxy=None) as socket:
        await socket.send(json.dumps({"do": "subscribe", "room": room}))

        async def hear() -> str:
            return str(await socket.recv())

        yield hear


@asynccontextmanager
async def feed_heard(person: Person, session: str) -> AsyncIterator[Hear]:
    """Listen to the feed of `sse_feed`."""
    async with _lines_heard(person, "/feed", session=session) as hear:
        yield hear


@asynccontextmanager
async def progress_heard(person: Person, job: str) -> AsyncIterator[Hear]:
    """Watch a job of `progress_stream`."""
    async with _lines_heard(person, f"/jobs/{job}/progress") as hear:
        yield hear


@asynccontextmanager
async def _lines_heard(person: Person, path: str, **query: str) -> AsyncIterator[Hear]:
    async with person.http.stream("GET", path, params=query, headers=person.headers) as response:
        lines = response.aiter_lines()
        yield lambda: anext(lines)


@asynccontextmanager
async def chat_heard(person: Person) -> AsyncIterator[Hear]:
    """Listen to the chat of `socketio_chat`."""
    import socketio

    pushed: asyncio.Queue[str] = asyncio.Queue()
    client = socketio.AsyncClient(reconnection=False)
    client.on("message", lambda message: pushed.put_nowait(message["text"]))
    await client.connect(str(person.http.base_url), headers=person.headers)
    try:
        yield pushed.get
    finally:
        await client.disconnect()
