"""How the vocabulary is said to the bundled backend: HTTP, one WebSocket, bearer tokens.

Used by the target in process and by the one over the network; only the transport differs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
import jwt

from harness.history.calling import CALLING
from harness.history.model import Credential, OnPush, Operation, Promises, Refused, Unreachable, User, Value
from harness.targets.phrases import phrase

AUDIENCE = "reference_impl"
CALL_HEADER = "x-harness-call"
"""Tells the taps of a server process which call a request is."""

SECRET_VARIABLE = "HARNESS_TOKEN_SECRET"
"""The environment variable that tells a process of ours the token secret."""

TOKEN_LIFE_S = 24 * 3600.0

INVALID = frozenset(Credential) - {Credential.VALID, Credential.REVOKED}
"""Every invalid credential can be tried on a service whose secret the harness knows; its users cannot sign out."""

STATED = Promises(runs_per_user=3, credentials=INVALID)
"""What the bundled backend states of itself under the settings that the harness gives it."""


def token_for(user: User, secret: str) -> str | None:
    """Return the bearer token that this user shows; None for no token at all.

    Args:
        user: whose `credential` says what is wrong with the token.
        secret: the service's.
    """
    if user.credential is Credential.NONE:
        return None
    now = time.time()
    expires = now - 3600 if user.credential is Credential.EXPIRED else now + TOKEN_LIFE_S
    audience = "another-service" if user.credential is Credential.AUDIENCE else AUDIENCE
    claims = {"sub": user.name, "aud": audience, "iat": now - 7200, "exp": expires}
    if user.credential is Credential.UNSIGNED:
        return jwt.encode(claims, None, algorithm="none")
    key = "a key that is not the one of the service" if user.credential is Credential.FORGED else secret
    token = jwt.encode(claims, key, algorithm="HS256")
    return token[: -len(token) // 4] if user.credential is Credential.TRUNCATED else token


class Socket(Protocol):
    """One open WebSocket."""

    async def send(self, text: str) -> None:
        """Send a text frame."""

    async def close(self) -> None:
        """Drop the connection at once."""


OpenSocket = Callable[[Mapping[str, str], Callable[[str], None], Callable[[int, str], None]], Any]
"""Called with (headers, on_text, on_close); returns an awaitable of a Socket, or raises Refused."""


class DialectClient:
    """One user's connection: a socket for events, and HTTP for everything else."""

    def __init__(self, http: httpx.AsyncClient, token: str | None, on_push: OnPush) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        self._on_push = on_push
        self._socket: Socket | None = None
        self._no_socket = ConnectionError("the socket is closed")
        self._refusal: Refused | None = None
        self._waiting: dict[str, deque[asyncio.Future[bool]]] = defaultdict(deque)
        self._fences = 0

    async def open(self, open_socket: OpenSocket) -> None:
        """Open the socket; a refusal of the handshake is kept, and met again by `follow`."""
        try:
            self._socket = await open_socket(self._headers, self._received, self._closed)
        except Refused as refusal:
            self._refusal = refusal

    async def invoke(self, operation: Operation) -> Value:
        """Carry out the operation.

        Raises:
            Refused: the service said no.
            Unreachable: the service is gone.
        """
        if operation.name == "follow":
            return await self._follow(operation.arguments)
        said = phrase(operation.name, operation.arguments)
        calling = CALLING.get()
        call = {CALL_HEADER: f"{calling.call}:{calling.user}"} if calling is not None else {}
        try:
            response = await self._http.request(
                said.method, said.path, headers={**self._headers, **call}, json=said.body
            )
        except httpx.TransportError as error:
            await self._raise_if_gone()
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        if response.status_code >= 500:
            raise RuntimeError(f"status {response.status_code}: {response.text[:500]}")
        if response.status_code >= 400:
            raise Refused(response.status_code, response.text)
        return response.json() if response.content else None

    async def fence(self) -> None:
        """Return when everything that was sent to the socket before has been received."""
        if self._socket is not None:
            self._fences += 1
            await self._said("unfollow", f"fence-{self._fences}")

    async def close(self) -> None:
        """Drop the connection."""
        socket, self._socket = self._socket, None
        self._give_up(self._no_socket)
        if socket is not None:
            await socket.close()

    async def _follow(self, arguments: Mapping[str, Value]) -> Value:
        if self._refusal is not None:
            raise self._refusal
        thread = arguments["thread"]
        after = {"after": arguments["after"]} if "after" in arguments else {}
        if not await self._said("follow", thread, **after):
            raise Refused(404, "no such thread")
        return {"thread": thread}

    async def _said(self, action: str, thread: str, **more: Value) -> bool:
        """Say something over the socket and wait for the answer: whether it was granted."""
        if self._socket is None:
            await self._raise_if_gone()
            raise self._no_socket
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[thread].append(answer)
        await self._socket.send(json.dumps({"action": action, "thread": thread, **more}))
        return await answer

    def _received(self, text: str) -> None:
        try:
            value = json.loads(text)
        except ValueError:
            self._on_push("text", text)
            return
        kind = value.get("type") if isinstance(value, dict) else None
        if kind in ("following", "refused", "unfollowed"):
            self._answer(str(value.get("thread")), kind != "refused")
            return
        self._on_push(str(kind), value)

    def _answer(self, thread: str, granted: bool) -> None:
        waiting = self._waiting.get(thread)
        if waiting:
            answer = waiting.popleft()
            if not answer.done():
                answer.set_result(granted)
        if not waiting:
            self._waiting.pop(thread, None)

    def _closed(self, code: int, reason: str) -> None:
        self._socket = None
        self._no_socket = ConnectionError(f"the socket was closed with {code} {reason}")
        self._give_up(self._no_socket)

    def _give_up(self, error: ConnectionError) -> None:
        for waiting in self._waiting.values():
            for answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
        self._waiting.clear()

    async def _raise_if_gone(self) -> None:
        """Tell a service that is gone from one that dropped a connection."""
        try:
            await self._http.get("/healthz")
        except httpx.TransportError as error:
            raise Unreachable(
                f"{self._http.base_url} does not answer any more ({type(error).__name__}): the target stopped "
                "during the run. See its log, start it, and verify again"
            ) from error
