"""Whose connection is whose: the one place where an event finds its way to a socket.

Rules:
- A connection belongs to one user. A frame reaches the connections that follow its (user, thread), no other:
  a foreign thread can never match, because the user is part of the key.
- Publishing never waits for a consumer. A connection whose queue is full is closed, alone, with 1013.
- Nothing is lost in silence: whoever was cut off resumes with the last sequence number it saw.

How it works: each live run has a `RunLog`, the list of its frames. Publishing appends to the log and pushes
to the queues of followers that are live. A new follower first catches up: stored runs from storage, then the
logs of runs that were live when it began or started since; when it has read them to their end, it turns live.
Reading to the end and turning live happen in one step of the event loop, so there is neither a gap nor a
double.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_impl.emitter import UserWebSocketEmitter

OVERFLOW_CODE = 1013
"""WebSocket close code "try again later", for a consumer that was too slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event of one run, as the owner's connections see it. `payload` is the JSON text of its data."""

    type: str
    user: str
    thread: str
    run: str
    seq: int
    payload: str

    @property
    def data(self) -> Mapping[str, object]:
        """The event's data, parsed anew at each call, so that no two readers share it."""
        parsed: Mapping[str, object] = json.loads(self.payload)
        return parsed

    def to_json(self) -> str:
        """Return the frame as the JSON object that goes over the wire."""
        head = {
            "type": self.type,
            "user": self.user,
            "thread": self.thread,
            "run": self.run,
            "seq": self.seq,
        }
        return f'{json.dumps(head)[:-1]}, "data": {self.payload}}}'


class RunLog:
    """The frames of one live run, in order. Dropped by the hub once they are stored."""

    __slots__ = ("frames", "holders", "run", "thread", "user")

    def __init__(self, user: str, thread: str, run: str) -> None:
        """Begin an empty log, held by nobody yet."""
        self.user = user
        self.thread = thread
        self.run = run
        self.frames: list[Frame] = []
        self.holders = 0

    @property
    def next_seq(self) -> int:
        """The sequence number of the next frame: they are gap-free from 0."""
        return len(self.frames)


class ConnectionClosed(Exception):
    """The connection is over; `code` and `reason` are what its socket is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        """Keep the WebSocket close code and the reason."""
        super().__init__(f"connection closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class Connection:
    """One device of one user: a bounded queue of what goes out to it."""

    def __init__(self, user_id: str, queue_size: int) -> None:
        """Make an open connection; `queue_size` is how many messages may wait, at least 1."""
        self.user_id = user_id
        self.queue_size = queue_size
        self._queue: deque[str] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed: ConnectionClosed | None = None

    @property
    def closed(self) -> ConnectionClosed | None:
        """Why the connection is over, or None while it is open."""
        return self._closed

    def push(self, text: str) -> None:
        """Queue a message without waiting; a full queue closes this connection, and none else."""
        if self._closed is not None:
            return
        if len(self._queue) >= self.queue_size:
            self.close(
                OVERFLOW_CODE,
                f"more than {self.queue_size} messages were waiting: "
                "reconnect, and follow with the last seq of each run to resume",
            )
            return
        self._queue.append(text)
        self._changed.set()
        if len(self._queue) >= self.queue_size:
            self._room.clear()

    async def put(self, text: str) -> None:
        """Queue a message, waiting for room: for the connection's own task only, as in a replay.

        Raises:
            ConnectionClosed: the connection ended meanwhile.
        """
        while self._closed is None and len(self._queue) >= self.queue_size:
            await self._room.wait()  # a live event may take the room first: look again
        if self._closed is not None:
            raise self._closed
        self.push(text)

    async def next(self) -> str:
        """Return the next message that goes out, waiting for one.

        Raises:
            ConnectionClosed: the connection is over; what was queued is for the resumption to replay.
        """
        while self._closed is None:
            if self._queue:
                text = self._queue.popleft()
                self._room.set()
                return text
            self._changed.clear()
            await self._changed.wait()
        raise self._closed

    def close(self, code: int, reason: str) -> None:
        """End the connection and wake whoever waits on it; only the first call counts."""
        if self._closed is None:
            self._closed = ConnectionClosed(code, reason)
            self._queue.clear()
            self._changed.set()
            self._room.set()


@dataclass(slots=True, eq=False)
class Follow:
    """One connection following one thread: catching up from the logs first, then live.

    `ahead` names runs whose last frames were replayed from storage before they were published: the commit
    comes first, so a replay may read a frame in the instant between. Those are not sent a second time.
    """

    connection: Connection
    thread: str
    live: bool = False
    logs: deque[RunLog] = field(default_factory=deque)
    ahead: dict[str, int] = field(default_factory=dict)


class ConnectionHub:
    """All open connections and live runs, each under its owner."""

    def __init__(self, queue_size: int = 256) -> None:
        """Make an empty hub; `queue_size` is how many messages may wait for one connection, at least 1."""
        if queue_size < 1:
            raise ValueError(f"queue_size is {queue_size}: no event could ever be queued. Use at least 1.")
        self.queue_size = queue_size
        self._connections: dict[str, dict[Connection, None]] = {}  # dicts keep the order of opening; sets keep none
        self._follows: dict[Hashable, dict[Connection, Follow]] = {}
        self._logs: dict[Hashable, dict[str, RunLog]] = {}
        self._emitters: set[UserWebSocketEmitter] = set()

    # Connections

    def attach(self, user_id: str) -> Connection:
        """Open a connection of a user, who may have several; it follows nothing yet."""
        connection = Connection(user_id, self.queue_size)
        self._connections.setdefault(user_id, {})[connection] = None
        return connection

    def detach(self, connection: Connection) -> None:
        """Forget a connection and all it follows; harmless when done before."""
        connection.close(1000, "detached")
        for key in [key for key, follows in self._follows.items() if connection in follows]:
            self._remove_follow(key, connection)
        mine = self._connections.get(connection.user_id)
        if mine is not None:
            mine.pop(connection, None)
            if not mine:
                del self._connections[connection.user_id]

    def connections(self, user_id: str) -> tuple[Connection, ...]:
        """Return the open connections of one user, in the order in which they were opened."""
        return tuple(self._connections.get(user_id, ()))

    # Following

    def route_key(self, user_id: str, thread_id: str) -> Hashable:
        """Return what a frame and a follower must agree on: the owner and the thread."""
        return (user_id, thread_id)

    def begin_follow(self, connection: Connection, thread_id: str) -> Follow:
        """Begin to follow a thread of the connection's user: from now on nothing is missed.

        The follow is not live yet: replay what is stored, then `catch_up`. Following anew replaces.
        """
        key = self.route_key(connection.user_id, thread_id)
        live_runs = self._logs.get(key, {}).values()
        follow = Follow(connection=connection, thread=thread_id, logs=deque(live_runs))
        self._follows.setdefault(key, {})[connection] = follow
        return follow

    async def catch_up(self, follow: Follow, seen: Mapping[str, int]) -> None:
        """Send what live runs emitted since `seen`, waiting for room, then turn the follow live.

        Args:
            seen: the last sequence number sent, by run; a run that is not named is sent from 0.

        Raises:
            ConnectionClosed: the connection ended meanwhile.
        """
        positions = {id(log): seen.get(log.run, -1) + 1 for log in follow.logs}
        while (log := self._behind(follow, positions, seen)) is not None:
            position = positions[id(log)]
            positions[id(log)] = position + 1
            await follow.connection.put(log.frames[position].to_json())
        follow.ahead = {log.run: seen[log.run] for log in follow.logs if seen.get(log.run, -1) >= log.next_seq}
        follow.logs.clear()
        follow.live = True

    def _behind(self, follow: Follow, positions: dict[int, int], seen: Mapping[str, int]) -> RunLog | None:
        for log in follow.logs:
            if positions.setdefault(id(log), seen.get(log.run, -1) + 1) < len(log.frames):
                return log
        return None

    def unfollow(self, connection: Connection, thread_id: str) -> None:
        """Stop following a thread; harmless when it was not followed."""
        self._remove_follow(self.route_key(connection.user_id, thread_id), connection)

    def _remove_follow(self, key: Hashable, connection: Connection) -> None:
        follows = self._follows.get(key)
        if follows is not None:
            follows.pop(connection, None)
            if not follows:
                del self._follows[key]

    # Runs

    def open_run(self, user_id: str, thread_id: str, run_id: str) -> RunLog:
        """Hold the log of a run, making it when nobody does; followers hear of it from its first frame."""
        key = self.route_key(user_id, thread_id)
        runs = self._logs.setdefault(key, {})
        log = runs.get(run_id)
        if log is None:
            log = runs[run_id] = RunLog(user_id, thread_id, run_id)
            for follow in tuple(self._follows.get(key, {}).values()):
                self._remember(follow, log)
        log.holders += 1
        return log

    def _remember(self, follow: Follow, log: RunLog) -> None:
        if follow.live:
            return
        if len(follow.logs) >= self.queue_size:
            # catching up since so long that more runs came than may wait: a slow consumer
            follow.connection.close(OVERFLOW_CODE, "too slow to catch up: reconnect and resume")
            return
        follow.logs.append(log)

    def close_run(self, log: RunLog) -> None:
        """Let go of a run's log; it is dropped when its last holder does, and no other run's ever is."""
        log.holders -= 1
        key = self.route_key(log.user, log.thread)
        runs = self._logs.get(key, {})
        if log.holders <= 0 and runs.get(log.run) is log:
            del runs[log.run]
            if not runs:
                self._logs.pop(key, None)

    # Events

    def publish(self, frame: Frame) -> None:
        """Log a frame and push it to its owner's followers; never waits, so nobody delays anybody."""
        log = self._logs.get(self.route_key(frame.user, frame.thread), {}).get(frame.run)
        if log is not None:
            log.frames.append(frame)
        text = frame.to_json()
        for connection in self.receivers(frame):
            connection.push(text)

    def receivers(self, frame: Frame) -> Iterable[Connection]:
        """Return the connections a frame goes to: those of its owner that follow its thread and are live."""
        follows = self._follows.get(self.route_key(frame.user, frame.thread), {})
        return tuple(
            follow.connection
            for follow in follows.values()
            if follow.live and frame.seq > follow.ahead.get(frame.run, -1)
        )

    # Accounts

    def emitter_opened(self, emitter: UserWebSocketEmitter) -> None:
        """Count an emitter until it is closed."""
        self._emitters.add(emitter)

    def emitter_closed(self, emitter: UserWebSocketEmitter) -> None:
        """Count an emitter no longer; harmless when done before."""
        self._emitters.discard(emitter)

    def held(self) -> Mapping[str, int]:
        """Count what the hub holds now: connections, follows, live runs' logs and open emitters."""
        return {
            "connections": sum(len(mine) for mine in self._connections.values()),
            "follows": sum(len(follows) for follows in self._follows.values()),
            "runs": sum(len(runs) for runs in self._logs.values()),
            "emitters": len(self._emitters),
        }

    def close(self, code: int = 1001, reason: str = "the server is shutting down") -> None:
        """Close every connection, as at shutdown."""
        for mine in tuple(self._connections.values()):
            for connection in tuple(mine):
                connection.close(code, reason)
