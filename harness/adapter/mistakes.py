"""What can be wrong with an adapter: said all at once, by name, before anything is asked of anybody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal, get_args

from harness.adapter.placeholders import CANARY, names_in

if TYPE_CHECKING:
    from harness.adapter.adapter import Adapter, Channel, Message, Route

Protocol = Literal["websocket", "sse", "lines", "socketio"]
"""How a channel pushes: a WebSocket, server-sent events, a body of one JSON value a line, Socket.IO."""


def mistakes(adapter: Adapter) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with an adapter."""
    written = {route.starts.writes for route in adapter.routes if route.starts is not None}
    made = {route.makes for route in adapter.routes} | written
    carrying = {route.name for route in adapter.routes if route.carries}
    hellos = (message for channel in adapter.channels for message in channel.hello)
    operations: tuple[Route | Channel | Message, ...] = (*adapter.parts, *hellos)
    named = [operation.name for operation in operations]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield f"two operations are called {name!r}"
    for operation in operations:
        for slot in operation.slots:
            if slot.kind not in made - {""}:
                yield f"{operation.name} needs a {{{slot.kind}}}, and no route has makes={slot.kind!r}"
    if not carrying and not any(CANARY in names_in(message.send) for message in _messages(adapter)):
        yield "no route and no message carries a {canary}, so nobody's data could be told from anybody else's"
    for channel in adapter.channels:
        yield from _of_channel(channel, made)
    for route in adapter.routes:
        yield from _of_route(route, made, carrying)


def _of_channel(channel: Channel, made: Collection[str]) -> Iterator[str]:
    if channel.protocol not in get_args(Protocol):
        known = ", ".join(get_args(Protocol))
        yield f"channel {channel.name!r} has the protocol {channel.protocol!r}: give {known}"
    for kind in (channel.pushes.of, channel.pushes.within) if channel.pushes is not None else ():
        if kind and kind not in made:
            yield f"channel {channel.name!r} pushes what is of a {kind!r}, and no route has makes={kind!r}"


def _of_route(route: Route, made: Collection[str], carrying: Collection[str]) -> Iterator[str]:
    if sum(body is not None for body in (route.json, route.form, route.text)) > 1:
        yield f"{route.name} has more than one body: give json, form or text"
    if route.lists and route.lists not in made:
        yield f"{route.name} lists {route.lists!r}, and no route has makes={route.lists!r}"
    if (route.edits or route.deletes or route.ends or route.progress) and not route.slots:
        yield f"{route.name} works on an object, and has no placeholder such as {{note}} that names it"
    if route.edits and not route.carries:
        yield f"{route.name} edits, and carries no {{canary}}"
    for name in route.newest_of:
        if name not in carrying:
            yield f"{route.name} shows the newest of {name!r}, and no route of that name carries a {{canary}}"


def _messages(adapter: Adapter) -> Iterator[Message]:
    for channel in adapter.channels:
        yield from (*channel.hello, *channel.messages)
