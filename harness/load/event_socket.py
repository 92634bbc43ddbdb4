"""One WebSocket of one user under gevent, read as frames come.

Rules:

- No compression is offered: it would cost the server a quarter of its time.
- Frames are handed on in the order in which they came, by one greenlet; none is dropped, and what cannot be handed
  on ends the socket.

How it works: `websockets` does the protocol without doing any I/O (its ClientProtocol), a gevent socket does the I/O.
Of what was measured that is the fastest client that conforms.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import socket
from gevent.lock import BoundedSemaphore
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

_CHUNK = 65_536
_MOST_BYTES = 16 * 2**20
LOST = 1006
"""The close code of a connection that broke (RFC 6455, 7.1.5)."""


class HandshakeFailed(ConnectionError):
    """The target let nobody in; says what it answered."""


class EventSocket:
    """An open WebSocket.

    Args:
        url: ws:// or wss://.
        token: shown as a bearer token.
        on_text: called with each text message.
        on_close: called once with (code, reason) when the target, or the network, ends it.
        timeout_s: for connecting and for the handshake.
    """

    def __init__(
        self,
        url: str,
        token: str,
        on_text: Callable[[str], None],
        on_close: Callable[[int, str], None],
        timeout_s: float,
    ) -> None:
        self._on_text, self._on_close = on_text, on_close
        self._uri = parse_uri(url)
        self._protocol = ClientProtocol(self._uri, max_size=_MOST_BYTES)
        self._sending = BoundedSemaphore(1)
        self._parts: list[bytes] = []
        self._ours = False
        self._socket = self._connected(timeout_s)
        early = self._shake_hands(token)
        self._socket.settimeout(None)
        self._reader = gevent.spawn(self._read, early)

    def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            ConnectionError: the socket is closed.
        """
        if self._protocol.state is not State.OPEN:
            raise ConnectionError("the socket is closed")
        self._protocol.send_text(text.encode())
        self._flush()

    def close(self) -> None:
        """Drop the connection at once."""
        self._ours = True
        self._reader.kill(block=False)
        self._socket.close()

    def _connected(self, timeout_s: float) -> Any:
        plain = socket.create_connection((self._uri.host, self._uri.port), timeout=timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._uri.secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=self._uri.host)

    def _shake_hands(self, token: str) -> list[Frame]:
        """Open the WebSocket; return the frames that came in the same breath."""
        request = self._protocol.connect()
        request.headers["Authorization"] = f"Bearer {token}"
        self._protocol.send_request(request)
        self._flush()
        try:
            while True:
                received = list(self._received())
                if any(isinstance(event, Response) for event in received):
                    return [event for event in received if isinstance(event, Frame)]
        except OSError as error:
            self._socket.close()
            raise HandshakeFailed(f"the socket was refused: {error}") from error

    def _received(self) -> Iterator[Any]:
        data = self._socket.recv(_CHUNK)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()  # pongs, and the answer to a close
        if self._protocol.handshake_exc is not None:
            raise HandshakeFailed(str(self._protocol.handshake_exc))
        yield from self._protocol.events_received()
        if not data:
            raise ConnectionError("the connection was cut")

    def _flush(self) -> None:
        # sendall may let the other greenlet run: two frames must not mix on the wire
        with self._sending:
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)

    def _read(self, early: list[Frame]) -> None:
        try:
            self._hand_on(early)
            while self._protocol.state is State.OPEN:
                self._hand_on(self._received())
        except (OSError, WebSocketException):
            pass  # told below, like a closing in good order
        finally:
            if not self._ours:
                self._socket.close()
                self._on_close(self._protocol.close_code or LOST, self._protocol.close_reason or "")

    def _hand_on(self, frames: list[Frame] | Iterator[Frame]) -> None:
        for frame in frames:
            if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                continue
            self._parts.append(bytes(frame.data))
            if frame.fin:
                data, self._parts = b"".join(self._parts), []
                self._on_text(data.decode(errors="replace"))
