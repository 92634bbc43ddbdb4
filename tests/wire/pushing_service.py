"""A service that pushes what was written to whoever listens, in three ways, and refuses who says the wrong word."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


def make_app() -> Starlette:
    """Return the service."""
    listeners: list[asyncio.Queue[str]] = []

    def listen() -> asyncio.Queue[str]:
        listeners.append(asyncio.Queue())
        return listeners[-1]

    async def write(request: Request) -> JSONResponse:
        for queue in listeners:
            queue.put_nowait((await request.json())["text"])
        return JSONResponse({"id": "1"}, 201)

    async def told(queue: asyncio.Queue[str], form: str) -> AsyncIterator[str]:
        yield form % json.dumps("hello")
        while True:
            yield form % json.dumps(await queue.get())

    async def lines(request: Request) -> Response:
        if request.query_params.get("word") != "please":
            return JSONResponse({"detail": "say please"}, 403)
        return StreamingResponse(told(listen(), "%s\n"), media_type="application/x-ndjson")

    async def events(request: Request) -> Response:
        return StreamingResponse(told(listen(), "event: note\nid: 7\ndata: %s\n\n"), media_type="text/event-stream")

    async def a_few(request: Request) -> Response:
        return PlainTextResponse('"one"\n' * int(request.query_params["count"]))

    async def closing(websocket: WebSocket) -> None:
        await websocket.accept()
        if websocket.query_params["say"]:
            await websocket.send_text(websocket.query_params["say"])
        await websocket.close(int(websocket.query_params["code"]), "that was all")

    async def socket(websocket: WebSocket) -> None:
        if websocket.query_params.get("word") != "please":
            await websocket.close(4403, "say please")
            return
        await websocket.accept()
        await websocket.send_text(json.dumps({"echo": await websocket.receive_text()}))
        await websocket.send_bytes(b"\xffbytes")
        await websocket.close(4000, "that was all")

    return Starlette(
        routes=[
            Route("/notes", write, methods=["POST"]),
            Route("/lines", lines),
            Route("/events", events),
            Route("/a-few", a_few),
            WebSocketRoute("/closing", closing),
            WebSocketRoute("/socket", socket),
        ]
    )
