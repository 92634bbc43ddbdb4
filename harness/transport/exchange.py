"""Sends requests, each with its own options, over connections that have names.

Rules:

- A named connection is one TCP connection, kept alive, as a reverse proxy has to a service: whoever uses it waits until
  it is free. Without a name a user has connections of their own.
- No cookie is kept between requests: who a request is of is said by its headers alone, also where users share a
  connection.
- A client that hangs up closes its TCP connection.

HTTP by httpx; a half-closed connection by asyncio's streams and h11, as httpx cannot close one direction.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from statistics import median
from typing import Any

import h11
import httpx

from harness.adapter.adapter import Channel
from harness.history.model import Unreachable
from harness.scenario.program import Reading, RequestOptions
from harness.transport.answers import Answer
from harness.transport.channels import OnFrame, OpenChannel, Opening, open_channel

TIMEOUT_S = 30.0
PIECE_PAUSE_S = 0.005
"""Between two pieces that are sent, or that a slow reader reads."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NO_RESPONSE = "without sending a response"
"""Stands in what httpcore says of a connection that was closed before any answer."""
MOST_CONNECTIONS = 100
"""Of one user, or of one that is not named."""
TRIED_S, TRIED_RTTS = 0.5, 10
"""How long a channel must stay open to count as open, and a message is waited for that says something was done: so many
seconds, or usual round-trip times if these are more."""
MOST_RTTS = 1_000
"""Round-trip times that are remembered: the newest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, ready to be sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """Connections to one service over real sockets. Close it at the end.

    Args:
        url: of the service.
        http2: whether it speaks HTTP/2 without TLS; then a named connection carries several requests at once.
    """

    def __init__(self, url: str, http2: bool = False) -> None:
        self.url = url
        self._http2 = http2
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.rtt_s: deque[float] = deque(maxlen=MOST_RTTS)
        """How long each answer took."""

    @property
    def patience_s(self) -> float:
        """How long something that the service does of its own accord is waited for."""
        return max(TRIED_S, TRIED_RTTS * median(self.rtt_s) if self.rtt_s else 0.0)

    async def open(self, channel: Channel, opening: Opening, own: str, on_frame: OnFrame) -> OpenChannel:
        """Open a channel; see `open_channel`."""
        return await open_channel(channel, opening, self.client(own), on_frame)

    def client(self, connection: str) -> httpx.AsyncClient:
        """Return what sends over the connection of this name, or over connections of a user's own (`user 3`)."""
        if connection not in self._clients:
            own = connection.startswith("user ")
            limits = httpx.Limits(max_connections=MOST_CONNECTIONS if own else 1, max_keepalive_connections=1)
            self._clients[connection] = httpx.AsyncClient(
                base_url=self.url,
                limits=limits,
                timeout=TIMEOUT_S,
                trust_env=False,
                http1=not self._http2,
                http2=self._http2,
                cookies=no_cookies(),
                headers={"accept": "*/*"},
            )
        return self._clients[connection]

    async def ask(self, asked: Asked, options: RequestOptions, own: str) -> Answer:
        """Send a request, and return what came back.

        A request that changes nothing is sent once more where its connection was closed before any answer: a server may
        close a connection that was kept alive just when it is used again (RFC 9110, section 9.2.2).

        Args:
            asked: what.
            options: how.
            own: name of the user's own connections.

        Raises:
            ConnectionError: no answer came; nobody knows whether it happened.
            TimeoutError: the client hung up before the answer came.
        """
        if options.half_closed and not self.url.startswith("https"):  # TLS knows no such thing: sent as usual there
            return await self._half_closed(asked)
        try:
            try:
                return await self._send(asked, options, own)
            except httpx.RemoteProtocolError as error:
                if asked.method not in SAFE or NO_RESPONSE not in str(error):
                    raise
                return await self._send(asked, options, own)
        except httpx.HTTPError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error

    async def _send(self, asked: Asked, options: RequestOptions, own: str) -> Answer:
        clock = asyncio.get_running_loop().time  # which may be virtual
        began_s = clock()
        client = self.client(options.connection or own)
        content: Any = asked.body if options.pieces == 1 else _pieces(asked.body, options.pieces)
        request = client.build_request(
            asked.method, asked.path, params=asked.query or None, headers=dict(asked.headers), content=content or None
        )
        async with asyncio.timeout(options.hang_up_s):
            response = await client.send(request, stream=True)
            try:
                answer = await _read(response, options.reading)
                self.rtt_s.append(clock() - began_s)
                return answer
            finally:
                await response.aclose()

    async def check(self) -> None:
        """Tell a service that is gone from one that dropped a connection.

        Raises:
            Unreachable: it is gone.
        """
        where = httpx.URL(self.url)
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(where.host, _port(where)), 5)
        except (OSError, TimeoutError) as error:
            raise Unreachable(
                f"{self.url} cannot be reached ({type(error).__name__}: {error}): start the service, and see `url` of "
                "the adapter or --url"
            ) from error
        writer.close()

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()), return_exceptions=True)
        self._clients.clear()

    async def _half_closed(self, asked: Asked) -> Answer:
        where = self.client("half-closed").build_request(asked.method, asked.path, params=asked.query or None).url
        try:
            reader, writer = await asyncio.open_connection(where.host, _port(where))
        except OSError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        peer = h11.Connection(h11.CLIENT)
        headers = [("host", where.netloc.decode()), *asked.headers.items(), ("content-length", str(len(asked.body)))]
        try:
            for event in (
                h11.Request(method=asked.method, target=where.raw_path, headers=headers),
                h11.Data(data=asked.body),
                h11.EndOfMessage(),
            ):
                writer.write(peer.send(event) or b"")
            writer.write_eof()
            async with asyncio.timeout(TIMEOUT_S):
                return await _answer_of(peer, reader)
        except (h11.ProtocolError, OSError) as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        finally:
            writer.close()


def no_cookies() -> CookieJar:
    """Return a jar that keeps none."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


async def _read(response: httpx.Response, reading: Reading) -> Answer:
    headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
    body = bytearray()
    complete = True
    if reading is Reading.BEGINNING:
        async for piece in response.aiter_bytes():
            body += piece
            complete = False
            break
    elif reading is Reading.SLOWLY:
        async for piece in response.aiter_bytes(1024):
            body += piece
            await asyncio.sleep(PIECE_PAUSE_S)
    else:
        body += await response.aread()
    return Answer(response.status_code, headers, bytes(body), complete)


async def _answer_of(peer: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, body = 0, bytearray()
    headers: tuple[tuple[str, str], ...] = ()
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = tuple((name.decode(), value.decode("latin-1")) for name, value in event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionError("the service closed a half-closed connection without an answer")


async def _pieces(body: bytes, count: int) -> AsyncIterator[bytes]:
    length = max(1, -(-len(body) // count))
    for start in range(0, len(body), length):
        yield body[start : start + length]
        await asyncio.sleep(PIECE_PAUSE_S)


def _port(where: httpx.URL) -> int:
    return where.port or (443 if where.scheme == "https" else 80)
