"""A chat of one's own devices over Socket.IO. Mistake (A16): a room is named by the user's name, made simple.

Lower case, and no punctuation: `Alice` and `alice`, `org&a` and `org$a` are in one room, and are pushed each other's
messages. It shows only among users with such names.
"""

from __future__ import annotations

from typing import Any

import socketio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Note, Notebook
from tests.services.apps.tokens import user_of


def room_of(user: str, leaky: bool) -> str:
    """Return the room that all devices of a user are in."""
    name = "".join(letter for letter in user.lower() if letter.isalnum()) if leaky else user
    return f"user:{name}"


def make_app(leaky: bool) -> Any:
    """Return the service."""
    book, chat = Notebook(), socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=16 * 1024 * 1024)

    async def say(user: str, text: str) -> Note:
        note = book.add(user, text)
        await chat.emit("message", note.shown, room=room_of(user, leaky))
        return note

    @chat.event
    async def connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
        user = user_of(environ.get("HTTP_AUTHORIZATION"))
        if user is None:
            raise socketio.exceptions.ConnectionRefusedError("sign in first")
        await chat.save_session(sid, {"user": user})
        await chat.enter_room(sid, room_of(user, leaky))

    @chat.on("say")
    async def said(sid: str, message: Any) -> None:
        session = await chat.get_session(sid)
        if isinstance(message, dict) and isinstance(message.get("text"), str):
            await say(session["user"], message["text"])

    async def write(request: Request) -> Response:
        user, text = await signed_in(request), await text_in(request)
        return JSONResponse((await say(user, text)).shown, 201)

    async def read(request: Request) -> Response:
        return JSONResponse(found(book.own(await signed_in(request), request.path_params["message"])).shown)

    async def listed(request: Request) -> Response:
        return JSONResponse(book.of(await signed_in(request)))

    routes = [
        Route("/messages", write, methods=["POST"]),
        Route("/messages", listed),
        Route("/messages/{message}", read),
    ]
    return socketio.ASGIApp(chat, Starlette(routes=routes))


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
