"""One body that does not end, of one user, under gevent: server-sent events, or one JSON value a line.

How it works: h11 and httpx-sse do the protocols without any I/O, a gevent socket does the I/O. No compression is
accepted.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import gevent
import h11
from gevent import socket
from httpx_sse._decoders import SSEDecoder

from harness.history.model import Refused, Value
from harness.transport.channels import Opening

_CHUNK = 65_536
BROKEN = 1006
"""The close code of a connection that broke, as WebSockets have it."""
IN_ORDER = 1000


def connected(host: str, port: int, secure: bool, timeout_s: float) -> socket.socket:
    """Return a connected socket."""
    plain = socket.create_connection((host, port), timeout=timeout_s)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain


def value_of(text: str) -> Value:
    """Return JSON where a text is JSON, and else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class EventStream:
    """An open stream; nothing can be said over it.

    Args:
        opening: the request that opens it.
        protocol: `sse` or `lines`.
        on_frame: called with whatever arrives.
        on_close: called once with (code, reason) when the target, or the network, ends it: IN_ORDER or BROKEN.
        timeout_s: for connecting and for the head of the answer.

    Raises:
        Refused: the target said no.
        ConnectionError: the target broke the attempt off.
    """

    def __init__(
        self,
        opening: Opening,
        protocol: str,
        on_frame: Callable[[Value], None],
        on_close: Callable[[int, str], None],
        timeout_s: float,
    ) -> None:
        self._on_frame, self._on_close = on_frame, on_close
        self._peer = h11.Connection(h11.CLIENT)
        self._sse = SSEDecoder() if protocol == "sse" else None
        self._rest = b""
        self._ours = False
        where = urlsplit(opening.url)
        secure = where.scheme == "https"
        self._socket = connected(where.hostname or "", where.port or (443 if secure else 80), secure, timeout_s)
        try:
            self._ask(opening, where.netloc)
        except (OSError, h11.ProtocolError) as error:
            self._socket.close()
            raise ConnectionError(f"the stream was refused: {error}") from error
        except Refused:
            self._socket.close()
            raise
        self._socket.settimeout(None)
        self._reader = gevent.spawn(self._read)

    def send(self, text: str) -> None:
        """Refuse to.

        Raises:
            ConnectionError: always.
        """
        raise ConnectionError("nothing can be said over a stream")

    def close(self) -> None:
        """Drop the connection at once."""
        self._ours = True
        self._reader.kill(block=False)
        self._socket.close()

    def _ask(self, opening: Opening, host: str) -> None:
        accept = "text/event-stream" if self._sse is not None else "*/*"
        headers = {"host": host, "accept": accept, **opening.headers}
        request = h11.Request(method="GET", target=opening.target, headers=list(headers.items()))
        self._socket.sendall((self._peer.send(request) or b"") + (self._peer.send(h11.EndOfMessage()) or b""))
        answer = self._next()
        if isinstance(answer, h11.Response) and answer.status_code >= 300:
            body = b"".join(bytes(event.data) for event in self._events() if isinstance(event, h11.Data))
            raise Refused(answer.status_code, body.decode(errors="replace"))

    def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._peer.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
            if event is h11.NEED_DATA:
                self._peer.receive_data(self._socket.recv(_CHUNK))
        return event

    def _events(self) -> Iterator[object]:
        while not isinstance(event := self._next(), h11.EndOfMessage | h11.ConnectionClosed):
            yield event

    def _read(self) -> None:
        code, reason = BROKEN, ""
        try:
            for event in self._events():
                if isinstance(event, h11.Data):
                    self._hear(bytes(event.data))
            code = IN_ORDER
        except (OSError, h11.ProtocolError) as error:
            reason = type(error).__name__
        finally:
            if not self._ours:
                self._socket.close()
                self._on_close(code, reason)

    def _hear(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").removesuffix("\r")
            if self._sse is None:
                if text:
                    self._on_frame(value_of(text))
            elif (event := self._sse.decode(text)) is not None:
                self._on_frame({"event": event.event, "id": event.id, "data": value_of(event.data)})
