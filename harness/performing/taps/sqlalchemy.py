"""Which request is at work in which database session, and on which connection. Uses SQLAlchemy's events only.

- A session is in use from its first work to the end of its outermost transaction or its closing.
- A connection is in use from its check-out of the pool to its check-in.
- The request is the call that the context names (`harness.history.calling`); work that no call caused is not reported.

Sessions and connections get serial numbers, so that an address used twice is not mistaken for an object used twice.
Uses by the same request in a row are reported once.

Source: the events of SQLAlchemy 2 (docs.sqlalchemy.org/en/20/orm/events.html, core/events.html).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from harness.history.calling import CALLING
from harness.history.probes import CONNECTION, SESSION
from harness.performing.taps.sink import ProbeSink

_SERIAL, _LAST = "harness_serial", "harness_last_call"


class SqlalchemyTap:
    """Watches one engine and every session bound to it.

    Args:
        engine: the synchronous engine (`AsyncEngine.sync_engine`).
        sink: where probes go.
    """

    def __init__(self, engine: Engine, sink: ProbeSink) -> None:
        self._engine = engine
        self._sink = sink
        self._serials = count(1)
        self._listeners: list[tuple[Any, str, Callable[..., Any]]] = [
            (Session, "do_orm_execute", self._executed),
            (Session, "before_flush", self._flushed),
            (Session, "after_begin", self._begun),
            (Session, "after_transaction_end", self._ended),
            (engine, "checkout", self._checked_out),
            (engine, "checkin", self._checked_in),
            (engine, "before_cursor_execute", self._cursor),
        ]

    def install(self) -> None:
        """Begin to watch."""
        for target, name, listener in self._listeners:
            event.listen(target, name, listener)

    def remove(self) -> None:
        """Stop watching."""
        for target, name, listener in self._listeners:
            event.remove(target, name, listener)

    # Sessions

    def _executed(self, state: ORMExecuteState) -> None:
        self._session(state.session)

    def _flushed(self, session: Session, *_: object) -> None:
        self._session(session)

    def _begun(self, session: Session, *_: object) -> None:
        self._session(session)

    def _ended(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None and session.info.pop(_LAST, None) is not None:
            self._sink.put(SESSION, {"action": "close", "session": session.info[_SERIAL]})

    def _session(self, session: Session) -> None:
        if session.get_bind() is self._engine:
            self._use(SESSION, "session", session.info)

    # Connections

    def _checked_out(self, _connection: object, record: Any, _proxy: object) -> None:
        record.info.pop(_LAST, None)
        serial = record.info.setdefault(_SERIAL, next(self._serials))
        self._sink.put(CONNECTION, {"action": "checkout", "connection": serial})

    def _checked_in(self, _connection: object, record: Any) -> None:
        if _SERIAL in record.info:
            self._sink.put(CONNECTION, {"action": "checkin", "connection": record.info[_SERIAL]})

    def _cursor(self, connection: Any, *_: object) -> None:
        self._use(CONNECTION, "connection", connection.info)

    def _use(self, probe: str, key: str, info: dict[Any, Any]) -> None:
        calling = CALLING.get()
        if calling is None or info.get(_LAST) == calling.call:
            return
        info[_LAST] = calling.call
        serial = info.setdefault(_SERIAL, next(self._serials))
        self._sink.put(probe, {"action": "use", key: serial})
