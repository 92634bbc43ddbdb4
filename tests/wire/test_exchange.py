"""Each request travels as its options say, as a plain TCP server sees it that counts connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.history.model import Unreachable
from harness.scenario.program import RequestOptions
from harness.transport.exchange import Asked, Exchange


class Peer:
    """Answers every request with the number of its connection, and a cookie; after `/wait` it does not answer."""

    def __init__(self) -> None:
        self.connections = 0
        self.heard: list[bytes] = []
        self.ended = asyncio.Event()
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heard.append(head + await self._body(head, reader))
                if b"/once" in head and number == 1:
                    return
                if b"/wait" in head:
                    self.asked.set()
                    await reader.read()
                    return
                body = str(number).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: c=%b\r\ncontent-length: 1\r\n\r\n%b" % (body, body))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            self.ended.set()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        if b"chunked" in head:
            return await reader.readuntil(b"0\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        return await reader.readexactly(int(length[0].split(b":")[1])) if length else b""


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Peer, Exchange]]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    exchange = Exchange(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield peer, exchange
    finally:
        await exchange.close()
        server.close()


def get(path: str = "/", body: bytes = b"") -> Asked:
    return Asked("POST" if body else "GET", path, {}, {}, body)


@pytest.mark.asyncio
async def test_a_named_connection_is_one_for_all_who_name_it() -> None:
    """Requests of several users, at once and later, come over one TCP connection."""
    async with connected() as (peer, exchange):
        shared = RequestOptions(connection="shared")
        asked = [exchange.ask(get(), shared, f"user {user}") for user in range(4)]
        answers = [*await asyncio.gather(*asked), await exchange.ask(get(), shared, "user 9")]
        assert ({"1"}, 1) == ({answer.text for answer in answers}, peer.connections)


@pytest.mark.asyncio
async def test_without_a_name_each_user_has_their_own() -> None:
    """No two users meet on a connection."""
    async with connected() as (_, exchange):
        answers = [await exchange.ask(get(), RequestOptions(), f"user {user}") for user in (0, 1, 0, 1)]
        assert ["1", "2", "1", "2"] == [answer.text for answer in answers]


@pytest.mark.asyncio
async def test_no_cookie_is_kept() -> None:
    """What one user was given is not sent in the name of the next."""
    async with connected() as (peer, exchange):
        for user in range(2):
            await exchange.ask(get(), RequestOptions(connection="shared"), f"user {user}")
        assert [] == [head for head in peer.heard if b"cookie" in head.lower()]


@pytest.mark.asyncio
async def test_who_hangs_up_closes_the_connection() -> None:
    """The service sees the end of it, while it is still at work."""
    async with connected() as (peer, exchange):
        with pytest.raises(TimeoutError):
            await exchange.ask(get("/wait"), RequestOptions(hang_up_s=0.5), "user 0")
        await asyncio.wait_for(peer.ended.wait(), 5)


@pytest.mark.asyncio
async def test_what_changes_nothing_is_asked_again_when_its_connection_is_closed() -> None:
    """A server may close a kept-alive connection just when it is used again, and no client takes that for an answer."""
    async with connected() as (peer, exchange):
        assert b"2" == (await exchange.ask(Asked("GET", "/once", {}, {}, b""), RequestOptions(), "user 0")).body
    async with connected() as (peer, exchange):
        with pytest.raises(ConnectionError, match="without sending a response"):
            await exchange.ask(Asked("POST", "/once", {}, {}, b""), RequestOptions(), "user 0")
        assert 1 == peer.connections


@pytest.mark.asyncio
async def test_a_half_closed_connection_still_gets_its_answer() -> None:
    """Who has nothing more to say can still listen."""
    async with connected() as (_, exchange):
        assert "1" == (await exchange.ask(get(body=b"hello"), RequestOptions(half_closed=True), "user 0")).text


@pytest.mark.asyncio
async def test_a_half_closed_connection_asks_under_the_services_own_path() -> None:
    """A service that lives under a prefix is asked there, as by every other request."""
    async with connected() as (peer, exchange):
        prefixed = Exchange(f"{exchange.url}/api")
        for options in (RequestOptions(half_closed=True), RequestOptions()):
            await prefixed.ask(Asked("GET", "/notes", {"q": "a b"}, {}, b""), options, "user 0")
        await prefixed.close()
        first, second = (head.split(b"\r\n")[0] for head in peer.heard)
        assert first == second == b"GET /api/notes?q=a+b HTTP/1.1"


@pytest.mark.asyncio
async def test_a_body_in_pieces_is_the_same_body() -> None:
    """It is chunked, and nothing is lost."""
    async with connected() as (peer, exchange):
        await exchange.ask(get(body=b"abcdef"), RequestOptions(pieces=3), "user 0")
        assert (True, True) == (b"chunked" in peer.heard[0].lower(), b"2\r\ncd\r\n" in peer.heard[0])


@pytest.mark.asyncio
async def test_a_service_that_is_gone_is_unreachable() -> None:
    """One sentence says where nobody is, and what to do."""
    async with connected() as (_, exchange):
        url = exchange.url
    with pytest.raises(Unreachable, match="start the service"):
        await Exchange(url).check()
