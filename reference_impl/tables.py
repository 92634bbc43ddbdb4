"""What is stored: threads, runs, events and notes, each row with its owner.

Rules:
- Every row names its owner in `user_id`, and every reference includes it: the database itself refuses a run
  in another user's thread.
- Ids are unguessable; times are nanoseconds since 1970, and only order rows.
"""

from __future__ import annotations

import time

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from reference_impl.context import fresh_id


class Table(DeclarativeBase):
    """What all tables derive from."""


class Thread(Table):
    """A conversation of one user."""

    __tablename__ = "threads"
    __table_args__ = (UniqueConstraint("user_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=fresh_id)
    user_id: Mapped[str] = mapped_column()
    title: Mapped[str] = mapped_column(Text)
    created_ns: Mapped[int] = mapped_column(BigInteger, default=time.time_ns)


class Run(Table):
    """One agent at work in a thread; `status` is "accepted" until it has ended."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("user_id", "thread_id", "id"),
        ForeignKeyConstraint(["user_id", "thread_id"], ["threads.user_id", "threads.id"]),
        Index("runs_by_status", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=fresh_id)
    user_id: Mapped[str] = mapped_column()
    thread_id: Mapped[str] = mapped_column()
    agent: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(default="accepted")
    result: Mapped[str | None] = mapped_column(Text, default=None)
    error: Mapped[str | None] = mapped_column(Text, default=None)
    created_ns: Mapped[int] = mapped_column(BigInteger, default=time.time_ns)


class Event(Table):
    """One frame of a run that has ended; `payload` is the JSON text of its data."""

    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "thread_id", "run_id"], ["runs.user_id", "runs.thread_id", "runs.id"]),
        Index("events_by_thread", "user_id", "thread_id", "run_id", "seq"),
    )

    run_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[str] = mapped_column()
    thread_id: Mapped[str] = mapped_column()
    type: Mapped[str] = mapped_column()
    payload: Mapped[str] = mapped_column(Text)


class Note(Table):
    """A note of one user; `version` counts its edits from 1."""

    __tablename__ = "notes"
    __table_args__ = (Index("notes_by_owner", "user_id", "created_ns"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=fresh_id)
    user_id: Mapped[str] = mapped_column()
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    created_ns: Mapped[int] = mapped_column(BigInteger, default=time.time_ns)
