"""The socket: one device of one user, following threads of that user.

Rules:
- The token comes in the Authorization header or as a subprotocol, never in the query, which lands in logs.
- A browser's socket counts only from an allowed Origin: others could ride on what the browser sends by
  itself.
- A thread that is not the user's is refused exactly like one that does not exist.
- When the token expires the socket is closed with 4401: an open door is no valid key.

How it works: one task reads what the client says, one sends what its connection holds; when either ends, so
does the socket. A follow is answered first, then replays what the client has not seen, then goes on live.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

from fastapi import WebSocket
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected, WebSocketState

from reference_impl.auth import Claims, InvalidToken
from reference_impl.backend import Backend
from reference_impl.hub import Connection, ConnectionClosed
from reference_impl.routes import bearer_token, unauthorized
from reference_impl.schemas import ClientMessage

EXPIRED_CODE = 4401
"""WebSocket close code for a token that has expired; the private range, after HTTP's 401."""

CLOSE_WAIT_S = 5.0
"""How long a client may take to accept that its socket is closed."""

SUBPROTOCOL = "bearer"
"""Offered by a browser, which cannot set headers, followed by its token as a second subprotocol."""

MAX_REASON_BYTES = 123
"""What fits into a close frame (RFC 6455, 5.5)."""


async def events(websocket: WebSocket) -> None:
    """Serve one socket from its handshake to its end."""
    backend: Backend = websocket.app.state.backend
    if not origin_allowed(websocket, backend):
        await _deny(websocket, JSONResponse({"detail": "this origin is not allowed"}, 403))
        return
    try:
        claims, subprotocol = admit(websocket, backend)
    except InvalidToken:
        await _deny(websocket, unauthorized())
        return
    await websocket.accept(subprotocol=subprotocol)
    await _serve(websocket, backend, claims)


def origin_allowed(websocket: WebSocket, backend: Backend) -> bool:
    """Whether the socket comes from no browser, or from an allowed origin."""
    origins = websocket.headers.getlist("origin")
    return all(origin in backend.settings.allowed_origins for origin in origins)


def admit(websocket: WebSocket, backend: Backend) -> tuple[Claims, str | None]:
    """Return what the socket's token proves, and the subprotocol to answer with.

    Raises:
        InvalidToken: there is no token, or it proves nobody.
    """
    offered: list[str] = websocket.scope.get("subprotocols", [])
    if "authorization" not in websocket.headers and len(offered) == 2 and offered[0] == SUBPROTOCOL:
        return backend.tokens.claims_of(offered[1]), SUBPROTOCOL
    claims = backend.tokens.claims_of(bearer_token(websocket.headers))
    return claims, SUBPROTOCOL if SUBPROTOCOL in offered else None


async def _deny(websocket: WebSocket, response: JSONResponse | object) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(response)  # type: ignore[arg-type]
    else:
        await websocket.close(1008)  # the server turns this into 403


async def _serve(websocket: WebSocket, backend: Backend, claims: Claims) -> None:
    connection = backend.hub.attach(claims.user_id)
    expiry = asyncio.get_running_loop().call_later(
        max(0.0, claims.expires_at_s - time.time()),
        connection.close,
        EXPIRED_CODE,
        "the token has expired: connect again with a new one",
    )
    try:
        await _converse(websocket, backend, connection)
        await _close(websocket, connection)
    finally:
        expiry.cancel()
        backend.hub.detach(connection)


async def _converse(websocket: WebSocket, backend: Backend, connection: Connection) -> None:
    tasks = {
        asyncio.create_task(_send(websocket, connection)),
        asyncio.create_task(_receive(websocket, backend, connection)),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _send(websocket: WebSocket, connection: Connection) -> None:
    with suppress(ConnectionClosed, WebSocketDisconnect, WebSocketDisconnected):
        while True:
            await websocket.send_text(await connection.next())


async def _receive(websocket: WebSocket, backend: Backend, connection: Connection) -> None:
    with suppress(ConnectionClosed):
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            try:
                asked = ClientMessage.model_validate_json(text if text is not None else "")
            except ValidationError as error:
                connection.push(json.dumps({"type": "error", "reason": _problems(error)}))
                continue
            await answer(backend, connection, asked)


async def answer(backend: Backend, connection: Connection, asked: ClientMessage) -> None:
    """Do what a client asked over its socket.

    Raises:
        ConnectionClosed: the connection ended meanwhile.
    """
    if asked.action == "unfollow":
        backend.hub.unfollow(connection, asked.thread)
        connection.push(json.dumps({"type": "unfollowed", "thread": asked.thread}))
    elif not await backend.service.may_follow(connection.user_id, asked.thread):
        refusal = {"type": "refused", "thread": asked.thread, "reason": "no such thread"}
        connection.push(json.dumps(refusal))
    else:
        await follow(backend, connection, asked)


async def follow(backend: Backend, connection: Connection, asked: ClientMessage) -> None:
    """Follow a thread of the connection's user: the answer, then what the client has not seen, then live.

    Raises:
        ConnectionClosed: the connection ended meanwhile.
    """
    connection.push(json.dumps({"type": "following", "thread": asked.thread}))
    begun = backend.hub.begin_follow(connection, asked.thread)
    seen = dict(asked.after)
    async for frame in backend.service.stored_frames(connection.user_id, asked.thread):
        if frame.seq > seen.get(frame.run, -1):
            await connection.put(frame.to_json())
            seen[frame.run] = frame.seq
    await backend.hub.catch_up(begun, seen)


async def _close(websocket: WebSocket, connection: Connection) -> None:
    closed = connection.closed
    if closed is None or WebSocketState.DISCONNECTED in (
        websocket.client_state,
        websocket.application_state,
    ):
        return
    reason = closed.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
    with suppress(TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
        async with asyncio.timeout(CLOSE_WAIT_S):
            await websocket.close(closed.code, reason)


def _problems(error: ValidationError) -> str:
    found = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
    return "; ".join(found)[:500]
