"""Uploads of plain text on Starlette. Mistake (A24): the pieces of a body are gathered in one list for all requests.

A request starts the list anew with its first piece. A body that comes in one piece is done before any other request is
looked at, so it shows only when two users upload something long (about 1 MB) at once.
"""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook


class Gathering:
    """The pieces of the upload that is under way."""

    pieces: list[bytes] = []  # noqa: RUF012

    def __init__(self, leaky: bool) -> None:
        if not leaky:
            self.pieces = []

    async def body(self, request: Request) -> str:
        """Return the whole body."""
        started = False
        async for piece in request.stream():
            if not started:
                self.pieces.clear()
                started = True
            self.pieces.append(piece)
        return b"".join(self.pieces).decode(errors="replace")


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book = Notebook()

    async def write(request: Request) -> JSONResponse:
        user = await signed_in(request)
        return JSONResponse(book.add(user, await Gathering(leaky).body(request)).shown, 201)

    async def read(request: Request) -> JSONResponse:
        return JSONResponse(found(book.own(await signed_in(request), request.path_params["upload"])).shown)

    async def listed(request: Request) -> JSONResponse:
        return JSONResponse({"uploads": book.of(await signed_in(request))})

    return Starlette(
        routes=[
            Route("/uploads", write, methods=["POST"]),
            Route("/uploads", listed),
            Route("/uploads/{upload}", read),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
