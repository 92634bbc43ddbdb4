"""Documents on FastAPI and PostgreSQL, which shows each tenant its own rows. Mistake (C5): a tenant is left behind.

Row security reads the session variable `app.tenant`. It is set when a connection is taken from the pool and reset when
it goes back, but not when the request failed in between; and what is set is not set again. The one way to fail there is
a text over 256 kB, which the table refuses: from then on everybody who is given this connection is that tenant.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException

from tests.services.apps.dependencies import Text, Who
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.private_servers import postgres_server

CONNECTIONS = 2
SCHEMA = """
create table documents (
    id text primary key,
    number serial,
    tenant text not null default current_setting('app.tenant'),
    text text not null check (octet_length(text) <= 256 * 1024)
);
alter table documents enable row level security;
create policy own on documents using (tenant = current_setting('app.tenant'));
create role service login;
grant all on all tables in schema public to service;
grant all on all sequences in schema public to service;
"""


class Pool:
    """Connections on which a tenant is set while they are taken."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._free: asyncio.LifoQueue[asyncpg.Connection] = asyncio.LifoQueue()
        self._set: set[asyncpg.Connection] = set()

    async def fill(self, host: str) -> None:
        """Connect, the owner first, who makes the tables."""
        owner = await asyncpg.connect(host=host, user="owner", database="postgres")
        await owner.execute(SCHEMA)
        await owner.close()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncpg.connect(host=host, user="service", database="postgres"))

    @asynccontextmanager
    async def taken_by(self, tenant: str) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection to a tenant."""
        connection = await self._free.get()
        try:
            if fresh := connection not in self._set:
                await connection.execute("select set_config('app.tenant', $1, false)", tenant)
                self._set.add(connection)
            yield connection
            if fresh:
                await self._reset(connection)
        except BaseException:
            if not self._leaky:
                await self._reset(connection)
            raise
        finally:
            self._free.put_nowait(connection)

    async def _reset(self, connection: asyncpg.Connection) -> None:
        await connection.execute("reset app.tenant")
        self._set.discard(connection)

    async def close(self) -> None:
        """Close what is not in use."""
        while not self._free.empty():
            await self._free.get_nowait().close()


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    pool = Pool(leaky)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with postgres_server() as host:
            await pool.fill(host)
            yield
            await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/documents", status_code=201)
    async def write(user: Who, body: Text) -> dict[str, str]:
        if not _storable(body.text):
            raise HTTPException(422, "a text has no NUL and no surrogates")
        document = uuid.uuid4().hex
        try:
            async with pool.taken_by(_tenant(user)) as connection:
                await connection.execute("insert into documents (id, text) values ($1, $2)", document, body.text)
        except asyncpg.CheckViolationError as error:
            raise HTTPException(413, "a text has at most 256 kB") from error
        return {"id": document, "text": body.text}

    @app.get("/documents/{document}")
    async def read(user: Who, document: str) -> dict[str, str]:
        known = document if _storable(document) else ""
        async with pool.taken_by(_tenant(user)) as connection:
            row = await connection.fetchrow("select id, text from documents where id = $1", known)
        if row is None:
            raise HTTPException(404, "no such document")
        return dict(row)

    @app.get("/documents")
    async def listed(user: Who) -> list[dict[str, str]]:
        async with pool.taken_by(_tenant(user)) as connection:
            return [dict(row) for row in await connection.fetch("select id, text from documents order by number")]

    return app


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _tenant(user: str) -> str:
    return user.encode("utf-8", "surrogatepass").hex()


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
