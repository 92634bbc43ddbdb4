"""What an `isolation_target.py` is made of: how users of a service sign in, what they ask, and what is pushed to them.

    from harness.adapter import Adapter, Channel, Route, bearer

    adapter = Adapter(
        name="notes",
        sign_in=bearer(lambda user: my_token(user.name)),
        routes=[
            Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
            Route("read_note", "GET", "/notes/{note}"),
            Route("list_notes", "GET", "/notes", lists="note"),
            Route("delete_note", "DELETE", "/notes/{note}"),
        ],
        channels=[Channel("events", "websocket", "/events")],
    )

Placeholders, in every text of it (path, query, headers, bodies, messages):

- `{canary}`: a fresh text of the asking user, which carries their mark; `{canary:2}` is another one;
- `{version}`: the newest known version of the object that is asked for; `{query}`: a word of every text;
- `{user}`: the user's name; `{email}`: an address of theirs; `{session}`: an id that the client chooses, and keeps when
  it connects again;
- anything else, such as `{note}`, is the id of an object of that kind, which some route `makes`. `{note:other}` is
  another place for such an id, which usually is the same: a service may check the one and use the other.

The URL is given on the command line (`--url`) or here. Or an application is: `module:attribute` or `file.py:attribute`,
which is then served from here.

How it works. An adapter is data; what it leaves unsaid, `harness.adapter.inference` reads off its requests where that
is safe. `harness init` writes a first one; `harness describe` prints what can be shown by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.adapter.inference import differing, inferred
from harness.adapter.mistakes import Protocol, mistakes
from harness.adapter.placeholders import (
    CANARY,
    EMAIL,
    SESSION,
    USER,
    Slot,
    fill,
    names_in,
    needs_of,
    slots_in,
    taken_of,
    texts_in,
)
from harness.adapter.service_log import LogFile, LogRecords
from harness.adapter.sign_in import SignIn, api_key, basic, bearer, cookie, nobody, registered, session, trusted
from harness.history.model import Promises, Value
from harness.history.semantics import QUERY, VERSION, Progress, Pushes, Semantics, Work

__all__ = [
    "CANARY",
    "EMAIL",
    "SESSION",
    "USER",
    "Adapter",
    "AdapterError",
    "Channel",
    "LogFile",
    "LogRecords",
    "Message",
    "Route",
    "SignIn",
    "api_key",
    "basic",
    "bearer",
    "cookie",
    "fill",
    "names_in",
    "nobody",
    "registered",
    "session",
    "trusted",
]

LAST_EVENT = "last-event-id"
"""What a client of server-sent events sends when it connects again: the last id that it has seen."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class AdapterError(ValueError):
    """An adapter cannot be used. Says all that is wrong with it."""


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that a user can ask over HTTP. An answer that is a stream is read to its end.

    Args:
        name: of the operation, as in reports; unique in the adapter.
        method, path: of the request.
        query, headers: added to it.
        json, form, text: its body, in one of three forms.
        makes: the kind of object that the answer names.
        id: where: keys and positions, with dots between (`data.0.id`); `""` when the answer is the id alone;
            `@location` when it is the end of the path in that header.
        deletes: whether the object it works on is gone afterwards; None when method and path tell.
        newest_of: names of the routes whose texts it shows, of these the newest only (of the object it works on, if it
            works on one): an earlier text of the user's own in its answer is residue.
        edits: whether it gives the object that it works on the text that it carries; None when method, path and body
            tell.
        lists: the kind of objects of which it lists all that the user has; with `{query}`, all that contain it.
        page: the parameter that asks for another page of the list, which then need not have all; `""` when it has.
        entries: where the list is in the answer.
        shows: where the answer, or each entry of a list, has the text of the object.
        version: where the answer has a number that each edit raises.
        starts: what is known of the work that it starts, which ends after the answer.
        progress: how its answer tells what has become of the work that it is asked for.
        ends: whether it asks the work that it works on to end.
        public: whether anybody may ask it, without a credential; its answers are still searched for users' texts.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Value = None
    form: Mapping[str, str] | None = None
    text: str | None = None
    makes: str = ""
    id: str = "id"
    deletes: bool | None = None
    newest_of: Sequence[str] = ()
    edits: bool | None = None
    lists: str = ""
    page: str = ""
    entries: str = ""
    shows: str | None = None
    version: str = ""
    starts: Work | None = None
    progress: Progress | None = None
    ends: bool = False
    public: bool = False

    @property
    def parts(self) -> tuple[Value, ...]:
        """Everything that may hold placeholders."""
        return (self.path, dict(self.query), dict(self.headers), self.json, self.form, self.text)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The objects it works on, each once, those of the path first."""
        return tuple(dict.fromkeys(slot for part in self.parts for slot in slots_in(part)))

    @property
    def carries(self) -> bool:
        """Whether it brings a user's own text in."""
        return any(CANARY in names_in(part) for part in self.parts)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method.upper() in _READING

    @property
    def semantics(self) -> Semantics:
        """What is stated of it; `Adapter.promises` has what follows from its request, too."""
        taken = taken_of(self.slots)
        shows = self.shows is not None or self.progress or self.newest_of or self.version
        return Semantics(
            self.name,
            makes=self.makes or None,
            id=self.id,
            takes=taken.kind if taken else None,
            argument=taken.name if taken else "",
            needs=needs_of(self.slots),
            reads=bool(taken and shows) and self.reads and not self.lists,
            safe=self.reads,
            lists=self.lists or None,
            all=bool(self.lists) and not self.page,
            entries=self.entries,
            texts=texts_in(self.parts),
            shows=self.shows,
            edits=bool(self.edits),
            deletes=bool(self.deletes),
            searches=bool(self.lists) and any(QUERY in names_in(part) for part in self.parts),
            version=self.version,
            needs_version=any(VERSION in names_in(part) for part in self.parts),
            needs_query=any(QUERY in names_in(part) for part in self.parts),
            newest_of=tuple(self.newest_of),
            starts=self.starts,
            progress=self.progress,
            ends=self.ends,
            public=self.public,
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a user can say over a channel.

    Args:
        name: of the operation; unique in the adapter.
        send: the frame: JSON, or text; of Socket.IO, `[event, argument, ...]`.
        done: what stands in the frame that says it has been done, as `{"type": "joined", "room": "{room}"}` (more may
            stand there); when none like it comes it was refused. None when the service says nothing of it.
        refused: what stands in the frame that says that it was refused, at once; None when only silence says so.
        subscribes: whether the connection gets what is pushed within the object from now on.
        seen: key of the frame that takes the last seq that the client has seen of each object that frames are about, by
            its id, when it subscribes again; `""` when the service does not go on from there.
    """

    name: str
    send: Value
    done: Value = None
    refused: Value = None
    subscribes: bool = False
    seen: str = ""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The objects it works on."""
        return tuple(dict.fromkeys(slots_in(self.send)))

    @property
    def semantics(self) -> Semantics:
        """What checkers and generators know of it."""
        taken = taken_of(self.slots)
        return Semantics(
            self.name,
            takes=taken.kind if taken else None,
            argument=taken.name if taken else "",
            needs=needs_of(self.slots),
            texts=texts_in([self.send]),
            needs_query=QUERY in names_in(self.send),
            subscribes=self.subscribes,
            resumes=bool(self.seen),
            acknowledged=self.done is not None,
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """Where things are pushed to a user.

    Args:
        name: as in reports.
        protocol: see there.
        path: of it.
        query, headers: of the request that opens it; the user's own credentials are added.
        hello: messages that are said each time it has been opened.
        messages: further ones that can be said.
        subprotocols: offered by a WebSocket.
        pushes: what its frames say of themselves; None when nobody says.
        fence: a message whose `done` comes after everything that was pushed before it; `{nonce}` in it is new each
            time. None when the service has none.
    """

    name: str
    protocol: Protocol
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hello: Sequence[Message] = ()
    messages: Sequence[Message] = ()
    subprotocols: Sequence[str] = ()
    pushes: Pushes | None = None
    fence: Message | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The objects that it is opened on."""
        found = [*slots_in(self.path), *slots_in(dict(self.query)), *slots_in(dict(self.headers))]
        return tuple(dict.fromkeys([*found, *(slot for message in self.hello for slot in message.slots)]))

    @property
    def semantics(self) -> Semantics:
        """What checkers and generators know of its opening."""
        taken = taken_of(self.slots)
        return Semantics(
            self.name,
            takes=taken.kind if taken else None,
            argument=taken.name if taken else "",
            needs=needs_of(self.slots),
            texts=texts_in([message.send for message in self.hello]),
            opens=True,
            subscribes=taken is not None and self.pushes is not None and self.pushes.within == taken.kind,
        )

    @property
    def has_session(self) -> bool:
        """Whether the client chooses an id for it."""
        return any(SESSION in names_in(part) for part in (self.path, dict(self.query), dict(self.headers)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A service, as its users see it.

    Args:
        name: as in reports.
        sign_in: how users prove who they are.
        routes: what they can ask.
        channels: what is pushed to them.
        url: where it is, unless the command line says so.
        app: the ASGI application that it is, `module:attribute`, when it is to be served from here.
        http2: whether it speaks HTTP/2 without TLS, with no upgrade.
        log: its log file, or a call that returns its records: none under a user's name may carry what another wrote.
        runs_per_user: the most pieces of work of one user at a time; None when the service states no limit.
        same_name: what the service makes of a user's name before it compares (`str.casefold`): users whose names come
            to the same are one user to it, and meant to be.

    Raises:
        AdapterError: it is not consistent.
    """

    name: str
    sign_in: SignIn
    routes: Sequence[Route]
    channels: Sequence[Channel] = ()
    url: str = ""
    app: str = ""
    http2: bool = False
    log: LogFile | LogRecords | None = None
    runs_per_user: int | None = None
    same_name: Callable[[str], str] = str
    promises: Promises = field(init=False, repr=False, compare=False)
    """What checkers and generators know of the service: what is stated, and what follows from the requests."""

    def __post_init__(self) -> None:
        """Say at once what is wrong with it."""
        if wrong := [*mistakes(self)]:
            raise AdapterError(f"the adapter {self.name!r} is wrong: {'; '.join(wrong)}")
        object.__setattr__(self, "promises", self._promises())  # asked for by each opening: made once

    def route(self, name: str) -> Route:
        """Return the route of this name."""
        return next(route for route in self.routes if route.name == name)

    def channel(self, name: str) -> Channel:
        """Return the channel of this name."""
        return next(channel for channel in self.channels if channel.name == name)

    def message(self, name: str) -> tuple[Channel, Message]:
        """Return the message of this name, and the channel over which it is said."""
        said = ((channel, message) for channel in self.channels for message in (*channel.hello, *channel.messages))
        return next((channel, message) for channel, message in said if message.name == name)

    def part(self, name: str) -> Route | Channel | tuple[Channel, Message]:
        """Return what an operation of this name is: a route, a channel to open, or a message over a channel."""
        parts: tuple[Route | Channel, ...] = (*self.routes, *self.channels)
        named = next((part for part in parts if part.name == name), None)
        return named if named is not None else self.message(name)

    @property
    def parts(self) -> tuple[Route | Channel | Message, ...]:
        """Everything that a user can ask for; greetings are a part of opening their channel."""
        return (*self.routes, *self.channels, *(message for channel in self.channels for message in channel.messages))

    def _promises(self) -> Promises:
        said = {message.name: channel.name for channel in self.channels for message in channel.messages}
        known = (replace(part.semantics, over=said.get(part.name, "")) for part in self.parts)
        return Promises(
            operations={**{semantics.name: semantics for semantics in known}, **inferred(self.routes)},
            pushes=tuple(channel.pushes for channel in self.channels if channel.pushes is not None),
            runs_per_user=self.runs_per_user,
            credentials=self.sign_in.invalid,
        )

    @property
    def inferred(self) -> Mapping[str, frozenset[str]]:
        """The fields of the semantics of each route that nobody stated."""
        return {name: differing(self.route(name).semantics, known) for name, known in inferred(self.routes).items()}
