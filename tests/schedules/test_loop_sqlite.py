"""aiosqlite under a schedule: locks are waited for in virtual time, as long as SQLite would; what fails is undone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from test_loop_schedules import in_both_modes

from harness.loop.control import Control, RunResult, controlled
from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies.fifo import Fifo

INSERT = "INSERT INTO said VALUES ('x')"


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """Put everything in place once for all tests here."""
    with controlled() as installed:
        yield installed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with one empty table."""
    with closing(sqlite3.connect(tmp_path / "said.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE said (who)")
    return tmp_path / "said.db"


def ran(control: Control, program: Callable[[], Coroutine[Any, Any, Any]], mode: Mode) -> RunResult:
    """Run a program once, FIFO."""
    return control.run(lambda loop: program(), Fifo(), mode=mode)


def connect(file: Path, timeout_s: float) -> aiosqlite.Connection:
    """Open a connection that waits so long for a lock."""
    return aiosqlite.connect(file, isolation_level=None, timeout=timeout_s)


async def hold(file: Path, seconds: float) -> None:
    """Hold the lock for so long."""
    async with connect(file, 0) as connection:
        await connection.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        await connection.execute("COMMIT")


async def write(file: Path, timeout_s: float, pragma: str) -> tuple[float, str]:
    """Add a row while somebody holds the lock for two seconds; return how long that took, and the error, or ""."""
    holding, said = asyncio.create_task(hold(file, 2)), ""
    async with connect(file, timeout_s) as connection:
        await connection.execute(pragma)
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        try:
            await connection.execute(INSERT)
        except sqlite3.OperationalError as error:
            said = str(error)
        took_s = asyncio.get_running_loop().time() - began
    await holding
    return took_s, said


class TestLocks:
    @in_both_modes
    @pytest.mark.parametrize(
        ("timeout_s", "pragma"), [(3, ""), (0, "PRAGMA busy_timeout = 3000"), (3, "PRAGMA busy_timeout")]
    )
    def test_they_are_waited_for(self, control: Control, file: Path, mode: Mode, timeout_s: float, pragma: str) -> None:
        """However the connection was told to; asking it changes nothing."""
        took_s, error = ran(control, lambda: write(file, timeout_s, pragma), mode).value
        assert "" == error
        assert 1 <= took_s <= 1.1  # SQLite looks again after a tenth of a second at most

    @in_both_modes
    @pytest.mark.parametrize(
        ("timeout_s", "pragma", "least_s"),
        [(0.5, "", 0.5), (0, "pragma BUSY_TIMEOUT(500)", 0.5), (3, "PRAGMA busy_timeout = 0", 0)],
    )
    def test_no_longer_than_the_connection_was_told_to(
        self, control: Control, file: Path, mode: Mode, timeout_s: float, pragma: str, least_s: float
    ) -> None:
        """What it was told last counts; then the call fails as SQLite's does."""
        took_s, error = ran(control, lambda: write(file, timeout_s, pragma), mode).value
        assert "database is locked" == error
        assert least_s <= took_s <= least_s + 0.1

    @in_both_modes
    def test_a_program_finds_the_timeout_that_it_has_set(self, control: Control, file: Path, mode: Mode) -> None:
        """Although SQLite itself does not wait."""

        async def program() -> list[Any]:
            async with connect(file, 3) as connection:
                said = list(await connection.execute_fetchall("PRAGMA busy_timeout"))
                await connection.execute("PRAGMA busy_timeout = 700")
                return [*said, *await connection.execute_fetchall("PRAGMA busy_timeout")]

        assert [(3000,), (700,)] == ran(control, program, mode).value

    @in_both_modes
    def test_a_snapshot_that_is_out_of_date_is_not_waited_for(self, control: Control, file: Path, mode: Mode) -> None:
        """Nobody frees that: SQLite says so at once."""

        async def program() -> None:
            async with connect(file, 3) as reader, connect(file, 3) as writer:
                await reader.execute("BEGIN")
                await (await reader.execute("SELECT * FROM said")).fetchall()
                await writer.execute(INSERT)
                await reader.execute(INSERT)

        came = ran(control, program, mode)
        assert isinstance(came.error, sqlite3.OperationalError)
        assert (sqlite3.SQLITE_BUSY_SNAPSHOT, 0) == (came.error.sqlite_errorcode, came.virtual_s)


@in_both_modes
def test_a_call_that_is_made_to_fail_rolls_back(control: Control, file: Path, mode: Mode) -> None:
    """As a broken disk does: what the transaction wrote before is gone, and the connection is of use."""

    async def program(loop: ScheduleLoop) -> list[Any]:
        async with connect(file, 0) as connection:
            await connection.execute("BEGIN IMMEDIATE")
            await connection.execute(INSERT)
            committing = asyncio.create_task(connection.commit())
            await asyncio.sleep(0)
            loop.devices.give_up(loop.devices.jobs[0])
            with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
                await committing
            assert not connection.in_transaction
            return list(await connection.execute_fetchall("SELECT * FROM said"))

    came = control.run(program, Fifo(), mode=mode)
    assert (None, []) == (came.error, came.value)
