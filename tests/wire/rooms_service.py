"""Rooms that a user joins by a message over a WebSocket; over it come numbers only."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


def _app(lets_in: Callable[[str, str], bool]) -> Starlette:
    rooms: list[tuple[str, str]] = []

    async def write(request: Request) -> JSONResponse:
        rooms.append((request.headers["x-user"], (await request.json())["text"]))
        return JSONResponse({"id": len(rooms) - 1}, 201)

    async def listed(request: Request) -> JSONResponse:
        return JSONResponse([text for whose, text in rooms if whose == request.headers["x-user"]])

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                asked = await websocket.receive_json()
                known = {str(number): whose for number, (whose, _) in enumerate(rooms)}
                if lets_in(websocket.headers["x-user"], known.get(str(asked["join"]), "")):
                    await websocket.send_json({"type": "joined", "room": int(asked["join"]), "people": 1})
                else:
                    await websocket.send_json({"type": "no such room"})
        except WebSocketDisconnect:
            return

    return Starlette(
        routes=[
            Route("/rooms", write, methods=["POST"]),
            Route("/rooms", listed),
            WebSocketRoute("/socket", socket),
        ]
    )


def right() -> Starlette:
    """Return the service as it should be."""
    return _app(lambda user, owner: user == owner)


def open_to_all() -> Starlette:
    """Return one in which everybody may join."""
    return _app(lambda user, owner: bool(owner))


def closed_to_all() -> Starlette:
    """Return one in which nobody may."""
    return _app(lambda user, owner: False)
