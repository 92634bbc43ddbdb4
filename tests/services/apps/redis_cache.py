"""Notes by topic on FastAPI, cached in Redis. Mistake (A7): the key is user and topic, joined with a colon.

Both may have colons in them: what `a` asks of the topic `b:c` is kept where what `a:b` asks of the topic `c` is. So it
shows only among users and topics with such names; the topics to try are `c` and `b:c`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
from fastapi import FastAPI

from tests.services.apps.asking import found
from tests.services.apps.dependencies import Text, Who
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Note, Notebook
from tests.services.apps.private_servers import redis_server


class TextOnTopic(Text):
    """A note, and what it is about."""

    topic: str = "c"


class Cache:
    """What users were answered, in Redis."""

    def __init__(self, socket_file: str, leaky: bool) -> None:
        self._redis = redis.asyncio.Redis(unix_socket_path=socket_file)
        self._leaky = leaky
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def _key(self, user: str, topic: str) -> str:
        return f"{user}:{topic}" if self._leaky else json.dumps([user, topic])

    async def answer(self, user: str, topic: str, notes: dict[tuple[str, str], list[Note]]) -> Any:
        """Return the user's notes on a topic, and keep the answer."""
        key = self._key(user, topic)
        async with self._locks[key]:
            kept = await self._redis.get(key)
            if kept is None:
                kept = json.dumps([note.shown for note in notes[user, topic]])
                await self._redis.set(key, kept)
            return json.loads(kept)

    async def forget(self, user: str, topic: str) -> None:
        """Drop an answer that is no longer right."""
        key = self._key(user, topic)
        async with self._locks[key]:
            await self._redis.delete(key)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    book, notes = Notebook(), defaultdict[tuple[str, str], list[Note]](list)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with redis_server() as socket_file:
            app.state.cache = Cache(socket_file, leaky)
            yield
            await app.state.cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/notes", status_code=201)
    async def write(user: Who, body: TextOnTopic) -> dict[str, str]:
        note = book.add(user, body.text)
        notes[user, body.topic].append(note)
        await app.state.cache.forget(user, body.topic)
        return note.shown

    @app.get("/notes/{note}")
    async def read(user: Who, note: str) -> dict[str, str]:
        return found(book.own(user, note)).shown

    @app.get("/notes")
    async def listed(user: Who, topic: str = "c") -> Any:
        return await app.state.cache.answer(user, topic, notes)

    return app


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
