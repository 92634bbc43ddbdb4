"""aiosqlite in lock-step: each connection is a device, and each of its calls one step.

Rules:

- One queue per connection, as aiosqlite has it; the calls of different connections complete in any order.
- SQLite never waits for a lock, which would stop the loop that the lock's holder needs. A busy call is tried again in
  virtual time, with SQLite's own delays, until the connection's busy timeout has passed.
- A call that is made to fail fails with SQLITE_IOERR, which rolls the transaction back
  (sqlite.org/lang_transaction.html).

How it works. aiosqlite puts (future, function) into a queue that a thread of its own reads; SQLAlchemy's dialect uses
the same queue directly. A connection made on a ScheduleLoop gets a queue that hands them to the loop instead.

Source: SQLite's `sqliteDefaultBusyCallback` for the delays (sqlite.org/src/file/src/main.c).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import aiosqlite

from harness.loop.loop import Job, ScheduleLoop
from harness.loop.versions import expect

KNOWN = "0.22"
"""Versions of aiosqlite with which the tests of this device were run."""

_DELAYS_MS = (1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100)
_FAILING = frozenset({"connector", "execute", "executemany", "executescript", "commit"})
"""The calls that read or write the file, and so can fail when the disk does."""
_TRY_AGAIN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY})


def _speaks_of_timeout(function: Callable[[], Any]) -> bool:
    """Whether a call executes a statement about the busy timeout."""
    statement = next(iter(getattr(function, "args", ())), "")
    return isinstance(statement, str) and "busy_timeout" in statement.lower()


class _NoThread:
    """Stands where a connection's thread would."""

    daemon = True

    def start(self) -> None:
        """Nothing has to be started."""


class SqliteDevice:
    """The queue of one connection."""

    def __init__(self, loop: ScheduleLoop, connection: aiosqlite.Connection) -> None:
        self._loop = loop
        self._connection = connection
        self._number = loop.devices.new()
        self._patience_ms = 0

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Take a call."""
        future, function = item
        if self._loop.is_closed():
            function()
            return
        self._loop.devices.submit(_Call(self, self._number, future, function))

    def carry_out(self, function: Callable[[], Any]) -> Any:
        """Make the call, without waiting for locks.

        Raises:
            sqlite3.Error: whatever SQLite says.
        """
        connection: sqlite3.Connection | None = self._connection._connection
        if connection is not None and _speaks_of_timeout(function):
            return self._as_told(connection, function)
        result = function()
        if isinstance(result, sqlite3.Connection):
            self._take_over(result)
        return result

    def _as_told(self, connection: sqlite3.Connection, function: Callable[[], Any]) -> Any:
        """Make a call that sets the busy timeout, or asks for it: it finds it as it would without us."""
        connection.execute(f"PRAGMA busy_timeout = {self._patience_ms}")
        try:
            return function()
        finally:
            self._take_over(connection)

    def _take_over(self, connection: sqlite3.Connection) -> None:
        """Take the waiting for locks over from SQLite."""
        (self._patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")

    def roll_back(self) -> None:
        """Undo what the connection has not committed."""
        connection: sqlite3.Connection | None = self._connection._connection
        if connection is not None:
            connection.rollback()

    def delay_ms(self, tried: int) -> float | None:
        """Return how long to wait before the next try; None when the busy timeout has passed."""
        waited = sum(_DELAYS_MS[:tried]) + _DELAYS_MS[-1] * max(0, tried - len(_DELAYS_MS))
        return None if waited >= self._patience_ms else float(_DELAYS_MS[min(tried, len(_DELAYS_MS) - 1)])

    def now_s(self) -> float:
        """Return the virtual time."""
        return self._loop.time()


class _Call(Job):
    """One call of one connection."""

    __slots__ = ("_device", "_function", "_tried")

    def __init__(
        self,
        device: SqliteDevice,
        number: int,
        future: asyncio.Future[Any] | None,
        function: Callable[[], Any],
    ) -> None:
        name = getattr(getattr(function, "func", function), "__name__", "")
        super().__init__(number, self._do, self._fail if name in _FAILING else None, future)
        self._device = device
        self._function = function
        self._tried = 0

    def __str__(self) -> str:
        said = next((str(part) for part in getattr(self._function, "args", ()) if isinstance(part, str)), "")
        name = getattr(getattr(self._function, "func", self._function), "__name__", "call")
        return f"the database call {name}({' '.join(said.split())[:80]})"

    def _do(self) -> float | None:
        try:
            result = self._device.carry_out(self._function)
        except sqlite3.OperationalError as error:
            delay_ms = self._device.delay_ms(self._tried) if error.sqlite_errorcode in _TRY_AGAIN else None
            if delay_ms is not None:
                self._tried += 1
                return self._device.now_s() + delay_ms / 1000
            self._raise(error)
        except BaseException as error:
            self._raise(error)
        else:
            if self.future is not None and not self.future.done():
                self.future.set_result(result)
        return None

    def _fail(self) -> None:
        """Fail as a broken disk does, upon which SQLite rolls the transaction back by itself."""
        self._device.roll_back()
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        error.sqlite_errorname = "SQLITE_IOERR"
        self._raise(error)

    def _raise(self, error: BaseException) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


def check() -> None:
    """Find out whether aiosqlite is as this device knows it.

    Raises:
        UnknownVersion: it is not.
    """
    begin = aiosqlite.Connection.__init__
    expect("aiosqlite", KNOWN, [(begin, name) for name in ("_tx", "_thread", "_connection")])


@contextmanager
def installed() -> Iterator[None]:
    """Connections that are made on a ScheduleLoop are devices, while this lasts."""
    original = aiosqlite.Connection.__init__

    @wraps(original)
    def prepare(self: aiosqlite.Connection, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        loop = asyncio._get_running_loop()
        if isinstance(loop, ScheduleLoop):
            connection: Any = self
            connection._tx = SqliteDevice(loop, self)
            connection._thread = _NoThread()

    aiosqlite.Connection.__init__ = prepare  # type: ignore[method-assign]
    try:
        yield
    finally:
        aiosqlite.Connection.__init__ = original  # type: ignore[method-assign]
