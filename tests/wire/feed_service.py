"""A feed by server-sent events, which a client may ask to go on after the last event that it has seen."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

Event = tuple[int, str, str]
"""Number, whose, text."""


def _app(*, asks_whose: bool = True, numbered: bool = True) -> Starlette:
    numbers = itertools.count(1)
    events: list[Event] = []
    listening: dict[str, set[asyncio.Queue[Event]]] = defaultdict(set)

    def shown(event: Event) -> str:
        number, _, text = event
        return (f"id: {number}\n" if numbered else "") + f"data: {text}\n\n"

    async def write(request: Request) -> JSONResponse:
        user = request.headers["x-user"]
        events.append((next(numbers), user, (await request.json())["text"]))
        for queue in listening[user]:
            queue.put_nowait(events[-1])
        return JSONResponse({"id": str(events[-1][0])}, 201)

    async def listed(request: Request) -> JSONResponse:
        return JSONResponse([text for _, whose, text in events if whose == request.headers["x-user"]])

    async def told(user: str, missed: list[Event]) -> AsyncIterator[str]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        listening[user].add(queue)
        try:
            yield ": open\n\n"
            for event in missed:
                yield shown(event)
            while True:
                yield shown(await queue.get())
        finally:
            listening[user].discard(queue)

    async def feed(request: Request) -> Any:
        user, last = request.headers["x-user"], request.headers.get("last-event-id")
        whose = user if asks_whose or last is None else next(event[1] for event in events if event[0] == int(last))
        missed = [event for event in events if last is not None and event[0] > int(last) and event[1] == whose]
        return StreamingResponse(told(user, missed), media_type="text/event-stream")

    return Starlette(
        routes=[Route("/notes", write, methods=["POST"]), Route("/notes", listed), Route("/feed", feed)],
    )


def right() -> Starlette:
    """Return the service as it should be."""
    return _app()


def unnumbered() -> Starlette:
    """Return one whose events have no ids."""
    return _app(numbered=False)


def of_the_event() -> Starlette:
    """Return one that sends what was missed by the user of the event that the client names."""
    return _app(asks_whose=False)
