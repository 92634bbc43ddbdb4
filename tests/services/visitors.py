"""People who use a service as its adapter says, over plain httpx: what the tests of the services are made with."""

from __future__ import annotations

import asyncio
import runpy
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx

from harness.adapter.adapter import Adapter, Route, fill
from harness.history.model import Credential, User
from tests.services.catalogue import SERVICES

HERE = Path(__file__).parent
TIMEOUT_S = 10.0


@cache
def adapter_of(name: str) -> Adapter:
    """Return the adapter of a service."""
    adapter: Adapter = runpy.run_path(str(HERE / SERVICES[name].target))["adapter"]
    return adapter


class Person:
    """A user of a service, signed in.

    Args:
        adapter: of the service.
        http: what the requests are made with; connections are its own.
        headers: that prove who it is.
    """

    def __init__(self, adapter: Adapter, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.adapter = adapter
        self.http = http
        self.headers = headers
        self._write = next(route for route in adapter.routes if route.makes)
        self._kind = self._write.makes

    async def post(self, text: str, route: str = "") -> httpx.Response:
        """Return the answer to writing a text."""
        write = self.adapter.route(route) if route else self._write
        return await self._ask(write, {"canary": text})

    async def write(self, text: str) -> str:
        """Write a text, which must be answered with it; return the object's id."""
        answer = await self.post(text)
        assert 201 == answer.status_code, answer.text
        made = self.shown(answer)
        assert text == made["text"]
        return str(made["id"])

    def shown(self, answer: httpx.Response) -> dict[str, Any]:
        """Return the object that an answer has in it."""
        made: dict[str, Any] = answer.json()
        for part in self._write.id.split(".")[:-1]:
            made = made[part]
        return made

    async def read(self, made: str) -> httpx.Response:
        """Return the answer to reading an object."""
        route = next(route for route in self.adapter.routes if route.slots and route.reads)
        return await self._ask(route, {self._kind: made})

    async def listed(self) -> httpx.Response:
        """Return the answer to listing one's own objects."""
        return await self._ask(self._listing, {})

    async def get(self, path: str, **query: str) -> httpx.Response:
        """Return the answer to any other request."""
        return await self.http.get(path, params=query, headers=self.headers)

    @property
    def _listing(self) -> Route:
        return next(route for route in self.adapter.routes if route.name.startswith("list_"))

    async def _ask(self, route: Route, given: dict[str, str]) -> httpx.Response:
        body: dict[str, Any] = {"json": fill(route.json, given)} if route.json is not None else {}
        if route.text is not None:
            body = {"content": fill(route.text, given).encode()}
        return await self.http.request(
            route.method, fill(route.path, given), params=dict(route.query), headers=self.headers, **body
        )


class Visitors:
    """Whoever uses a service while a block runs. Everybody has connections of their own, unless told otherwise."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.adapter = adapter_of(name)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._stack.aclose()

    async def client(self, **options: Any) -> httpx.AsyncClient:
        """Return connections that are closed when the block ends."""
        return await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT_S, trust_env=False, verify=False, **options)
        )

    async def person(
        self, name: str, http: httpx.AsyncClient | None = None, credential: Credential = Credential.VALID
    ) -> Person:
        """Sign somebody in."""
        http = http or await self.client()
        headers = await self.adapter.sign_in.headers(User(0, name, credential), http)
        return Person(self.adapter, http, dict(headers))

    async def two(self) -> tuple[Person, Person]:
        """Sign two people in."""
        return await self.person("alice"), await self.person("bob")


async def at_once(*asked: Any) -> list[Any]:
    """Return the results of what is done at once."""
    return list(await asyncio.gather(*asked))
