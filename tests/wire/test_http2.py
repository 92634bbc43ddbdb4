"""Over HTTP/2 a shared connection carries requests of several users at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from harness.scenario.program import RequestOptions
from harness.transport.exchange import Asked, Exchange

USERS = 3


class Gathering:
    """Answers nobody until USERS requests are there, and then says by which protocol and port each came."""

    def __init__(self) -> None:
        self._all = asyncio.Barrier(USERS)

    async def answer(self, request: Request) -> JSONResponse:
        await asyncio.wait_for(self._all.wait(), 10)
        return JSONResponse([request.scope["http_version"], request.client.port if request.client else 0])


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config, ended = Config(), asyncio.Event()
    config.bind = [f"fd://{listener.detach()}"]  # it closes what it is given
    app = Starlette(routes=[Route("/", Gathering().answer)])
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=ended.wait))
    try:
        yield url
    finally:
        ended.set()
        await serving


@pytest.mark.asyncio
async def test_requests_of_several_users_are_multiplexed() -> None:
    """All are at work at once, on one TCP connection: over HTTP/1.1 the second would wait for the first for ever."""
    async with served() as url:
        exchange = Exchange(url, http2=True)
        shared = RequestOptions(connection="shared")
        asked = [exchange.ask(Asked("GET", "/", {}, {}, b""), shared, f"user {user}") for user in range(USERS)]
        answers = [answer.json() for answer in await asyncio.gather(*asked)]
        await exchange.close()
    assert ({"2"}, 1) == ({version for version, _ in answers}, len({port for _, port in answers}))
