"""A board of posts on FastAPI and SQLite. Mistake (A23, D3): the user who asks is kept on the application.

It is written there when a request comes in and read after the database was asked, so it shows when requests of several
users are under way at once.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import aiosqlite
from fastapi import Depends, FastAPI, HTTPException, Request

from tests.services.apps.asking import signed_in
from tests.services.apps.dependencies import Text
from tests.services.apps.listening import is_leaky, serve_asgi

SCHEMA = """
create table boards (name text primary key, is_open integer not null);
insert into boards values ('main', 1);
create table posts (id text primary key, owner text not null, text text not null);
"""


@asynccontextmanager
async def database(app: FastAPI) -> AsyncIterator[None]:
    """Keep the tables while the service runs."""
    async with aiosqlite.connect(":memory:") as app.state.database:
        await app.state.database.executescript(SCHEMA)
        yield


async def asked(request: Request, statement: str, *values: str) -> list[Any]:
    """Return the rows of a statement."""
    return list(await request.app.state.database.execute_fetchall(statement, values))


async def board_is_open(request: Request) -> None:
    """Refuse everything while the board is closed; remember who asks."""
    holder = request.app if request.app.state.leaky else request
    holder.state.user = await signed_in(request)
    if not await asked(request, "select 1 from boards where name = 'main' and is_open"):
        raise HTTPException(503, "the board is closed")


async def current_user(request: Request, opened: Annotated[None, Depends(board_is_open)]) -> str:
    """Return who asks."""
    holder = request.app if request.app.state.leaky else request
    return str(holder.state.user)


User = Annotated[str, Depends(current_user)]


async def write(request: Request, user: User, body: Text) -> dict[str, str]:
    """Make a post."""
    post = uuid.uuid4().hex
    await asked(request, "insert into posts values (?, ?, ?)", post, user, body.text)
    return {"id": post, "text": body.text}


async def read(request: Request, user: User, post: str) -> dict[str, str]:
    """Return a post."""
    rows = await asked(request, "select id, text from posts where id = ? and owner = ?", post, user)
    if not rows:
        raise HTTPException(404, "no such post")
    return {"id": rows[0][0], "text": rows[0][1]}


async def listed(request: Request, user: User) -> dict[str, Any]:
    """Return all posts of the user."""
    rows = await asked(request, "select id, text from posts where owner = ? order by rowid", user)
    return {"posts": [{"id": post, "text": text} for post, text in rows]}


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    app = FastAPI(lifespan=database)
    app.state.leaky = leaky
    app.post("/posts", status_code=201)(write)
    app.get("/posts/{post}")(read)
    app.get("/posts")(listed)
    return app


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
