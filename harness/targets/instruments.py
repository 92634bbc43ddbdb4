"""What can be watched inside the bundled backend, in process or in its server process: taps, counts, comparison.

User names are the backend's own; whoever knows the harness's names for them translates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.util import await_only

from harness.history.calling import CALLING
from harness.history.model import Probe, UserId
from harness.performing.taps.heap import aliases
from harness.performing.taps.sink import ProbeSink
from harness.performing.taps.sqlalchemy import SqlalchemyTap
from reference_impl.app import Backend

_OF_CONNECTIONS = frozenset({"connections", "follows"})
"""Held as long as a user is connected, not as long as a request lasts."""


class Instruments:
    """Watches one backend, from `install` to `remove`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._sink = ProbeSink()
        self._tap = SqlalchemyTap(backend.storage.engine.sync_engine, self._sink)
        self._delays_s: dict[UserId, float] = {}

    def install(self) -> None:
        """Begin to watch."""
        self._tap.install()
        event.listen(self._backend.storage.engine.sync_engine, "before_cursor_execute", self._delay)

    def remove(self) -> None:
        """Stop watching."""
        self._tap.remove()
        event.remove(self._backend.storage.engine.sync_engine, "before_cursor_execute", self._delay)

    def probes(self) -> Sequence[Probe]:
        """Return what the taps saw since the last call."""
        return self._sink.take()

    def resources(self) -> Mapping[str, int]:
        """Return what requests hold now, and the connections checked out of the pool."""
        held = {kind: count for kind, count in self._backend.held().items() if kind not in _OF_CONNECTIONS}
        pool: Any = self._backend.storage.engine.sync_engine.pool
        return {**held, "database connections": pool.checkedout()}

    def aliases(self) -> Probe:
        """Compare what the live requests of different users can reach."""
        roots: dict[str, list[object]] = {}
        for scope in self._backend.factory.live_scopes():
            parts = [scope.agent, scope.context, scope.emitter, scope.session, scope.tools]
            roots.setdefault(scope.context.user_id, []).extend(parts)
        backend = self._backend
        shared = (
            backend,
            backend.settings,
            backend.registry,
            backend.storage,
            backend.storage.engine,
            backend.hub,
            backend.factory,
            backend.engine,
            backend.tokens,
            backend.service,
        )
        return aliases(roots, shared)

    def slow(self, user: UserId, delay_s: float) -> None:
        """Make the statements of this user's calls take longer; 0 ends it. The user is the harness's name."""
        if delay_s:
            self._delays_s[user] = delay_s
        else:
            self._delays_s.pop(user, None)

    def _delay(self, *_: object) -> None:
        calling = CALLING.get()
        delay_s = self._delays_s.get(calling.user, 0.0) if calling is not None else 0.0
        if delay_s:
            await_only(asyncio.sleep(delay_s))
