"""A service of notes with every kind of channel, right in all it does; its state lies in its module."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

NOTES: list[tuple[str, str]] = []
"""Owner and text of each note; its id is its place, from 1 on."""
FEEDS: dict[str, list[asyncio.Queue[Any]]] = {}
"""Who hears of a user's notes."""
SEEN: list[str] = []
"""What has come to an end: requests that were cancelled, sockets that were dropped."""


async def write(request: Request) -> Response:
    user, text = request.headers["x-user"], (await request.json())["text"]
    NOTES.append((user, text))
    for queue in FEEDS.get(user, []):
        queue.put_nowait({"note": len(NOTES), "text": text})
    response = JSONResponse({"id": len(NOTES), "text": text}, 201)
    response.set_cookie("last", str(len(NOTES)))
    return response


async def read(request: Request) -> Response:
    number = int(request.path_params["note"])
    if not 0 < number <= len(NOTES) or NOTES[number - 1][0] != request.headers["x-user"]:
        return JSONResponse({"detail": "no such note"}, 404)
    return JSONResponse({"id": number, "text": NOTES[number - 1][1], "cookies": [*request.cookies]})


async def word(request: Request) -> Response:
    return JSONResponse({"word": getattr(request.state, "word", None)})


async def wait(request: Request) -> Response:
    """Answer nobody; end when the client is gone."""
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    finally:
        SEEN.append("wait")
    return Response()


async def seen(request: Request) -> Response:
    return JSONResponse(SEEN)


async def crash(request: Request) -> Response:
    raise RuntimeError("it broke")


@asynccontextmanager
async def _heard(user: str) -> AsyncIterator[asyncio.Queue[Any]]:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    FEEDS.setdefault(user, []).append(queue)
    try:
        yield queue
    finally:
        FEEDS[user].remove(queue)
        SEEN.append("feed")


async def feed(request: Request) -> Response:
    form = "id: %d\ndata: %s\n\n" if request.url.path == "/events" else "%.0s%s\n"

    async def told() -> AsyncIterator[str]:
        async with _heard(request.headers["x-user"]) as queue:
            yield form % (0, json.dumps({"cookies": [*request.cookies]}))
            while True:
                heard = await queue.get()
                yield form % (heard["note"], json.dumps(heard))

    response = StreamingResponse(told(), media_type="text/event-stream")
    response.set_cookie("stream", "1")
    return response


async def broken(request: Request) -> Response:
    async def told() -> AsyncIterator[str]:
        yield '"one"\n'
        raise RuntimeError("it broke")

    return StreamingResponse(told())


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    user = websocket.headers["x-user"]
    try:
        while True:
            said = await websocket.receive_json()
            match said:
                case {"join": int(room)}:
                    own = 0 < room <= len(NOTES) and NOTES[room - 1][0] == user
                    await websocket.send_json({"type": "joined" if own else "no", "room": room})
                    if own:
                        await websocket.send_json({"type": "tale", "room": room, "seq": 0, "seen": said.get("seen")})
                case {"ping": nonce}:
                    await websocket.send_json({"type": "last", "word": "before the fence"})
                    await websocket.send_json({"type": "pong", "ping": nonce})
                case {"bytes": _}:
                    await websocket.send_bytes(b"\xffbytes")
                case {"closed": _}:
                    await websocket.send_json({"closed": 1})
                case {"bye": _}:
                    await websocket.close(4000, "that was all")
    except WebSocketDisconnect:
        SEEN.append("socket")


async def closing(websocket: WebSocket) -> None:
    """Let everybody in, and out again."""
    await websocket.accept()
    await websocket.close(4003, "not for you")


async def greeted(websocket: WebSocket) -> None:
    """Let in whoever knows the word."""
    await websocket.accept()
    try:
        if (await websocket.receive_json()).get("word") != "please":
            await websocket.close(4003, "say please")
            return
        await websocket.send_json({"type": "welcome"})
        await websocket.receive()
    except WebSocketDisconnect:
        return


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
    yield {"word": "of the lifespan"}


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/notes", write, methods=["POST"]),
        Route("/notes/{note}", read),
        Route("/word", word),
        Route("/wait", wait),
        Route("/seen", seen),
        Route("/crash", crash),
        Route("/events", feed),
        Route("/lines", feed),
        Route("/broken", broken),
        WebSocketRoute("/socket", socket),
        WebSocketRoute("/closing", closing),
        WebSocketRoute("/greeted", greeted),
    ],
)
