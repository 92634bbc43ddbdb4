"""Notes on Starlette, with a memo for each request. Mistake (A8): numbers of requests come again after 512.

What a request has looked up is kept under its number, and never thrown away. So it shows only after many requests, when
one finds the memo of another, and in it who asked then.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook

NUMBERS = 512


class Memos:
    """What each request has looked up."""

    def __init__(self, leaky: bool) -> None:
        self._numbers: Iterator[int] = itertools.cycle(range(NUMBERS)) if leaky else itertools.count()
        self._memos: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self._leaky = leaky

    async def account(self, request: Request) -> str:
        """Return the account of the user who asks, looked up once a request."""
        number, user = next(self._numbers), await signed_in(request)
        account = self._memos[number].setdefault("account", user)
        if not self._leaky:
            del self._memos[number]
        return account


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book, memos = Notebook(), Memos(leaky)

    async def write(request: Request) -> JSONResponse:
        account, text = await memos.account(request), await text_in(request)
        return JSONResponse(book.add(account, text).shown, 201)

    async def read(request: Request) -> JSONResponse:
        return JSONResponse(found(book.own(await memos.account(request), request.path_params["note"])).shown)

    async def listed(request: Request) -> JSONResponse:
        return JSONResponse({"notes": book.of(await memos.account(request))})

    return Starlette(
        routes=[
            Route("/notes", write, methods=["POST"]),
            Route("/notes", listed),
            Route("/notes/{note}", read),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
