"""One WebSocket over the network, for whoever is told of frames by a call: a target, or a channel of a service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed


class NetworkSocket:
    """One WebSocket, read as frames come.

    Args:
        connection: open.
        on_text: called with each frame; bytes come as text, one for one.
        on_close: called with (code, reason) when the other side closes.
    """

    def __init__(
        self, connection: ClientConnection, on_text: Callable[[str], None], on_close: Callable[[int, str], None]
    ) -> None:
        self._connection = connection
        self._on_text, self._on_close = on_text, on_close
        self._dropped = False
        self._reader = asyncio.create_task(self._read(), name="socket reader")

    async def send(self, text: str) -> None:
        """Send a text frame.

        Raises:
            ConnectionError: the socket is closed.
        """
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise ConnectionError(str(error)) from error

    async def close(self) -> None:
        """Drop the connection at once, without a closing handshake."""
        self._dropped = True
        self._reader.cancel()
        self._connection.transport.abort()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async for text in self._connection:
                self._on_text(text if isinstance(text, str) else text.decode("latin-1"))
        except ConnectionClosed:
            pass  # told below, like a closing in good order
        if not self._dropped:
            self._on_close(self._connection.close_code or 1006, self._connection.close_reason or "")
