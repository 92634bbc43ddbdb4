"""An ASGI application in this process, asked without a socket, under any event loop.

A request runs in the task that asks, so cancelling the caller cancels the application at the await it is at, which no
client over a network can do. A stream, and a WebSocket, run in tasks of their own.

What the options of a request ask of a connection (whose it is, half-closed) mean nothing here, and are left out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from harness.adapter.adapter import Channel
from harness.history.model import Refused, Unreachable, Value
from harness.transport.answers import json_in
from harness.transport.asgi import Application, Message, WebSocket
from harness.transport.channels import IN_ORDER, Closing, Ending, OnFrame, OpenChannel, Opening, open_channel
from harness.transport.exchange import Exchange, no_cookies

PATIENCE_S = 0.02
"""How long something that the application does of its own accord is waited for."""
URL = "http://target"


class MemoryExchange(Exchange):
    """Connections to one application in this process.

    Args:
        app: started already; see `harness.transport.asgi.Lifespan`.
    """

    def __init__(self, app: Application) -> None:
        super().__init__(URL)
        self._app = app
        self._asking = _client(httpx.ASGITransport(app=app, raise_app_exceptions=False))
        self._streaming = _client(_Streaming(app))

    @property
    def patience_s(self) -> float:
        """How long something that the application does of its own accord is waited for."""
        return PATIENCE_S

    def client(self, connection: str) -> httpx.AsyncClient:
        """Return what asks the application: the same for everybody, as it keeps nothing of anybody."""
        return self._asking

    async def open(self, channel: Channel, opening: Opening, own: str, on_frame: OnFrame) -> OpenChannel:
        """Open a channel; see `open_channel`.

        Raises:
            Unreachable: it speaks Socket.IO, which needs sockets.
        """
        if channel.protocol == "websocket":
            socket = _Socket(self._app, opening, on_frame)
            await socket.open()
            return socket
        if channel.protocol == "socketio":
            raise Unreachable(f"channel {channel.name} speaks Socket.IO, which needs sockets: verify it over the wire")
        return await open_channel(channel, opening, self._streaming, on_frame)

    async def check(self) -> None:
        """An application in this process is always there."""

    async def close(self) -> None:
        """Close both clients."""
        await asyncio.gather(self._asking.aclose(), self._streaming.aclose())


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=transport, base_url=URL, headers={"accept": "*/*"}, trust_env=False, cookies=no_cookies()
    )


class _Socket:
    """A WebSocket as a channel."""

    def __init__(self, app: Application, opening: Opening, on_frame: OnFrame) -> None:
        self._on_frame = on_frame
        self._ending = Ending(on_frame)
        path, _, query = opening.target.partition("?")
        self._socket = WebSocket(
            app,
            path,
            query=query,
            headers=opening.headers,
            subprotocols=opening.subprotocols,
            on_text=lambda text: self._ending.frame(json_in(text)),
            on_close=self._on_close,
        )

    async def open(self) -> None:
        await self._socket.open()

    async def refusal(self) -> Refused | None:
        return await self._ending.refusal()

    async def say(self, frame: Value) -> None:
        await self._socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def close(self) -> None:
        await self._socket.close()

    def _on_close(self, code: int, reason: str) -> None:
        self._on_frame(Closing(closed=code, reason=reason))
        self._ending.end(code, reason, in_order=code in IN_ORDER)


class _Streaming(httpx.AsyncBaseTransport):
    """Hands on a body as it comes, which `httpx.ASGITransport` does not."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        sent: asyncio.Queue[Message | None] = asyncio.Queue()
        asked: asyncio.Queue[Message] = asyncio.Queue()
        asked.put_nowait({"type": "http.request", "body": body, "more_body": False})
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        }

        async def run() -> None:
            try:
                await self._app(scope, asked.get, sent.put)
            finally:
                sent.put_nowait(None)

        task = asyncio.create_task(run(), name="stream")
        try:
            start = await sent.get()
        except asyncio.CancelledError:
            await _Body(task, sent, asked).aclose()
            raise
        if start is None:
            await asyncio.gather(task, return_exceptions=True)
            return httpx.Response(500, text=repr(task.exception() if not task.cancelled() else "cancelled"))
        return httpx.Response(start["status"], headers=start.get("headers", []), stream=_Body(task, sent, asked))


class _Body(httpx.AsyncByteStream):
    def __init__(
        self, task: asyncio.Task[None], sent: asyncio.Queue[Message | None], asked: asyncio.Queue[Message]
    ) -> None:
        self._task, self._sent, self._asked = task, sent, asked

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._sent.get()) is not None:
            yield message.get("body", b"")
            if not message.get("more_body"):
                return
        raise httpx.RemoteProtocolError("the application broke its answer off")

    async def aclose(self) -> None:
        self._asked.put_nowait({"type": "http.disconnect"})
        _, late = await asyncio.wait([self._task], timeout=1)
        for task in late:
            task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
