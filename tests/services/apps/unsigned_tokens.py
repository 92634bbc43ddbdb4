"""Notes on FastAPI. Mistake (E5): a token that says it needs no signature (`alg: none`) is believed.

Any other token must be well signed. So it shows only to somebody who tries one without a signature.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, Request

from tests.services.apps.asking import found, signed_in
from tests.services.apps.dependencies import Text
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Notebook
from tests.services.apps.tokens import SCHEME


async def asking(request: Request) -> str:
    """Return the user who asks."""
    user = unsigned(request) if request.app.state.leaky else None
    return await signed_in(request) if user is None else user


def unsigned(request: Request) -> str | None:
    """Return whom a token names that has no signature."""
    token = request.headers.get("authorization", "").removeprefix(SCHEME)
    try:
        if jwt.get_unverified_header(token).get("alg") == "none":
            return str(jwt.decode(token, options={"verify_signature": False})["sub"])
    except (jwt.InvalidTokenError, KeyError):
        return None
    return None


User = Annotated[str, Depends(asking)]


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    app, book = FastAPI(), Notebook()
    app.state.leaky = leaky

    @app.post("/notes", status_code=201)
    async def write(user: User, body: Text) -> dict[str, str]:
        return book.add(user, body.text).shown

    @app.get("/notes/{note}")
    async def read(user: User, note: str) -> dict[str, str]:
        return found(book.own(user, note)).shown

    @app.get("/notes")
    async def listed(user: User) -> list[dict[str, str]]:
        return book.of(user)

    return app


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
