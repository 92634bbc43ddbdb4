from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from harness.history.calling import CALLING, Calling
from harness.history.model import Probe
from harness.performing.taps.sink import ProbeSink
from harness.performing.taps.sqlalchemy import SqlalchemyTap

ONE = text("SELECT 1")


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[AsyncEngine, ProbeSink]]:
    """Open a real database file with the tap on."""
    engine, sink = create_async_engine(f"sqlite+aiosqlite:///{folder / 'tap.db'}"), ProbeSink()
    tap = SqlalchemyTap(engine.sync_engine, sink)
    tap.install()
    try:
        yield engine, sink
    finally:
        tap.remove()
        await engine.dispose()


def said(probes: list[Probe], name: str) -> list[tuple[int | None, str, int]]:
    """Return call, action and serial of the probes of this name."""
    return [(probe.call, probe.value["action"], probe.value[name]) for probe in probes if probe.name == name]


def calling(call: int) -> None:
    """Say that what follows is done for this call."""
    CALLING.set(Calling(call, f"u{call:02d}"))


class TestSqlalchemyTap:
    def test_sees_one_session_at_work_for_two_requests(self, tmp_path: Path) -> None:
        """Both uses carry one serial and each its own call and user; no close comes between."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink), AsyncSession(engine) as shared:
                for call in (1, 2):
                    calling(call)
                    await shared.execute(ONE)
                return sink.take()

        probes = asyncio.run(work())
        assert [(1, "use", 1), (2, "use", 1)] == said(probes, "session")
        assert {(1, "u01"), (2, "u02")} == {(probe.call, probe.user) for probe in probes}

    def test_sees_one_connection_at_work_for_two_requests(self, tmp_path: Path) -> None:
        """Checked out by one call, used by another."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink):
                calling(1)
                async with engine.connect() as shared:
                    await shared.execute(ONE)
                    calling(2)
                    await shared.execute(ONE)
                    return [probe for probe in sink.take() if probe.name == "connection"]

        probes = asyncio.run(work())
        serials = {probe.value["connection"] for probe in probes}
        assert [(1, "checkout"), (1, "use"), (2, "use")] == [(probe.call, probe.value["action"]) for probe in probes]
        assert 1 == len(serials)

    def test_sees_a_connection_begin_anew_with_each_checkout(self, tmp_path: Path) -> None:
        """It keeps its serial in the pool, and what was done with it before does not count as its use now."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink):
                calling(1)
                for _ in range(2):
                    async with engine.connect() as own:
                        await own.execute(ONE)
                return sink.take()

        once = [(1, "checkout", 1), (1, "use", 1), (1, "checkin", 1)]
        assert [*once, *once] == said(asyncio.run(work()), "connection")

    def test_sees_a_session_end_between_two_requests(self, tmp_path: Path) -> None:
        """A session that is passed on after its transaction was not used by both at once."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink), AsyncSession(engine) as session:
                for call in (1, 2):
                    calling(call)
                    await session.execute(ONE)
                    await session.rollback()
                return sink.take()

        assert [(1, "use", 1), (1, "close", 1), (2, "use", 1), (2, "close", 1)] == said(asyncio.run(work()), "session")

    def test_gives_no_serial_twice(self, tmp_path: Path) -> None:
        """Also when a new session gets the address of one that is gone."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink):
                for call in range(20):
                    calling(call)
                    async with AsyncSession(engine) as session:
                        await session.execute(ONE)
                    del session
                    gc.collect()
                return sink.take()

        used = [serial for _, action, serial in said(asyncio.run(work()), "session") if action == "use"]
        assert (20, sorted(used)) == (len(set(used)), used)

    def test_reports_nothing_that_no_call_caused(self, tmp_path: Path) -> None:
        """And nothing of an engine that it does not watch."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink):
                CALLING.set(None)
                async with AsyncSession(engine) as own:
                    await own.execute(ONE)
                calling(1)
                other = create_async_engine("sqlite+aiosqlite://")
                async with AsyncSession(other) as foreign:
                    await foreign.execute(ONE)
                await other.dispose()
                return sink.take()

        assert [] == [probe for probe in asyncio.run(work()) if probe.value["action"] == "use"]

    def test_reports_uses_of_one_request_in_a_row_once(self, tmp_path: Path) -> None:
        """A request of a hundred statements is no hundred facts."""

        async def work() -> list[Probe]:
            async with watched(tmp_path) as (engine, sink):
                calling(1)
                async with AsyncSession(engine) as session:
                    for _ in range(100):
                        await session.execute(ONE)
                return sink.take()

        assert [(1, "use", 1), (1, "close", 1)] == said(asyncio.run(work()), "session")
