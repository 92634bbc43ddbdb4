"""Planted bugs of section B: events that go astray, get lost, come twice, or out of order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Hashable, Iterable
from typing import Any

from harness.claims.evidence import Suite
from harness.mutants.subject import mutant
from reference_impl.app import Parts
from reference_impl.engine import Execution, ExecutionEngine
from reference_impl.factory import RequestScope
from reference_impl.hub import Connection, ConnectionHub, Frame
from reference_impl.operations import Service


class Broadcast(ConnectionHub):
    """Sends everything to everybody; clients are trusted to look away."""

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return all connections."""
        return [connection for mine in self._connections.values() for connection in mine]


class ParsedRoute(ConnectionHub):
    """Finds user and thread by parsing `user_thread`; where that fails it guesses, and remembers the guess."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self._guesses: dict[str, Hashable] = {}

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the followers of what the id seems to name."""
        name = f"{frame.user}_{frame.thread}"
        user, _, thread = name.partition("_")
        key = self._guesses.get(name, self.route_key(user, thread))
        if key not in self._follows:
            alike = (known for known in self._follows if isinstance(known, tuple) and known[0] == user)
            key = self._guesses[name] = next(alike, key)
        return [follow.connection for follow in self._follows.get(key, {}).values() if follow.live]


class LateRoute(ConnectionHub):
    """Learns of a run by its first event, when that has been routed."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self._known: set[str] = set()

    def publish(self, frame: Frame) -> None:
        """Push a frame, then learn of its run."""
        super().publish(frame)
        self._known.add(frame.run)

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the frame's connections, if its run is known."""
        return super().receivers(frame) if frame.run in self._known else ()


class InheritedThread(ConnectionHub):
    """Takes every run of a user for one of the thread that the connection followed first."""

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the connections of the user that follow anything."""
        mine = {*self.connections(frame.user)}
        live = [follow.connection for follows in self._follows.values() for follow in follows.values() if follow.live]
        return dict.fromkeys(connection for connection in live if connection in mine)


class ReusedIndex(ConnectionHub):
    """Finds sockets by an index, which is how many there are: after a disconnect the next index is somebody's."""

    def __init__(self, queue_size: int = 256) -> None:
        super().__init__(queue_size)
        self._sockets: dict[int, Connection] = {}
        self._indices: dict[Connection, int] = {}

    def attach(self, user_id: str) -> Connection:
        """Open a connection under the next index."""
        connection = super().attach(user_id)
        self._indices[connection] = index = len(self._sockets)
        self._sockets.setdefault(index, connection)
        return connection

    def detach(self, connection: Connection) -> None:
        """Forget a connection."""
        super().detach(connection)
        index = self._indices.pop(connection, None)
        if index is not None and self._sockets.get(index) is connection:
            del self._sockets[index]

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return what the indices of the frame's connections name by now."""
        return [self._sockets[self._indices[connection]] for connection in super().receivers(frame)]


class LatestOnly(Connection):
    """Has room for one event, and drops the older one in silence."""

    def push(self, text: str) -> None:
        """Queue a message."""
        if self._queue and '"seq"' in self._queue[0]:
            self._queue.popleft()
        super().push(text)


class Unordered(Connection):
    """Sends each message by itself, every second one a little later."""

    _pushed = 0

    def push(self, text: str) -> None:
        """Queue a message, now or soon."""
        self._pushed += 1
        if self._pushed % 2:
            asyncio.get_running_loop().call_later(0.002, super().push, text)
        else:
            super().push(text)


class _HubOf(ConnectionHub):
    """Opens connections of another class."""

    kind: type[Connection]

    def attach(self, user_id: str) -> Connection:
        """Open a connection of a user."""
        connection = self.kind(user_id, self.queue_size)
        self._connections.setdefault(user_id, {})[connection] = None
        return connection


class LossyHub(_HubOf):
    """Keeps the newest event of each connection."""

    kind = LatestOnly


class UnorderedHub(_HubOf):
    """Keeps no order."""

    kind = Unordered


class TwiceCompleted(ExecutionEngine):
    """Reports the end of a run itself, although the layer below has."""

    async def _complete(self, execution: Execution, scope: RequestScope, result: str) -> None:
        await super()._complete(execution, scope, result)
        self.hub.publish(execution.log.frames[-1])


class ErrorBroadcast(ConnectionHub):
    """Tells everybody what went wrong, in the words of the user to whom it did."""

    def publish(self, frame: Frame) -> None:
        """Push a frame; an error to all."""
        super().publish(frame)
        if frame.type == "agent_error":
            text = json.dumps({"type": "service_error", "data": dict(frame.data)})
            for mine in self._connections.values():
                for connection in mine:
                    connection.push(text)


class FollowedByThread(ConnectionHub):
    """Routes by the thread alone."""

    def route_key(self, user_id: str, thread_id: str) -> Hashable:
        """Return the thread."""
        return thread_id


class UncheckedFollow(Service):
    """Lets anybody follow any thread."""

    async def may_follow(self, user_id: str, thread_id: str) -> bool:
        """Whether a thread may be followed: yes."""
        return True


def _hub(kind: type[ConnectionHub], **fields: Any) -> dict[str, Any]:
    return {"parts": lambda: Parts(hub=kind), **fields}


STRAY_EVENTS = (
    mutant(
        "broadcast",
        "B1",
        "misdelivery",
        "events go to all sockets and are filtered, or not, at the client",
        shows_on="in-turn",
        **_hub(Broadcast, suites=(Suite.PROPERTIES, Suite.LOAD)),
    ),
    mutant(
        "parsed-route",
        "B2",
        "misdelivery",
        "a route is found by parsing an id; a wrong parse finds another user, and the guess is cached",
        shows_on="in-turn",
        **_hub(ParsedRoute),
    ),
    mutant(
        "late-route",
        "B4",
        "misdelivery",
        "the route of a run is registered after the run began",
        shows_on="solo",
        **_hub(LateRoute),
    ),
    mutant(
        "inherited-thread",
        "B5",
        "misdelivery",
        "a user's second thread is taken for the one that the connection followed first",
        shows_on="crowd",
        **_hub(InheritedThread),
    ),
    mutant(
        "reused-index",
        "B6",
        "misdelivery",
        "a reconnect gets an index that already names another user's socket",
        shows_on="faults",
        **_hub(ReusedIndex),
    ),
    mutant(
        "drop-oldest",
        "B8",
        "misdelivery",
        "a full queue drops the oldest event in silence",
        shows_on="solo",
        **_hub(LossyHub),
    ),
    mutant(
        "twice-completed",
        "B9",
        "misdelivery",
        "two layers send the completion of a run",
        shows_on="solo",
        parts=lambda: Parts(engine=TwiceCompleted),
    ),
    mutant(
        "unordered",
        "B10",
        "misdelivery",
        "events are sent by tasks without order",
        shows_on="solo",
        **_hub(UnorderedHub),
    ),
    mutant(
        "error-broadcast",
        "B11",
        "leak",
        "one user's error is told to everybody, with its text",
        shows_on="faults",
        **_hub(ErrorBroadcast),
    ),
    mutant(
        "unchecked-follow",
        "B12",
        "access",
        "a subscription to a thread is not checked against its owner",
        shows_on="access",
        parts=lambda: Parts(hub=FollowedByThread, service=UncheckedFollow),
    ),
)
"""Planted bugs of events."""
