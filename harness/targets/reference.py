"""The bundled backend in this process: HTTP and WebSocket over ASGI, SQLite in a temporary folder, every tap on."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import create_engine

from harness.history.model import Credential, OnPush, Probe, Promises, User
from harness.performing.adapted import AdaptedTarget
from harness.performing.adapted_client import AdaptedClient
from harness.performing.components import Components
from harness.targets.bundled import BUNDLED, bundled
from harness.targets.instruments import Instruments
from harness.transport.asgi import Lifespan
from harness.transport.memory import MemoryExchange
from reference_impl.agents import DEFAULT_AGENTS
from reference_impl.app import Backend, Parts, Settings, create_app
from reference_impl.factory import AgentInstanceFactory, Limits
from reference_impl.legacy import AgentRegistry
from reference_impl.tables import Table

CreateApp = Callable[[Settings], FastAPI]
DATABASE = "target.db"
SECRET = "a secret for targets in this process only"


def settings_for(folder: Path, secret: str = SECRET) -> Settings:
    """Return the settings under which the harness runs the bundled backend."""
    return Settings(database_url=f"sqlite+aiosqlite:///{folder / DATABASE}", token_secret=secret, drain_s=0.05)


def promises_of(settings: Settings) -> Promises:
    """Return what the bundled backend states of itself."""
    return replace(BUNDLED.promises, runs_per_user=settings.runs_per_user)


def named_by_id(probe: Probe, names: Mapping[str, str]) -> Probe:
    """Return a comparison with the harness's names for the backend's users."""
    pairs = [
        {**pair, "owner": names.get(pair["owner"], pair["owner"]), "observer": names.get(pair["observer"], "")}
        for pair in probe.value["shared"]
    ]
    return replace(probe, value={**probe.value, "shared": pairs})


def components_of(parts: Parts, legacy: Callable[[AgentInstanceFactory], AgentRegistry] = AgentRegistry) -> Components:
    """Return the parts of the bundled backend, to be examined on their own."""

    @asynccontextmanager
    async def open_legacy() -> AsyncIterator[AgentRegistry]:
        with tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as folder:
            storage = parts.storage(settings_for(Path(folder)).database_url, repository=parts.repository)
            await storage.create()
            try:
                factory = parts.factory(
                    parts.registry(), storage, parts.hub(256), Limits(), emitter=parts.emitter, tools=parts.tools
                )
                with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                    registry = legacy(factory)
                yield registry
            finally:
                await storage.dispose()

    return Components(registry=parts.registry, agents=dict(DEFAULT_AGENTS), context=parts.context, legacy=open_legacy)


class ReferenceTarget(AdaptedTarget):
    """One application in this process, which starts empty."""

    def __init__(self, name: str, app: FastAPI, promises: Promises, components: Components) -> None:
        backend = app.state.backend
        adapter = bundled(backend.settings.token_secret, name, backend.settings.runs_per_user)
        super().__init__(adapter, MemoryExchange(app), name, lasting=False)
        self.promises = promises
        self.components = components
        self.app = app
        self._instruments = Instruments(backend)
        self._names: dict[str, str] = {}

    async def connect(self, user: User, on_push: OnPush) -> AdaptedClient:
        """Open one connection of this user."""
        if user.credential is Credential.VALID:
            self._names[user.name] = user.id
        return await super().connect(user, on_push)

    async def probes(self) -> Sequence[Probe]:
        """Return what the taps saw."""
        return self._instruments.probes()

    async def resources(self) -> Mapping[str, int]:
        """Return what requests hold."""
        return self._instruments.resources()

    async def aliases(self) -> Probe:
        """Compare live requests."""
        return named_by_id(self._instruments.aliases(), self._names)

    async def slow(self, user: User, delay_s: float) -> None:
        """Slow this user's statements."""
        self._instruments.slow(user.id, delay_s)

    def watch(self) -> None:
        """Install the taps."""
        self._instruments.install()

    async def close(self) -> None:
        """Remove the taps and close the client's side."""
        self._instruments.remove()
        await super().close()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFactory:
    """Opens applications of the bundled backend in this process.

    Args:
        name: of the target.
        parts: makes what an application consists of; called for each anew.
        legacy: makes the old registry.
        settings, promises: change what the harness would use.
    """

    name: str
    parts: Callable[[], Parts] = Parts
    legacy: Callable[[AgentInstanceFactory], AgentRegistry] = AgentRegistry
    settings: Callable[[Settings], Settings] = lambda settings: settings
    promises: Callable[[Promises], Promises] = lambda promises: promises

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ReferenceTarget]:
        """Build an application, start it, and stop it at the end."""
        with self._made() as (app, settings, folder):
            async with self._renewed(app, settings, folder) as target:
                yield target

    @contextmanager
    def built(self) -> Iterator[Callable[[], AbstractAsyncContextManager[ReferenceTarget]]]:
        """Build an application once; yield what opens it as new as often as is asked, one at a time.

        Routes, compiled statements and empty tables are kept, which are most of the work. Whatever may hold a user's
        state is made anew: every part, every connection, and the database.
        """
        with self._made() as (app, settings, folder):
            tables = _empty_tables(folder / DATABASE)
            yield lambda: self._renewed(app, settings, folder, tables)

    @contextmanager
    def _made(self) -> Iterator[tuple[FastAPI, Settings, Path]]:
        with tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True, dir=_fastest()) as name:
            folder = Path(name)
            settings = self.settings(settings_for(folder))
            yield create_app(settings, self.parts()), settings, folder

    @asynccontextmanager
    async def _renewed(
        self, app: FastAPI, settings: Settings, folder: Path, tables: bytes = b""
    ) -> AsyncIterator[ReferenceTarget]:
        _empty(folder, tables)
        app.state.backend = Backend(settings, self.parts(), engine=app.state.backend.storage.engine)
        async with Lifespan(app):
            components = components_of(self.parts(), self.legacy)
            target = ReferenceTarget(self.name, app, self.promises(promises_of(settings)), components)
            target.watch()
            try:
                yield target
            finally:
                await target.close()


def _empty(folder: Path, tables: bytes) -> None:
    for left in folder.iterdir():
        left.unlink()
    (folder / DATABASE).write_bytes(tables)


def _empty_tables(file: Path) -> bytes:
    """Return an SQLite database in which every table is there, and empty; it is made in this file."""
    engine = create_engine(f"sqlite:///{file}")
    Table.metadata.create_all(engine)
    engine.dispose()
    return file.read_bytes()


def _fastest() -> str | None:
    """Return where files that nobody keeps are written fastest: in memory, where the system has such a place."""
    memory = Path("/dev/shm")
    return str(memory) if os.access(memory, os.W_OK) else None
