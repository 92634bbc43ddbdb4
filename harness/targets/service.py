"""The bundled backend through real HTTP and WebSocket, in a uvicorn process on 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from harness.history.model import Credential, OnPush, Probe, Promises, Refused, Unreachable, User
from harness.performing.components import Components
from harness.performing.network_socket import NetworkSocket
from harness.targets.dialect import STATED, DialectClient, Socket, token_for
from harness.targets.reference import named_by_id
from harness.targets.server_process import ServerProcess


class ServiceTarget:
    """A server process of the bundled backend, seen as its users see it; its taps are read over HTTP."""

    lasting = True

    def __init__(self, name: str, server: ServerProcess, promises: Promises, components: Components) -> None:
        self.name = name
        self.promises = promises
        self.components = components
        self._server = server
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=1000)
        self._http = httpx.AsyncClient(base_url=server.url, limits=limits, timeout=30, trust_env=False)
        self._names: dict[str, str] = {}

    async def connect(self, user: User, on_push: OnPush) -> DialectClient:
        """Open one connection of this user."""
        if user.credential is Credential.VALID:
            self._names[user.name] = user.id
        client = DialectClient(self._http, token_for(user, self._server.secret), on_push)
        await client.open(self._open_socket)
        return client

    async def probes(self) -> Sequence[Probe]:
        """Return what the taps in the server process saw."""
        return [Probe(**probe) for probe in await self._ask("probes")]

    async def resources(self) -> Mapping[str, int]:
        """Return what requests hold in the server process."""
        held: Mapping[str, int] = await self._ask("resources")
        return held

    async def aliases(self) -> Probe:
        """Compare live requests in the server process."""
        return named_by_id(Probe(**await self._ask("aliases")), self._names)

    async def slow(self, user: User, delay_s: float) -> None:
        """Slow this user's statements."""
        await self._ask("slow", user=user.id, delay_s=delay_s)

    async def close(self) -> None:
        """Close the client's side; the process is stopped by whoever started it."""
        await self._http.aclose()

    async def _ask(self, what: str, **arguments: str | float) -> Any:
        try:
            response = await self._http.get(
                f"/harness/{what}", params=arguments, headers={"x-harness-secret": self._server.secret}
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unreachable(f"the server process does not answer any more ({error!r}). Verify again") from error
        return response.json()

    async def _open_socket(
        self,
        headers: Mapping[str, str],
        on_text: Callable[[str], None],
        on_close: Callable[[int, str], None],
    ) -> Socket:
        url = self._server.url.replace("http://", "ws://") + "/events"
        try:
            connection = await connect(url, additional_headers=dict(headers), compression=None, proxy=None)
        except InvalidStatus as error:
            raise Refused(error.response.status_code, error.response.body.decode(errors="replace")) from error
        except OSError as error:
            raise Unreachable(f"{url} cannot be reached ({error}): start the service and verify again") from error
        return NetworkSocket(connection, on_text, on_close)


@asynccontextmanager
async def open_service(
    name: str,
    subject: str,
    components: Components,
    promises: Callable[[Promises], Promises] = lambda promises: promises,
) -> AsyncIterator[ServiceTarget]:
    """Start the server process, and stop it at the end."""
    with ServerProcess(subject) as server:
        target = ServiceTarget(name, server, promises(STATED), components)
        try:
            yield target
        finally:
            await target.close()
