"""Jobs and a stream of their progress, on Starlette. Mistake (E1): whose job it is, is not asked where it is watched.

The stream carries numbers and no word of the user's. That it opens for somebody else, and not on a job that is not
there, is all that shows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook

BEAT_S = 5.0
"""How often a stream says that it is still there."""


async def progress() -> AsyncIterator[str]:
    """Yield how far a job is, as it is sent, for as long as somebody watches."""
    while True:
        yield f"event: progress\ndata: {json.dumps({'done': 1, 'of': 3})}\n\n"
        await asyncio.sleep(BEAT_S)


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book = Notebook()

    async def write(request: Request) -> Response:
        return JSONResponse(book.add(await signed_in(request), await text_in(request)).shown, 201)

    async def read(request: Request) -> Response:
        return JSONResponse(found(book.own(await signed_in(request), request.path_params["job"])).shown)

    async def listed(request: Request) -> Response:
        return JSONResponse(book.of(await signed_in(request)))

    async def watched(request: Request) -> Response:
        user, job = await signed_in(request), request.path_params["job"]
        found(book.get(job) if leaky else book.own(user, job))
        return StreamingResponse(progress(), media_type="text/event-stream")

    return Starlette(
        routes=[
            Route("/jobs", write, methods=["POST"]),
            Route("/jobs", listed),
            Route("/jobs/{job}", read),
            Route("/jobs/{job}/progress", watched),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
