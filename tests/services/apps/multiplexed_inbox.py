"""An inbox of one's own letters, on Starlette and Hypercorn. Mistake (like D3): who asks is kept for a connection.

Over HTTP/1.1 a connection carries one request at a time, also behind a reverse proxy, so this goes well. It shows over
HTTP/2, where requests of several users are at work on one connection.
"""

from __future__ import annotations

import asyncio

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import GRACE_S, announce, bound_socket, is_leaky, until_told
from tests.services.apps.notebook import Notebook

DIRECTORY_S = 0.002
"""How long it takes to look a user up."""


class Callers:
    """Who asks."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._by_connection: dict[tuple[str, int] | None, str] = {}

    async def of(self, request: Request) -> str:
        """Return the user of a request, once they were found in the directory."""
        user = await signed_in(request)
        connection = tuple(request.client) if request.client else None
        self._by_connection[connection] = user
        await asyncio.sleep(DIRECTORY_S)
        return self._by_connection[connection] if self._leaky else user


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book, callers = Notebook(), Callers(leaky)

    async def write(request: Request) -> Response:
        return JSONResponse(book.add(await callers.of(request), await text_in(request)).shown, 201)

    async def read(request: Request) -> Response:
        return JSONResponse(found(book.own(await callers.of(request), request.path_params["letter"])).shown)

    async def listed(request: Request) -> Response:
        return JSONResponse(book.of(await callers.of(request)))

    return Starlette(
        routes=[
            Route("/letters", write, methods=["POST"]),
            Route("/letters", listed),
            Route("/letters/{letter}", read),
        ]
    )


async def main() -> None:
    """Serve until told to end."""
    listening = bound_socket()
    config = Config()
    config.graceful_timeout = GRACE_S
    port = listening.getsockname()[1]
    config.bind = [f"fd://{listening.detach()}"]
    announce(port)  # it listens already: who comes now waits until it is served
    await serve(make_app(is_leaky()), config, shutdown_trigger=until_told)


if __name__ == "__main__":
    asyncio.run(main())
