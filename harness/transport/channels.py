"""Opens what pushes to a user: a WebSocket, server-sent events, a body of lines, Socket.IO.

Rules:

- Whatever arrives is handed on as it came: JSON where it is JSON, text where it is not, of a long one what lies around
  marks; a closing with its reason, too.
- A refusal to open is an answer like any other: `Refused`. To some services it is one to accept, and then to close.

WebSockets by websockets, events by httpx-sse, Socket.IO by python-socketio (extra `socketio`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx
from httpx_sse import EventSource
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from harness.adapter.adapter import Channel
from harness.extras import need
from harness.history.model import Refused, Value
from harness.transport.answers import json_in
from harness.transport.network_socket import NetworkSocket

OPEN_S = 10.0
IN_ORDER = frozenset({1000, 1001})
"""Codes with which a WebSocket is closed when all has been said."""
OnFrame = Callable[[Value], None]
"""Called with whatever arrives."""


class Closing(dict[str, Value]):
    """The frame that says that a channel was closed, and with what: no service can send one."""


class OpenChannel(Protocol):
    """A channel that is open."""

    async def refusal(self) -> Refused | None:
        """Wait until the service closes it; return with what, or None when that is the end of what was served.

        It is when something was sent and then closed in good order.
        """

    async def say(self, frame: Value) -> None:
        """Send a message.

        Raises:
            ConnectionError: it is closed.
        """

    async def close(self) -> None:
        """Drop it at once."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a channel is opened: everything filled in.

    Args:
        url: of the service.
        path, query, headers: of the request.
        subprotocols: of a WebSocket.
    """

    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    subprotocols: Sequence[str] = ()

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}{'&' if '?' in self.path else '?'}{urlencode(self.query)}" if self.query else self.path


async def open_channel(channel: Channel, opening: Opening, http: httpx.AsyncClient, on_frame: OnFrame) -> OpenChannel:
    """Open a channel.

    Raises:
        MissingExtra: what is needed for it is not installed.
        Refused: the service said no.
        ConnectionError: the service broke the attempt off.
    """
    match channel.protocol:
        case "websocket":
            return await _websocket(opening, on_frame)
        case "socketio":
            return await _socketio(opening, on_frame)
        case "sse" | "lines":
            return await _streamed(channel.protocol, opening, http, on_frame)


class Ending:
    """Hands on what arrives, and tells how it ended."""

    def __init__(self, on_frame: OnFrame) -> None:
        self._on_frame = on_frame
        self._ended: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
        self._served = False

    def frame(self, value: Value) -> None:
        """Take in what has arrived."""
        self._served = True
        self._on_frame(value)

    def end(self, status: int, text: str, in_order: bool = False) -> None:
        """Take in that the service has closed the channel."""
        if not self._ended.done():
            self._ended.set_result(None if in_order and self._served else Refused(status, text))

    async def refusal(self) -> Refused | None:
        """Wait for the end: with what it came, or None when all was served."""
        return await asyncio.shield(self._ended)


class _WebSocket:
    def __init__(self, connection: ClientConnection, on_frame: OnFrame) -> None:
        self._on_frame = on_frame
        self._ending = Ending(on_frame)
        self._socket = NetworkSocket(connection, lambda text: self._ending.frame(json_in(text)), self._on_close)

    def _on_close(self, code: int, reason: str) -> None:
        self._on_frame(Closing(closed=code, reason=reason))
        self._ending.end(code, reason, in_order=code in IN_ORDER)

    async def refusal(self) -> Refused | None:
        return await self._ending.refusal()

    async def say(self, frame: Value) -> None:
        await self._socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def close(self) -> None:
        await self._socket.close()


async def _websocket(opening: Opening, on_frame: OnFrame) -> OpenChannel:
    url = opening.url.replace("http", "ws", 1).rstrip("/") + opening.target
    try:
        connection = await connect(
            url,
            additional_headers=dict(opening.headers),
            subprotocols=list(opening.subprotocols) or None,  # type: ignore[arg-type]
            proxy=None,
            open_timeout=OPEN_S,
        )
    except InvalidStatus as error:
        body = error.response.body or b""
        raise Refused(error.response.status_code, body.decode(errors="replace")) from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    return _WebSocket(connection, on_frame)


class _Streamed:
    """A body that does not end; nothing can be said over it."""

    def __init__(self, response: httpx.Response, pieces: AsyncIterator[Value], on_frame: OnFrame) -> None:
        self._response = response
        self._pieces = pieces
        self._on_frame = on_frame
        self._ending = Ending(on_frame)
        self._reader = asyncio.create_task(self._read(), name="stream reader")

    async def refusal(self) -> Refused | None:
        return await self._ending.refusal()

    async def say(self, frame: Value) -> None:
        raise ConnectionError("nothing can be said over a stream")

    async def close(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._response.aclose()

    async def _read(self) -> None:
        try:
            async for piece in self._pieces:
                self._ending.frame(piece)
        except (httpx.HTTPError, httpx.StreamError) as error:
            self._on_frame(Closing(closed=type(error).__name__))
            self._ending.end(self._response.status_code, type(error).__name__)
        else:
            self._ending.end(self._response.status_code, "", in_order=True)


async def _streamed(protocol: str, opening: Opening, http: httpx.AsyncClient, on_frame: OnFrame) -> OpenChannel:
    accept = {"accept": "text/event-stream"} if protocol == "sse" else {}
    request = http.build_request(
        "GET", opening.path, params=dict(opening.query) or None, headers={**accept, **opening.headers}
    )
    request.extensions["timeout"] = httpx.Timeout(OPEN_S, read=None).as_dict()
    try:
        async with asyncio.timeout(OPEN_S):
            response = await http.send(request, stream=True)
    except (httpx.HTTPError, TimeoutError) as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    if response.status_code >= 300:
        text = (await response.aread()).decode(errors="replace")
        await response.aclose()
        raise Refused(response.status_code, text)
    pieces = _events(response) if protocol == "sse" else _lines(response)
    return _Streamed(response, pieces, on_frame)


async def _events(response: httpx.Response) -> AsyncIterator[Value]:
    async for event in EventSource(response).aiter_sse():
        yield {"event": event.event, "id": event.id, "data": json_in(event.data)}


async def _lines(response: httpx.Response) -> AsyncIterator[Value]:
    async for line in response.aiter_lines():
        if line:
            yield json_in(line)


class _SocketIO:
    def __init__(self, client: Any, ending: Ending) -> None:
        self._client = client
        self._ending = ending

    async def refusal(self) -> Refused | None:
        return await self._ending.refusal()

    async def say(self, frame: Value) -> None:
        event, *arguments = frame if isinstance(frame, list) else ["message", frame]
        if not self._client.connected:
            raise ConnectionError("the socket is closed")
        await self._client.emit(event, tuple(arguments))

    async def close(self) -> None:
        await self._client.disconnect()


async def _socketio(opening: Opening, on_frame: OnFrame) -> OpenChannel:
    need("socketio", "a channel")
    import socketio

    client = socketio.AsyncClient(reconnection=False, logger=False, engineio_logger=False)

    ending = Ending(on_frame)

    async def hear(event: str, *arguments: Value) -> None:
        ending.frame({"event": event, "data": list(arguments)})

    async def ended(reason: str) -> None:
        ending.end(403, reason)

    client.on("*", hear)
    client.on("disconnect", ended)
    try:
        await client.connect(
            opening.url.rstrip("/") + (f"?{urlencode(opening.query)}" if opening.query else ""),
            headers=dict(opening.headers),
            auth=dict(opening.headers),
            socketio_path=opening.path.strip("/"),
            wait_timeout=OPEN_S,
        )
    except socketio.exceptions.ConnectionError as error:
        raise Refused(403, str(error)) from error
    return _SocketIO(client, ending)
