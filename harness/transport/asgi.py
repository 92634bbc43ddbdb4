"""Runs an ASGI application in this process: lifespan, and WebSocket. HTTP goes through `httpx.ASGITransport`.

A request runs in the task that asks, so cancelling the caller cancels the application at the await it is at, which
no client over a network can do.

Source: ASGI 3.0, the lifespan and websocket specifications (asgi.readthedocs.io).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote

from harness.history.model import Refused, Unreachable

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


LIFESPAN_S = 30.0
"""How long an application may take to start, and to stop."""


NOTICED_S = 5.0
"""How long an application may take to notice that a client has gone."""


class Lifespan:
    """Starts and stops an application. Use as an async context manager.

    An application that knows nothing of the lifespan protocol, and ends or fails before it has asked what to do, needs
    no start. One that fails later cannot be started, though some servers would go on without a word.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._receive: asyncio.Queue[Message] = asyncio.Queue()
        self._send: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._heard = False
        self._answered = False
        self._unsupported = False
        self.state: dict[str, Any] = {}
        """What the application has put aside for its requests."""

    async def __aenter__(self) -> Lifespan:
        self._task = asyncio.create_task(self._run(), name="lifespan")
        await self._exchange("lifespan.startup")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exchange("lifespan.shutdown")
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        try:
            await self._app(scope, self._hear, self._answer)
        except Exception as error:
            self._unsupported = not self._heard
            await self._send.put({"type": "lifespan.failed", "message": repr(error)})
        else:
            self._unsupported = not self._answered
            await self._send.put({"type": "lifespan.ended"})

    async def _hear(self) -> Message:
        self._heard = True
        return await self._receive.get()

    async def _answer(self, message: Message) -> None:
        self._answered = True
        await self._send.put(message)

    async def _exchange(self, phase: str) -> None:
        if self._unsupported:
            return
        await self._receive.put({"type": phase})
        try:
            answer = await asyncio.wait_for(self._send.get(), LIFESPAN_S)
        except TimeoutError as error:
            raise Unreachable(
                f"the application did not get through {phase} within {LIFESPAN_S:g} s: see what its lifespan waits for"
            ) from error
        if self._unsupported:
            return
        if answer["type"].endswith("failed"):
            raise Unreachable(f"the application failed at {phase}: {answer.get('message', '')}. Mend it and try again")


class WebSocket:
    """One WebSocket to an application in this process.

    Args:
        app: the application.
        path: of the socket.
        query: of its URL, encoded.
        headers: lower-case names.
        subprotocols: offered.
        on_text: called with each text frame, in order, at once.
        on_close: called with (code, reason) when the application closes.
    """

    def __init__(
        self,
        app: Application,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str],
        subprotocols: Sequence[str] = (),
        on_text: Callable[[str], None],
        on_close: Callable[[int, str], None],
    ) -> None:
        self._app = app
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "subprotocols": list(subprotocols),
            "state": {},
            "extensions": {},
        }
        self._receive: asyncio.Queue[Message] = asyncio.Queue()
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_text, self._on_close = on_text, on_close
        self._open = False
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Shake hands.

        Raises:
            Refused: the application does not accept.
        """
        self._task = asyncio.create_task(self._run(), name="websocket")
        self._receive.put_nowait({"type": "websocket.connect"})
        try:
            await self._accepted
        except asyncio.CancelledError:
            await self.close()
            raise

    async def send(self, text: str) -> None:
        """Send a text frame.

        Raises:
            ConnectionError: the socket is closed.
        """
        if not self._open:
            raise ConnectionError("the socket is closed")
        self._receive.put_nowait({"type": "websocket.receive", "text": text})

    async def close(self) -> None:
        """Drop the connection at once, and wait until the application has noticed."""
        self._open = False
        self._receive.put_nowait({"type": "websocket.disconnect", "code": 1006})
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=NOTICED_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive.get, self._sent)
        except Exception as error:
            self._closed(1011, repr(error))
        else:
            self._closed(1000, "")

    async def _sent(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._open = True
                if not self._accepted.done():
                    self._accepted.set_result(None)
            case "websocket.send":
                if self._open and message.get("text") is not None:
                    self._on_text(message["text"])
                elif self._open:
                    self._on_text((message.get("bytes") or b"").decode("latin-1"))
            case "websocket.close":
                self._closed(message.get("code", 1000), message.get("reason") or "")

    def _closed(self, code: int, reason: str) -> None:
        if not self._accepted.done():
            self._accepted.set_exception(Refused(403, f"handshake refused with {code} {reason}".strip()))
        elif self._open:
            self._open = False
            self._on_close(code, reason)
