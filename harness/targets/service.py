"""The bundled backend through real HTTP and WebSocket, in a uvicorn process on 127.0.0.1."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from harness.history.model import Credential, OnPush, Probe, Promises, Unreachable, User
from harness.performing.adapted import AdaptedTarget
from harness.performing.adapted_client import AdaptedClient
from harness.performing.components import Components
from harness.targets.bundled import BUNDLED, bundled
from harness.targets.reference import named_by_id
from harness.targets.server_process import ServerProcess
from harness.transport.exchange import Exchange


class ServiceTarget(AdaptedTarget):
    """A server process of the bundled backend, seen as its users see it; its taps are read over HTTP."""

    def __init__(self, name: str, server: ServerProcess, promises: Promises, components: Components) -> None:
        super().__init__(bundled(server.secret, name), Exchange(server.url), name, tell_calls=True)
        self.promises = promises
        self.components = components
        self._server = server
        self._http = httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False)
        self._names: dict[str, str] = {}

    async def connect(self, user: User, on_push: OnPush) -> AdaptedClient:
        """Open one connection of this user."""
        if user.credential is Credential.VALID:
            self._names[user.name] = user.id
        return await super().connect(user, on_push)

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
        await super().close()

    async def _ask(self, what: str, **arguments: str | float) -> Any:
        try:
            response = await self._http.get(
                f"/harness/{what}", params=arguments, headers={"x-harness-secret": self._server.secret}
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unreachable(f"the server process does not answer any more ({error!r}). Verify again") from error
        return response.json()


@asynccontextmanager
async def open_service(
    name: str,
    subject: str,
    components: Components,
    promises: Callable[[Promises], Promises] = lambda promises: promises,
) -> AsyncIterator[ServiceTarget]:
    """Start the server process, and stop it at the end."""
    with ServerProcess(subject) as server:
        target = ServiceTarget(name, server, promises(BUNDLED.promises), components)
        try:
            yield target
        finally:
            await target.close()
