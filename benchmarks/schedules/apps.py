"""Two whole applications to be explored: FastAPI, a WebSocket, and SQLAlchemy on aiosqlite, all in one process.

Rules:

- The application, its engine and its statements are built once; a program starts with an empty database (a copy of one,
  in memory where the system has such a place), an empty hub, and no connection: the engine keeps none (NullPool).
- Requests go over ASGI: HTTP by httpx's own transport, the WebSocket by the harness's.
- Each has one planted race that asyncio's own order does not show.

Each can have further routes, which its programs do not call, of the kind that most applications have dozens of.

A1, notes: the hub remembers whom to tell in one place for all requests, from the insert to the end of the commit.
A2, rooms: who is told is read before a message is committed, and told after it: also who has left by then.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Request, WebSocket, WebSocketDisconnect
from pydantic import BaseModel
from sqlalchemy import ForeignKey, create_engine, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

from benchmarks.schedules.workloads import Program, TurnOf, Workload
from harness.transport import asgi

USERS = ("ada", "bob")


class Table(DeclarativeBase):
    """The tables of both applications."""


class Note(Table):
    """A note of one user, or a message in the room of that name."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    text: Mapped[str]


class Member(Table):
    """Who is in a room."""

    __tablename__ = "members"
    user: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[int | None] = mapped_column(ForeignKey("notes.id"))


class Thing(BaseModel):
    """What further routes are given."""

    title: str
    tags: list[str] = []
    size: int | None = None


class KeptThing(BaseModel):
    """What they answer."""

    id: int
    title: str
    owner: str


class Hub:
    """The open sockets of one program, and whom to tell next."""

    def __init__(self) -> None:
        self.sockets: dict[str, WebSocket] = {}
        self.audience = ""

    async def tell(self, user: str, **said: object) -> None:
        """Send to one user, if connected."""
        if user in self.sockets:
            await self.sockets[user].send_text(json.dumps(said))


class Site:
    """An application that was built once, and makes programs.

    Args:
        folder: for the database.
        routes: adds what the application does.
        further: how many routes it has besides.
    """

    def __init__(
        self, folder: Path, routes: Callable[[FastAPI, async_sessionmaker[AsyncSession]], None], further: int = 0
    ) -> None:
        self._file = folder / "site.db"
        engine = create_async_engine(f"sqlite+aiosqlite:///{self._file}", poolclass=NullPool)
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        routes(self.app, async_sessionmaker(engine, expire_on_commit=False))
        for number in range(further):
            _add_further(self.app, number)
        self._empty = _empty_database(folder / "empty.db")

    def renew(self) -> None:
        """Empty the database and the hub."""
        self._file.write_bytes(self._empty)
        self.app.state.hub = Hub()


def _empty_database(path: Path) -> bytes:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        Table.metadata.create_all(connection)
        connection.execute(insert(Member), [{"user": user} for user in USERS])
    engine.dispose()
    content = path.read_bytes()
    path.unlink()
    return content


def add_notes(app: FastAPI, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Add the routes of A1."""

    @app.get("/notes")
    async def list_notes(request: Request) -> list[str]:
        async with sessions() as session:
            own = select(Note.text).where(Note.owner == request.headers["user"]).order_by(Note.id)
            return list((await session.scalars(own)).all())

    @app.post("/notes")
    async def write_note(request: Request) -> None:
        hub: Hub = app.state.hub
        text = (await request.body()).decode()
        async with sessions() as session:
            session.add(Note(owner=request.headers["user"], text=text))
            await session.flush()
            hub.audience = request.headers["user"]
            await session.commit()  # the planted race: another request's audience may be there when this is done
        await hub.tell(hub.audience, note=text)

    _add_socket(app)


def add_rooms(app: FastAPI, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Add the routes of A2."""

    @app.post("/messages")
    async def write_message(request: Request) -> None:
        hub: Hub = app.state.hub
        text = (await request.body()).decode()
        async with sessions() as session:
            members = (await session.scalars(select(Member.user))).all()
            session.add(Note(owner=request.headers["user"], text=text))
            await session.commit()  # the planted race: a member may leave before this is done
        for member in members:
            await hub.tell(member, message=text)

    @app.get("/messages")
    async def list_messages() -> list[str]:
        async with sessions() as session:
            return list((await session.scalars(select(Note.text).order_by(Note.id))).all())

    @app.delete("/members")
    async def leave(request: Request) -> None:
        user = request.headers["user"]
        async with sessions() as session:
            await session.execute(delete(Member).where(Member.user == user))
            await session.commit()
        await app.state.hub.tell(user, left=True)

    _add_socket(app)


async def user_of(request: Request) -> str:
    """Return who asks."""
    return request.headers["user"]


def _add_further(app: FastAPI, number: int) -> None:
    """Add a route as most are: an item of a path, a body, a dependency, and a model of the answer."""

    @app.put(f"/things{number}/{{item}}")
    async def put(item: int, thing: Thing, user: Annotated[str, Depends(user_of)]) -> KeptThing:
        return KeptThing(id=item, title=thing.title, owner=user)


def _add_socket(app: FastAPI) -> None:
    @app.websocket("/events")
    async def events(socket: WebSocket) -> None:
        hub: Hub = app.state.hub
        await socket.accept()
        hub.sockets[socket.headers["user"]] = socket
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            del hub.sockets[socket.headers["user"]]


class Visit:
    """One program: two users of one site, each with a socket; what each does is up to the subclass."""

    def __init__(self, site: Site) -> None:
        site.renew()
        self._app = site.app
        self.received: dict[str, list[dict[str, Any]]] = {user: [] for user in USERS}

    def users(self) -> Sequence[TurnOf]:
        """Return what both users do."""
        return [self._turn_of(user) for user in USERS]

    async def act(self, user: str, http: httpx.AsyncClient) -> None:
        """Do what this user does, once connected."""
        raise NotImplementedError

    def _turn_of(self, user: str) -> TurnOf:
        async def turn() -> None:
            headers = {"user": user}
            received = self.received[user]
            socket = asgi.WebSocket(
                self._app,
                "/events",
                headers=headers,
                on_text=lambda text: received.append(json.loads(text)),
                on_close=lambda code, reason: None,
            )
            await socket.open()
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=self._app), base_url="http://site", headers=headers
            )
            try:
                await self.act(user, http)
                await asyncio.sleep(0)
            finally:
                await http.aclose()
                await socket.close()

        return turn


class WritingNotes(Visit):
    """A1: both write a note and list theirs; the second one looks first."""

    async def act(self, user: str, http: httpx.AsyncClient) -> None:
        """Write and list notes."""
        if user == USERS[1]:
            await http.get("/notes")
        await http.post("/notes", content=f"{user}'s note")
        await http.get("/notes")

    def is_broken(self) -> bool:
        """Whether somebody was told of another's note, or not told of one of theirs."""
        return any(self.received[user] != [{"note": f"{user}'s note"}] for user in USERS)


class LeavingARoom(Visit):
    """A2: one looks and writes; the other looks, leaves, and stays connected for a while."""

    async def act(self, user: str, http: httpx.AsyncClient) -> None:
        """Write a message, or leave."""
        if user == USERS[0]:
            await http.post("/messages", content="hello")
            await http.get("/messages")
        else:
            await http.get("/messages")
            await http.delete("/members")
            await http.get("/messages")

    def is_broken(self) -> bool:
        """Whether somebody was told of a message after having left."""
        received = self.received[USERS[1]]
        return {"left": True} in received and received[-1] != {"left": True}


_APPS: Sequence[tuple[str, str, Callable[[FastAPI, Any], None], Callable[[Site], Program]]] = (
    ("A1", "notes over HTTP, told over a WebSocket: one audience for all requests", add_notes, WritingNotes),
    ("A2", "rooms over HTTP, told over a WebSocket: members read before the commit", add_rooms, LeavingARoom),
)


@contextmanager
def built(further: int = 0) -> Iterator[Sequence[Workload]]:
    """Build both applications once, with so many further routes; yield them as workloads."""
    with _folder() as folder:
        sites = [Site(_made(folder / name), routes, further) for name, _, routes, _ in _APPS]
        yield [
            Workload(name, what, lambda site=site, visit=visit: visit(site))  # type: ignore[misc]
            for (name, what, _, visit), site in zip(_APPS, sites, strict=True)
        ]


@contextmanager
def rebuilt(further: int = 0) -> Iterator[Sequence[Workload]]:
    """Yield both as workloads that build their application anew, with so many further routes, for each program."""
    with _folder() as folder:
        folders = {name: _made(folder / name) for name, *_ in _APPS}
        yield [
            Workload(
                name,
                what,
                lambda name=name, routes=routes, visit=visit: visit(Site(folders[name], routes, further)),  # type: ignore[misc]
            )
            for name, what, routes, visit in _APPS
        ]


@contextmanager
def _folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
