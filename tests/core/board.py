"""How the service of notes is described, opened, and used; see `board_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.adapter import Adapter, Channel, Message, Route, trusted
from harness.history.model import Event, EventKind, Header, User, Value
from harness.history.recorder import Recorder
from harness.history.semantics import Pushes
from harness.performing.adapted import AdaptedTarget
from harness.performing.connections import Deadlines
from harness.performing.runner import Runner
from harness.scenario.program import Step
from harness.targets.application import open_application
from harness.transport.exchange import Exchange
from harness.wire.serving import located

USERS = (User(0, "alice"), User(1, "bob"))
JOIN = Message(
    "join",
    {"join": "{note}"},
    done={"type": "joined", "room": "{note}"},
    refused={"type": "no", "room": "{note}"},
    subscribes=True,
    seen="seen",
)
FENCE = Message("fence", {"ping": "{nonce}"}, done={"type": "pong", "ping": "{nonce}"})
BOARD = Adapter(
    name="board",
    app=f"{Path(__file__).parent / 'board_app.py'}:app",
    sign_in=trusted("x-user", lambda user: quote(user.name)),
    routes=[
        Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note", shows="text"),
        Route("read", "GET", "/notes/{note}", shows="text"),
        Route("word", "GET", "/word"),
        Route("wait", "GET", "/wait"),
        Route("seen", "GET", "/seen"),
        Route("crash", "GET", "/crash"),
    ],
    channels=[
        Channel("events", "sse", "/events"),
        Channel("lines", "lines", "/lines"),
        Channel(
            "socket",
            "websocket",
            "/socket",
            messages=[
                JOIN,
                Message("bytes", {"bytes": 1}),
                Message("closed", {"closed": 1}),
                Message("bye", {"bye": 1}),
            ],
            pushes=Pushes(of="note", id="room", within="note", within_id="room", seq="seq", type="type"),
            fence=FENCE,
        ),
        Channel("closing", "websocket", "/closing"),
        Channel(
            "welcome",
            "websocket",
            "/greeted",
            hello=[Message("please", {"word": "please"}, done={"type": "welcome"})],
        ),
        Channel("rude", "websocket", "/greeted", hello=[Message("gimme", {"word": "gimme"}, done={"type": "welcome"})]),
        Channel("mute", "websocket", "/greeted", hello=[Message("hey", {"word": "hey"})]),
        Channel("broken", "lines", "/broken"),
    ],
)


@asynccontextmanager
async def opened(transport: str, adapter: Adapter = BOARD) -> AsyncIterator[AdaptedTarget]:
    """Open the service: in `memory`, or as a process, over `sockets`."""
    if transport == "memory":
        async with open_application(adapter, adapter.name) as target:
            yield target
        return
    with located(adapter) as url:
        target = AdaptedTarget(adapter, Exchange(url))
        try:
            yield target
        finally:
            await target.close()


async def performed(
    target: Any,
    *steps: Step,
    users: tuple[User, ...] = USERS,
    deadlines: Deadlines | None = None,
    settles: bool = True,
) -> list[Event]:
    """Perform the steps, and return what happened."""
    events: list[Event] = []
    header = Header(target="board", suite="tests", seed=1, users=len(users), promises=target.promises)
    runner = Runner(target, await target.admit(users), header, Recorder(events.append), deadlines)
    try:
        await runner.begin()
        for step in steps:
            await runner.perform(step)
        if settles:
            await runner.settle()
    finally:
        await runner.close()
    return events


def came(events: list[Event], name: str, *kinds: EventKind) -> list[Value]:
    """Return the values of the events of this name, of these kinds."""
    return [event.value for event in events if event.name == name and event.kind in kinds]


def ends(events: list[Event], name: str) -> list[EventKind]:
    """Return how the calls of this name ended."""
    ending = (EventKind.OK, EventKind.FAIL, EventKind.INFO)
    return [event.kind for event in events if event.name == name and event.kind in ending]
