"""Notes on plain Starlette. Mistake (A25, C6): what is listed and searched is cached without the user in the key.

The entries of the cache are dropped when the user who filled them writes. It shows when one user asks after another
has: no two requests need to be under way at once.
"""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.services.apps.asking import found, signed_in, text_in
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook

Answer = list[dict[str, str]]


class Cache:
    """Answers, and who asked for them."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._answers: dict[tuple[str, ...], tuple[str, Answer]] = {}

    def key(self, user: str, request: Request) -> tuple[str, ...]:
        """Return what a request's answer is kept under."""
        asked = (request.url.path, request.url.query)
        return asked if self._leaky else (user, *asked)

    def get(self, user: str, request: Request) -> Answer | None:
        """Return the answer, if it is kept."""
        _, answer = self._answers.get(self.key(user, request), ("", None))
        return answer

    def put(self, user: str, request: Request, answer: Answer) -> None:
        """Keep an answer."""
        self._answers[self.key(user, request)] = (user, answer)

    def drop(self, user: str) -> None:
        """Forget what this user's writing makes stale."""
        self._answers = {key: kept for key, kept in self._answers.items() if kept[0] != user}


def make_app(leaky: bool) -> Starlette:
    """Return the service."""
    book, cache = Notebook(), Cache(leaky)

    async def write(request: Request) -> JSONResponse:
        user, text = await signed_in(request), await text_in(request)
        cache.drop(user)
        return JSONResponse(book.add(user, text).shown, 201)

    async def read(request: Request) -> JSONResponse:
        user = await signed_in(request)
        return JSONResponse(found(book.own(user, request.path_params["note"])).shown)

    async def listed(request: Request) -> JSONResponse:
        user = await signed_in(request)
        answer = cache.get(user, request)
        if answer is None:
            answer = book.of(user, request.query_params.get("containing", ""))
            cache.put(user, request, answer)
        return JSONResponse(answer)

    return Starlette(
        routes=[
            Route("/notes", write, methods=["POST"]),
            Route("/notes", listed),
            Route("/search", listed),
            Route("/notes/{note}", read),
        ]
    )


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
