"""Search in one's own notes on FastAPI, in batches. Mistake (like B10): answers of a large batch are in another order.

Searches that come within a few milliseconds are answered together. Eight or more are sorted first, so that equal ones
stand side by side, and the answers are then handed out in the order in which the requests came. So it shows in bursts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI

from tests.services.apps.asking import found
from tests.services.apps.dependencies import Text, Who
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook

WINDOW_S = 0.01
LARGE = 8


@dataclass(frozen=True, slots=True)
class Search:
    """One that waits for its answer."""

    user: str
    text: str
    answer: asyncio.Future[dict[str, Any]]


class Batches:
    """Searches, answered together."""

    def __init__(self, book: Notebook, leaky: bool) -> None:
        self._book = book
        self._leaky = leaky
        self._waiting: list[Search] = []

    async def search(self, user: str, text: str) -> dict[str, Any]:
        """Return the user's notes with this in them."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(WINDOW_S, self._answer)
        search = Search(user, text, loop.create_future())
        self._waiting.append(search)
        return await search.answer

    def _answer(self) -> None:
        batch, self._waiting = self._waiting, []
        asked = batch
        if len(batch) >= LARGE:
            asked = sorted(batch, key=lambda search: (search.text, search.user))
        answers = [{"text": search.text, "found": self._book.of(search.user, search.text)} for search in asked]
        for search, answer in zip(batch if self._leaky else asked, answers, strict=True):
            if not search.answer.done():
                search.answer.set_result(answer)


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    app, book = FastAPI(), Notebook()
    batches = Batches(book, leaky)

    @app.post("/notes", status_code=201)
    async def write(user: Who, body: Text) -> dict[str, str]:
        return book.add(user, body.text).shown

    @app.get("/notes/{note}")
    async def read(user: Who, note: str) -> dict[str, str]:
        return found(book.own(user, note)).shown

    @app.get("/notes")
    async def listed(user: Who) -> list[dict[str, str]]:
        return book.of(user)

    @app.get("/search")
    async def search(user: Who, text: str = "") -> dict[str, Any]:
        return await batches.search(user, text)

    return app


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
