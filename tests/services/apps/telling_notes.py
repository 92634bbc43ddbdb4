"""Notes on FastAPI. Mistake (E3): a note of somebody else is refused with 403, one that does not exist with 404.

So whoever asks for ids is told which of them exist; it shows when somebody asks for both kinds.
"""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, HTTPException

from tests.services.apps.asking import found
from tests.services.apps.dependencies import Text, Who
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    app, book = FastAPI(), Notebook()

    @app.post("/notes", status_code=201)
    async def write(user: Who, body: Text) -> dict[str, str]:
        return book.add(user, body.text).shown

    @app.get("/notes/{note}")
    async def read(user: Who, note: str) -> dict[str, str]:
        if leaky and found(book.get(note)).owner != user:
            raise HTTPException(403, "not your note")
        return found(book.own(user, note)).shown

    @app.get("/notes")
    async def listed(user: Who) -> list[dict[str, str]]:
        return book.of(user)

    return app


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
