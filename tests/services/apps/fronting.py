"""One address for a server that speaks HTTP and one that speaks WebSocket, as a proxy before them gives."""

from __future__ import annotations

import asyncio
from contextlib import suppress

LONGEST_HEAD = 64 * 1024


async def front(listening: object, http_port: int, websocket_port: int) -> asyncio.Server:
    """Return a server that hands each connection on by its first request."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            port = websocket_port if b"\r\nupgrade: websocket" in head.lower() else http_port
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
            behind_writer.write(head)
            await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
        writer.close()

    return await asyncio.start_server(hand_on, sock=listening, limit=LONGEST_HEAD)  # type: ignore[arg-type]


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(64 * 1024):
            sink.write(piece)
            await sink.drain()
    sink.close()
