"""A service with sign-in, sign-out and a log, for everybody or for who has registered: right, or with one mistake."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def _app(
    *, signs_out: bool = True, last_user: bool = False, strict: bool = False, registering: bool = False
) -> Starlette:
    known: set[str] = set()
    sessions: dict[str, str] = {}
    notes: dict[str, tuple[str, str]] = {}
    seen: list[str] = [""]
    log = Path(os.environ["SESSION_SERVICE_LOG"])
    log.touch()

    def user_of(request: Request) -> str | None:
        return sessions.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    async def register(request: Request) -> Response:
        name = (await request.json())["name"]
        taken = name in known
        known.add(name)
        return Response(status_code=409 if taken else 201)

    async def sign_in(request: Request) -> JSONResponse:
        token, name = secrets.token_hex(16), (await request.json())["name"]
        if strict and not re.fullmatch("[a-z0-9]{1,20}", name):
            return JSONResponse({"detail": "choose another name"}, 422)
        if registering and name not in known:
            return JSONResponse({"detail": "register first"}, 401)
        sessions[token] = name
        return JSONResponse({"token": token})

    async def sign_out(request: Request) -> Response:
        if signs_out:
            sessions.pop(request.headers["authorization"].removeprefix("Bearer "), None)
        return Response(status_code=204)

    async def write(request: Request) -> JSONResponse:
        user = user_of(request)
        if user is None:
            return JSONResponse({}, 401)
        text, name = (await request.json())["text"], secrets.token_hex(8)
        notes[name] = (user, text)
        _append(log, f"user=<{seen[0] if last_user and seen[0] else user}> wrote {text}\n")
        seen[0] = user
        return JSONResponse({"id": name}, 201)

    async def read(request: Request) -> JSONResponse:
        user, found = user_of(request), notes.get(request.path_params["note"])
        if user is None or found is None or found[0] != user:
            return JSONResponse({}, 401 if user is None else 404)
        return JSONResponse({"text": found[1]})

    return Starlette(
        routes=[
            Route("/register", register, methods=["POST"]),
            Route("/sign-in", sign_in, methods=["POST"]),
            Route("/sign-out", sign_out, methods=["POST"]),
            Route("/notes", write, methods=["POST"]),
            Route("/notes/{note}", read),
        ]
    )


def _append(log: Path, record: str) -> None:
    with log.open("a") as file:
        file.write(record)


def right() -> Starlette:
    """Return the service as it should be."""
    return _app()


def strict() -> Starlette:
    """Return one that takes only short names of letters and digits."""
    return _app(strict=True)


def registering() -> Starlette:
    """Return one that lets in who has registered."""
    return _app(registering=True)


def never_out() -> Starlette:
    """Return one in which nobody is ever signed out."""
    return _app(signs_out=False)


def wrong_log() -> Starlette:
    """Return one that writes into its log who came before."""
    return _app(last_user=True)
