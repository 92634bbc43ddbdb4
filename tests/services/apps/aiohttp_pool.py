"""Letters on aiohttp, kept by an upstream behind a pool of connections. Mistake (D5): a reply is left in one.

A client that hangs up between the request to the upstream and its reply ends the handler there. The connection goes
back to the pool all the same, and its next user is given the reply that was not fetched, as is everyone after.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.services.apps.listening import announce, bound_socket, is_leaky, until_told
from tests.services.apps.notebook import Notebook
from tests.services.apps.tokens import user_of

CONNECTIONS = 2
REPLY_S = 0.02
"""How long the upstream thinks."""
LONGEST_LINE = 256 * 1024 * 1024
LARGEST_BODY = 16 * 1024 * 1024
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, book: Notebook) -> None:
    """Answer lines of JSON with lines of JSON: what keeps the letters. It is right."""
    while line := await reader.readline():
        asked = json.loads(line)
        if asked["do"] == "write":
            reply: Any = book.add(asked["user"], asked["text"]).shown
        elif asked["do"] == "read":
            letter = book.own(asked["user"], asked["id"])
            reply = None if letter is None else letter.shown
        else:
            reply = book.of(asked["user"])
        await asyncio.sleep(REPLY_S)
        writer.write(json.dumps(reply).encode() + b"\n")
    writer.close()


class Pool:
    """A few connections to the upstream."""

    def __init__(self, port: int, leaky: bool) -> None:
        self._port = port
        self._leaky = leaky
        self._free: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)

    async def ask(self, **asked: str) -> Any:
        """Return the upstream's reply."""
        connection = await self._free.get()
        try:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", self._port, limit=LONGEST_LINE)
            reader, writer = connection
            writer.write(json.dumps(asked).encode() + b"\n")
            return json.loads(await reader.readline())
        except BaseException:
            if connection is not None and not self._leaky:
                connection[1].close()
                connection = None
            raise
        finally:
            self._free.put_nowait(connection)


def make_app(pool: Pool) -> web.Application:
    """Return the service."""

    def signed_in(request: web.Request) -> str:
        user = user_of(request.headers.get("authorization"))
        if user is None:
            raise web.HTTPUnauthorized
        return user

    async def write(request: web.Request) -> web.Response:
        user, body = signed_in(request), await request.json()
        return web.json_response(await pool.ask(do="write", user=user, text=str(body["text"])), status=201)

    async def read(request: web.Request) -> web.Response:
        reply = await pool.ask(do="read", user=signed_in(request), id=request.match_info["letter"])
        return web.json_response(reply, status=404 if reply is None else 200)

    async def listed(request: web.Request) -> web.Response:
        return web.json_response(await pool.ask(do="list", user=signed_in(request)))

    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes([web.post("/letters", write), web.get("/letters", listed), web.get("/letters/{letter}", read)])
    return app


async def main() -> None:
    """Serve until told to end."""
    book, listening = Notebook(), bound_socket()
    behind = await asyncio.start_server(lambda *c: upstream(*c, book), "127.0.0.1", 0, limit=LONGEST_LINE)
    app = make_app(Pool(behind.sockets[0].getsockname()[1], is_leaky()))
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    announce(listening.getsockname()[1])
    await until_told()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
