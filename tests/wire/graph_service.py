"""Notes behind one address, as over GraphQL. Mistake (E1): a note is fetched by its id alone.

The right one refuses as GraphQL does: with the status of a success, and nothing where the note would be.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.services.apps.asking import signed_in
from tests.services.apps.notebook import Note, Notebook


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book = Notebook()

    def shown(note: Note | None) -> dict[str, str] | None:
        return note.shown if note is not None else None

    async def asked(request: Request) -> JSONResponse:
        user, asked = await signed_in(request), await request.json()
        given: dict[str, Any] = asked.get("variables", {})
        match asked.get("operation"):
            case "add":
                data: dict[str, Any] = {"add": shown(book.add(user, given["text"]))}
            case "note":
                data = {"note": shown(book.get(given["id"]) if leaky else book.own(user, given["id"]))}
            case _:
                data = {"mine": book.of(user)}
        return JSONResponse({"data": data})

    return Starlette(routes=[Route("/graph", asked, methods=["POST"])])


leaky, twin = partial(make_app, True), partial(make_app, False)
