"""HTTP: who may in, which route does what, and what each refusal looks like.

Rules:
- Nothing behind the gate is reached without a valid bearer token; the user comes from it and from nowhere
  else.
- "Not yours" and "does not exist" are the same answer, byte for byte.
- A refusal never repeats what was sent.

How it works: `BearerGate` stands before the routes, so no route can forget it. A handler turns a request into
one call of `Service`; what that raises becomes a status here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_impl.auth import InvalidToken
from reference_impl.backend import Backend
from reference_impl.context import InvalidContext
from reference_impl.engine import ShuttingDown
from reference_impl.operations import Service
from reference_impl.registry import UnknownAgent
from reference_impl.repository import MAX_SEARCH_LENGTH, Conflict, NotFound
from reference_impl.schemas import (
    AcceptedRun,
    EditedNote,
    FrameView,
    NewNote,
    NewRun,
    NewThread,
    NoteView,
    RunView,
    ThreadView,
)
from reference_impl.slots import TooManyRuns

USER = "reference_impl.user"
"""Where the gate leaves the user for the routes behind it."""

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no token."""


class BearerGate:
    """Lets a request in when its bearer token proves a user, and answers 401 otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit or refuse; sockets bring their token in more ways and are admitted by `sockets`."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            backend: Backend = scope["app"].state.backend
            try:
                scope[USER] = backend.tokens.user_of(bearer_token(Headers(scope=scope)))
            except InvalidToken:
                await unauthorized()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def bearer_token(headers: Headers) -> str:
    """Return the token of the Authorization header (RFC 6750, 2.1); no other place counts.

    Raises:
        InvalidToken: there is not exactly one bearer token.
    """
    values = headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.casefold() != "bearer" or not token.strip():
        raise InvalidToken("There is no bearer token. Send 'Authorization: Bearer <token>'.")
    return token.strip()


def unauthorized() -> Response:
    """Return the one answer to whoever is not let in."""
    return JSONResponse({"detail": "a valid bearer token is required"}, 401, headers={"WWW-Authenticate": "Bearer"})


async def current_user(request: Request) -> str:
    """Return the user the gate let in."""
    user: str = request.scope[USER]
    return user


async def service_of(request: Request) -> Service:
    """Return the application's service."""
    backend: Backend = request.app.state.backend
    return backend.service


# Both are coroutines although they await nothing: FastAPI would run a plain function in a thread, for each request.
User = Annotated[str, Depends(current_user)]
"""The user who asks."""

Work = Annotated[Service, Depends(service_of)]
"""The application's service."""

PathId = Annotated[str, Path(max_length=200)]
"""An id in a path."""


async def healthz() -> dict[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


async def add_thread(user: User, work: Work, body: NewThread) -> ThreadView:
    """Make a thread."""
    return await work.add_thread(user, body.title)


async def list_threads(user: User, work: Work) -> list[ThreadView]:
    """Return the user's threads."""
    return await work.list_threads(user)


async def get_thread(user: User, work: Work, thread_id: PathId) -> ThreadView:
    """Return one thread."""
    return await work.get_thread(user, thread_id)


async def submit_run(user: User, work: Work, thread_id: PathId, body: NewRun) -> AcceptedRun:
    """Accept a run; it goes on after the answer."""
    return await work.submit_run(user, thread_id, body.agent, body.text, body.metadata)


async def list_runs(user: User, work: Work, thread_id: PathId) -> list[RunView]:
    """Return the runs of a thread."""
    return await work.list_runs(user, thread_id)


async def get_run(user: User, work: Work, run_id: PathId) -> RunView:
    """Return one run."""
    return await work.get_run(user, run_id)


async def cancel_run(user: User, work: Work, run_id: PathId) -> RunView:
    """Stop a run."""
    return await work.cancel_run(user, run_id)


async def run_events(
    user: User, work: Work, run_id: PathId, after: Annotated[int, Query(ge=-1, le=2**53)] = -1
) -> list[FrameView]:
    """Return the stored events of a run that has ended."""
    return await work.run_events(user, run_id, after)


async def add_note(user: User, work: Work, body: NewNote) -> NoteView:
    """Make a note."""
    return await work.add_note(user, body.text)


async def list_notes(
    user: User, work: Work, q: Annotated[str | None, Query(max_length=MAX_SEARCH_LENGTH)] = None
) -> list[NoteView]:
    """Return the user's notes, or those that contain `q`."""
    return await work.list_notes(user, q)


async def get_note(user: User, work: Work, note_id: PathId) -> NoteView:
    """Return one note."""
    return await work.get_note(user, note_id)


async def edit_note(user: User, work: Work, note_id: PathId, body: EditedNote) -> NoteView:
    """Replace the text of a note."""
    return await work.edit_note(user, note_id, body.text, body.version)


async def delete_note(user: User, work: Work, note_id: PathId) -> Response:
    """Delete a note."""
    await work.delete_note(user, note_id)
    return Response(status_code=204)


def make_router() -> APIRouter:
    """Return the routes, freshly made: an application shares none of its own."""
    table: tuple[tuple[str, str, Callable[..., Any], int], ...] = (
        ("GET", "/healthz", healthz, 200),
        ("POST", "/threads", add_thread, 201),
        ("GET", "/threads", list_threads, 200),
        ("GET", "/threads/{thread_id}", get_thread, 200),
        ("POST", "/threads/{thread_id}/runs", submit_run, 202),
        ("GET", "/threads/{thread_id}/runs", list_runs, 200),
        ("GET", "/runs/{run_id}", get_run, 200),
        ("POST", "/runs/{run_id}/cancel", cancel_run, 200),
        ("GET", "/runs/{run_id}/events", run_events, 200),
        ("POST", "/notes", add_note, 201),
        ("GET", "/notes", list_notes, 200),
        ("GET", "/notes/{note_id}", get_note, 200),
        ("PUT", "/notes/{note_id}", edit_note, 200),
        ("DELETE", "/notes/{note_id}", delete_note, 204),
    )
    router = APIRouter()
    for method, path, handler, status in table:
        router.add_api_route(path, handler, methods=[method], status_code=status)
    return router


def install_refusals(app: FastAPI) -> None:
    """Say what each refusal looks like over HTTP."""

    def refuse(error_type: type[Exception], status: int, detail: Callable[[Any], object]) -> None:
        async def handler(_request: Request, error: Exception) -> Response:
            return Response(json.dumps({"detail": detail(error)}), status, media_type="application/json")

        app.add_exception_handler(error_type, handler)

    refuse(NotFound, 404, lambda _error: "no such object")
    refuse(Conflict, 409, str)
    refuse(TooManyRuns, 429, str)
    refuse(ShuttingDown, 503, str)
    refuse(UnknownAgent, 422, str)
    refuse(InvalidContext, 422, str)
    refuse(RequestValidationError, 422, _validation_problems)


def _validation_problems(error: RequestValidationError) -> list[dict[str, object]]:
    """Say where and what, without the input: it may be long, secret, or nothing JSON can carry."""
    return [{"where": [str(part) for part in item["loc"]], "problem": item["msg"]} for item in error.errors()]
