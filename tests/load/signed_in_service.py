"""A notes service that takes only short plain names, users who are known, and sessions: in cookies, or in tokens.

Leaky, it forgets between an await and the answer who asks.
"""

from __future__ import annotations

import asyncio
import re
import secrets

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from harness.adapter import Adapter, SignIn, registered, session
from harness.adapter import Route as Asked


class _Notes:
    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._known: set[str] = set()
        self._sessions: dict[str, str] = {}
        self._notes: dict[int, tuple[str, str]] = {}
        self._last = ""

    def _user_of(self, request: Request) -> str | None:
        shown = request.cookies.get("sid") or request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._sessions.get(shown)

    async def register(self, request: Request) -> Response:
        name = (await request.json())["name"]
        if not re.fullmatch("[a-z0-9]{1,20}", name):
            return JSONResponse({"detail": "choose another name"}, 422)
        self._known.add(name)
        return JSONResponse({}, 201)

    async def sign_in(self, request: Request) -> Response:
        name, sid = (await request.json())["name"], secrets.token_hex(16)
        if name not in self._known:
            return JSONResponse({"detail": "nobody of that name"}, 403)
        self._sessions[sid] = name
        answer = JSONResponse({"token": sid})
        answer.set_cookie("sid", sid)
        return answer

    async def sign_out(self, request: Request) -> Response:
        self._sessions.pop(request.headers.get("authorization", "").removeprefix("Bearer "), None)
        return Response(status_code=204)

    async def write(self, request: Request) -> Response:
        user, text = self._user_of(request), (await request.json())["text"]
        if user is None:
            return RedirectResponse("/login", 303)
        name = len(self._notes) + 1
        self._notes[name] = (user, text)
        return JSONResponse({"id": name}, 201)

    async def read(self, request: Request) -> Response:
        user, found = self._user_of(request), self._notes.get(request.path_params["note"])
        if user is None or found is None or found[0] != user:
            return JSONResponse({}, 401 if user is None else 404)
        return JSONResponse({"id": request.path_params["note"], "text": found[1]})

    async def listed(self, request: Request) -> Response:
        user = self._user_of(request)
        if user is None:
            return JSONResponse({}, 401)
        self._last = user
        await asyncio.sleep(0.02)  # the database
        owner = self._last if self._leaky else user
        own = [{"id": name, "text": text} for name, (whose, text) in self._notes.items() if whose == owner]
        return JSONResponse(own, headers={"set-cookie": "sid=nobody"})

    async def login_page(self, request: Request) -> Response:
        return JSONResponse({"sign": "in"})


def _app(leaky: bool = False) -> Starlette:
    notes = _Notes(leaky)
    return Starlette(
        routes=[
            Route("/register", notes.register, methods=["POST"]),
            Route("/sign-in", notes.sign_in, methods=["POST"]),
            Route("/sign-out", notes.sign_out, methods=["POST"]),
            Route("/login", notes.login_page),
            Route("/notes", notes.write, methods=["POST"]),
            Route("/notes", notes.listed),
            Route("/notes/{note:int}", notes.read),
        ]
    )


def right() -> Starlette:
    """Return the service as it should be."""
    return _app()


def leaky() -> Starlette:
    """Return the one that forgets who asks."""
    return _app(leaky=True)


_NAME = {"name": "{user}"}


def _adapter(name: str, sign_in: SignIn) -> Adapter:
    return Adapter(
        name=name,
        sign_in=sign_in,
        routes=[
            Asked("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
            Asked("read_note", "GET", "/notes/{note}", shows="text"),
            Asked("list_notes", "GET", "/notes", lists="note", shows="text"),
        ],
    )


cookies = _adapter("cookies", registered("POST", "/register", json=_NAME, then=session("POST", "/sign-in", json=_NAME)))
tokens = _adapter(
    "tokens",
    session(
        "POST", "/sign-in", json=_NAME, register=("POST", "/register"), sign_out=("POST", "/sign-out"), token="token"
    ),
)
