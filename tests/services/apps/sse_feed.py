"""A feed of one's own notes by server-sent events, on Starlette. Mistake (B6): a backlog belongs to a session id.

The client chooses the id and gives it again when it comes back (`/feed?session=...`); it is then told what it was told
before, after `Last-Event-ID` if it says so. It shows when another user comes with the id.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook

LONGEST_BACKLOG = 100
Event = tuple[int, str]
Key = tuple[str, ...]


class Feeds:
    """What each session was told, and who listens."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._numbers = itertools.count(1)
        self._sessions: dict[str, set[Key]] = defaultdict(set)
        self._backlogs: dict[Key, deque[Event]] = defaultdict(lambda: deque(maxlen=LONGEST_BACKLOG))
        self._listening: dict[str, set[asyncio.Queue[Event]]] = defaultdict(set)

    def push(self, user: str, data: str) -> None:
        """Tell all sessions of a user, those that are away when they come back."""
        event = (next(self._numbers), data)
        for key in self._sessions[user]:
            self._backlogs[key].append(event)
        for queue in self._listening[user]:
            queue.put_nowait(event)

    def open(self, user: str, session: str, after: int) -> asyncio.Queue[Event]:
        """Return the backlog of a session, to which is added what happens."""
        key = (session,) if self._leaky else (user, session)
        self._sessions[user].add(key)
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._listening[user].add(queue)
        for event in self._backlogs[key]:
            if event[0] > after:
                queue.put_nowait(event)
        return queue

    async def events(self, user: str, queue: asyncio.Queue[Event]) -> AsyncIterator[str]:
        """Yield what is in a queue, as it is sent, until nobody listens any more."""
        try:
            yield ": open\n\n"
            while True:
                number, data = await queue.get()
                yield f"id: {number}\nevent: note\ndata: {data}\n\n"
        finally:
            self._listening[user].discard(queue)


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book, feeds = Notebook(), Feeds(leaky)

    async def write(request: Request) -> Response:
        user, text = await signed_in(request), await text_in(request)
        note = book.add(user, text)
        feeds.push(user, json.dumps(note.shown))
        return JSONResponse(note.shown, 201)

    async def read(request: Request) -> Response:
        return JSONResponse(found(book.own(await signed_in(request), request.path_params["note"])).shown)

    async def listed(request: Request) -> Response:
        return JSONResponse(book.of(await signed_in(request)))

    async def feed(request: Request) -> Response:
        user, session = await signed_in(request), request.query_params.get("session", "")
        last = request.headers.get("last-event-id", "")
        queue = feeds.open(user, session, int(last) if last.isdecimal() else 0)
        return StreamingResponse(feeds.events(user, queue), media_type="text/event-stream")

    return Starlette(
        routes=[
            Route("/notes", write, methods=["POST"]),
            Route("/notes", listed),
            Route("/notes/{note}", read),
            Route("/feed", feed),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
