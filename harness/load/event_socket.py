"""One WebSocket of one user under gevent, read as frames come.

Rules:

- No compression is offered: it would cost the server a quarter of its time.
- Frames are handed on in the order in which they came, by one greenlet; none is dropped, and what cannot be handed
  on ends the socket.

How it works: `websockets` does the protocol without doing any I/O (its ClientProtocol), a gevent socket does the I/O.
Of what was measured that is the fastest client that conforms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from harness.history.model import Refused
from harness.load.event_stream import connected
from harness.transport.channels import Opening

_CHUNK = 65_536
_MOST_BYTES = 16 * 2**20
LOST = 1006
"""The close code of a connection that broke (RFC 6455, 7.1.5)."""


class EventSocket:
    """An open WebSocket.

    Args:
        opening: the request that opens it.
        on_text: called with each text message.
        on_close: called once with (code, reason) when the target, or the network, ends it.
        timeout_s: for connecting and for the handshake.

    Raises:
        Refused: the target said no.
        ConnectionError: the target broke the attempt off.
    """

    def __init__(
        self,
        opening: Opening,
        on_text: Callable[[str], None],
        on_close: Callable[[int, str], None],
        timeout_s: float,
    ) -> None:
        self._on_text, self._on_close = on_text, on_close
        self._uri = parse_uri(opening.url.replace("http", "ws", 1) + opening.target)
        subprotocols = [Subprotocol(name) for name in opening.subprotocols] or None
        self._protocol = ClientProtocol(self._uri, subprotocols=subprotocols, max_size=_MOST_BYTES)
        self._sending = BoundedSemaphore(1)
        self._parts: list[bytes] = []
        self._ours = False
        self._socket = connected(self._uri.host, self._uri.port, self._uri.secure, timeout_s)
        early = self._shake_hands(opening)
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

    def _shake_hands(self, opening: Opening) -> list[Frame]:
        """Open the WebSocket; return the frames that came in the same breath."""
        request = self._protocol.connect()
        for name, value in opening.headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        try:
            while True:
                received = list(self._received())
                if any(isinstance(event, Response) for event in received):
                    return [event for event in received if isinstance(event, Frame)]
        except InvalidStatus as error:
            self._socket.close()
            body = error.response.body or b""
            raise Refused(error.response.status_code, body.decode(errors="replace")) from error
        except (OSError, WebSocketException) as error:
            self._socket.close()
            raise ConnectionError(f"the socket was refused: {error}") from error

    def _received(self) -> Iterator[Any]:
        data = self._socket.recv(_CHUNK)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()  # pongs, and the answer to a close
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc
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
