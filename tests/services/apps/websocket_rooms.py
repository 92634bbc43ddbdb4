"""Rooms, on the server of `websockets`; made and written to over aiohttp. Mistake (B12): any room can be subscribed to.

A subscription answers with the texts of the room and pushes later ones. It is not checked that the room is the user's,
so it shows when somebody subscribes to the room of somebody else.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

from tests.services.apps.fronting import front
from tests.services.apps.listening import announce, bound_socket, is_leaky, until_told
from tests.services.apps.tokens import user_of


@dataclass(slots=True)
class Room:
    """Texts of one user, and who hears of new ones."""

    owner: str
    texts: list[str]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    listeners: set[ServerConnection] = field(default_factory=set)


class Rooms:
    """The service."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._rooms: dict[str, Room] = {}

    def _room(self, user: str, room: object, checked: bool = True) -> Room | None:
        found = self._rooms.get(str(room))
        return found if found is not None and (found.owner == user or not checked) else None

    def refuse_strangers(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let only users in."""
        user = user_of(request.headers.get("authorization"))
        if user is None:
            return connection.respond(401, "sign in first\n")
        connection.username = user
        return None

    async def hear(self, connection: ServerConnection) -> None:
        """Answer what a user says over the socket."""
        async for frame in connection:
            room = self._room(connection.username, self._named(frame), checked=not self._leaky)
            if room is None:
                await connection.send(json.dumps({"error": "no such room"}))
            else:
                room.listeners.add(connection)
                await connection.send(json.dumps({"room": room.id, "texts": room.texts}))
        for room in self._rooms.values():
            room.listeners.discard(connection)

    @staticmethod
    def _named(frame: str | bytes) -> object:
        try:
            said = json.loads(frame)
        except ValueError:
            return None
        return said.get("room") if isinstance(said, dict) and said.get("do") == "subscribe" else None

    async def make(self, request: web.Request) -> web.Response:
        """Make a room with a first text."""
        room = Room(signed_in(request), [await text_in(request)])
        self._rooms[room.id] = room
        return web.json_response({"id": room.id, "text": room.texts[0]}, status=201)

    async def listed(self, request: web.Request) -> web.Response:
        """List the user's rooms."""
        user = signed_in(request)
        own = [room for room in self._rooms.values() if room.owner == user]
        return web.json_response([{"id": room.id, "text": room.texts[0]} for room in own])

    async def read(self, request: web.Request) -> web.Response:
        """Return a room; with a POST, after adding a text to it, of which its listeners hear."""
        room = self._room(signed_in(request), request.match_info["room"])
        if room is None:
            return web.json_response({"error": "no such room"}, status=404)
        if request.method == "POST":
            room.texts.append(await text_in(request))
            broadcast(room.listeners, json.dumps({"room": room.id, "text": room.texts[-1]}))
        return web.json_response({"id": room.id, "text": room.texts[0], "texts": room.texts})


def signed_in(request: web.Request) -> str:
    """Return the user who asks."""
    user = user_of(request.headers.get("authorization"))
    if user is None:
        raise web.HTTPUnauthorized
    return user


async def text_in(request: web.Request) -> str:
    """Return the text of a body."""
    body: Any = await request.json()
    return str(body["text"])


async def main() -> None:
    """Serve until told to end."""
    rooms, listening, app = Rooms(is_leaky()), bound_socket(), web.Application(client_max_size=16 * 1024 * 1024)
    app.add_routes([web.post("/rooms", rooms.make), web.get("/rooms", rooms.listed)])
    app.add_routes([web.get("/rooms/{room}", rooms.read), web.post("/rooms/{room}/texts", rooms.read)])
    runner, plain = web.AppRunner(app, access_log=None, shutdown_timeout=1), bound_socket()
    await runner.setup()
    await web.SockSite(runner, plain).start()
    async with serve(rooms.hear, "127.0.0.1", 0, process_request=rooms.refuse_strangers) as sockets:
        ports = plain.getsockname()[1], next(iter(sockets.sockets)).getsockname()[1]
        await front(listening, *ports)
        announce(listening.getsockname()[1])
        await until_told()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
