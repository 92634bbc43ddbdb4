"""The nouns that everything else is said in. Standard library only.

Rules:

- A **target** is a system whose users must be isolated; a **client** is one user's connection to it.
- Whatever happens becomes an **event**; all events of one execution are its **history**, in the order in which
  the harness saw them. Events are frozen, and their values are JSON.
- Every event but an INVOKE is an observation: something that reached a user, or (PROBE) a fact seen from inside.
- The user of an event is the one whose connection carried it, as the harness knows it. What the target says of
  itself is in the value, and is never trusted as an identity.

Source: the history model of Jepsen (invoke, ok, fail, info) and porcupine, with PUSH and PROBE added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

UserId = str
"""The name the harness gives a user (`u07`), or `""` for facts about no user."""

Value = Any
"""JSON: None, bool, int, float, str, list of Value, dict from str to Value."""

OnPush = Callable[[str, Value], None]
"""Called by a client with (topic, value) for whatever reaches its user unasked."""


class EventKind(StrEnum):
    """What an event says."""

    INVOKE = "invoke"
    """A user asked for an operation."""
    OK = "ok"
    """It happened."""
    FAIL = "fail"
    """It certainly did not happen."""
    INFO = "info"
    """It may or may not have happened: timeout, cancellation, crash."""
    PUSH = "push"
    """Something reached a user unasked."""
    PROBE = "probe"
    """A fact seen from inside, by a tap or by the harness itself."""


class Credential(StrEnum):
    """How a user proves who they are. Everything but VALID must be refused."""

    VALID = "valid"
    NONE = "none"
    EXPIRED = "expired"
    FORGED = "forged"
    """Signed with a key that is not the target's."""
    UNSIGNED = "unsigned"
    """Claims to need no signature (`alg: none`)."""
    AUDIENCE = "audience"
    """Well signed, but issued for another service."""
    TRUNCATED = "truncated"
    """The beginning of a valid one."""
    REVOKED = "revoked"
    """Valid until its user signed out."""


@dataclass(frozen=True, slots=True)
class User:
    """A principal.

    Args:
        number: 0, 1, 2, ...; what this user's canaries carry.
        name: what the target is told; any text.
        credential: how the user signs in. A user without a valid credential is an intruder.
    """

    number: int
    name: str
    credential: Credential = Credential.VALID

    @property
    def id(self) -> UserId:
        """The name of this user in histories and reports; an intruder's says so (`u07~expired`)."""
        own = user_id(self.number)
        return own if self.credential is Credential.VALID else f"{own}~{self.credential.value}"


def user_id(number: int) -> UserId:
    """Return the harness's name of the user with this number."""
    return f"u{number:02d}"


def is_intruder(user: UserId) -> bool:
    """Return whether this name belongs to a user without a valid credential."""
    return "~" in user


@dataclass(frozen=True, slots=True)
class Operation:
    """What a user asks: a name of the vocabulary (see `harness.history.vocabulary`) and its arguments."""

    name: str
    arguments: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a history.

    Args:
        index: 0, 1, 2, ...
        kind: see EventKind.
        user: whose connection carried it, as the harness knows it.
        device: which of the user's connections: 0, 1, ...
        call: joins an INVOKE to its completion; None for PUSH and most PROBEs.
        name: operation, push topic, or probe.
        value: arguments of an INVOKE, answer of an OK, reason of a FAIL or INFO, payload of a PUSH or PROBE.
        time_ns: monotonic; comparable inside one history only.
    """

    index: int
    kind: EventKind
    user: UserId
    device: int = 0
    call: int | None = None
    name: str
    value: Value = None
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation with its completion."""

    invocation: Event
    completion: Event


class CallJoiner:
    """Joins completions to their invocations; holds only the calls that are open."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, Event] = {}

    def step(self, event: Event) -> Call | None:
        """Take the next event; return the call that it completes, if it completes one."""
        if event.call is None:
            return None
        if event.kind is EventKind.INVOKE:
            self._open[event.call] = event
        elif event.kind in (EventKind.OK, EventKind.FAIL, EventKind.INFO):
            invocation = self._open.pop(event.call, None)
            if invocation is not None:
                return Call(invocation, event)
        return None


@dataclass(frozen=True, slots=True)
class Verb:
    """What the harness knows of one operation.

    Args:
        name: as in `Operation.name`.
        makes: the kind of object that its answer names.
        takes: the kind of object it works on, named by the argument `argument`.
        argument: the name of that argument.
        lists: the kind of objects it lists.
        text: the argument that carries the user's own text.
        deletes: whether the object it works on is gone afterwards.
        newest_of: the operations whose texts it shows, of these the newest only; empty when older ones may show, too.
        opens: whether it opens a connection, which may stay open for anybody as long as nothing is sent over it.
    """

    name: str
    makes: str | None = None
    takes: str | None = None
    argument: str = "id"
    lists: str | None = None
    text: str | None = None
    deletes: bool = False
    newest_of: tuple[str, ...] = ()
    opens: bool = False


class Delivery(StrEnum):
    """What a target promises about its events."""

    EXACTLY_ONCE = "exactly-once"
    AT_LEAST_ONCE = "at-least-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What a target states of itself, and is held to.

    Args:
        operations: the operations of the vocabulary that it offers; None means all.
        agents: those that `start_run` can be asked for; None means all of the vocabulary.
        runs_per_user: the most runs of one user at a time; None when no limit is stated.
        delivery: how often an event arrives.
        credentials: the invalid credentials that can be tried on it; empty means access cannot be examined.
        verbs: its own operations, by name, where they are not those of the vocabulary.
    """

    operations: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    runs_per_user: int | None = None
    delivery: Delivery = Delivery.EXACTLY_ONCE
    credentials: frozenset[Credential] = frozenset()
    verbs: Mapping[str, Verb] = field(default_factory=dict)

    def offers(self, operation: Operation) -> bool:
        """Return whether the target offers this operation, with this agent where one is named."""
        agent = operation.arguments.get("agent")
        known = self.operations is None or operation.name in self.operations
        return known and (agent is None or self.agents is None or agent in self.agents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a checker is told before the first event.

    Args:
        target, suite: names.
        seed: of the data; the canary key is derived from it.
        users: how many valid users take part.
        promises: what the target states of itself.
    """

    target: str
    suite: str
    seed: int
    users: int
    promises: Promises = field(default_factory=Promises)


@dataclass(frozen=True, slots=True)
class History:
    """All that happened in one execution."""

    header: Header
    events: tuple[Event, ...]


class Refused(Exception):
    """A target's definite no: the operation did not happen.

    Args:
        status: an HTTP status, or another number that says what kind of no it is.
        text: the whole answer, as the user saw it.
    """

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(f"refused with {status}: {text[:200]}")
        self.status = status
        self.text = text


class Unreachable(Exception):
    """The target cannot be reached or started: there is nothing to verify. Says what to do."""


class Unfit(Unreachable):
    """The target is there, and does not do for one user what it is said to do: there is nothing to verify either."""


class Client(Protocol):
    """One user's connection. `Refused` means FAIL; any other exception means INFO."""

    async def invoke(self, operation: Operation, /) -> Value:
        """Carry out the operation and return the answer as JSON."""

    async def close(self) -> None:
        """Drop the connection at once, as a user does who walks into a lift."""


class Target(Protocol):
    """A system under verification. A mutant is a Target too.

    It may have an attribute `lasting`: True when it is to be opened once for all programs, because starting takes
    long; False when it starts empty each time, so that user names may come again.
    """

    name: str

    async def connect(self, user: User, on_push: OnPush, /) -> Client:
        """Open one connection for this user; a user may have several."""

    async def close(self) -> None:
        """Stop the target and release what it holds."""


@runtime_checkable
class Promising(Protocol):
    """A target that states what it offers and promises."""

    promises: Promises


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact that a tap saw inside the target: becomes a PROBE event."""

    name: str
    value: Value
    user: UserId = ""
    call: int | None = None


@runtime_checkable
class Probing(Protocol):
    """A target with taps inside."""

    async def probes(self) -> Sequence[Probe]:
        """Return, in order, what the taps saw since the last call."""


@runtime_checkable
class Resources(Protocol):
    """A target that can say what it holds."""

    async def resources(self) -> Mapping[str, int]:
        """Return how many of each kind of per-request resource are held right now."""


@runtime_checkable
class Heap(Protocol):
    """A target whose live per-request objects can be compared."""

    async def aliases(self) -> Probe:
        """Compare what the live requests of different users can reach; see `harness.performing.taps.heap`."""


@runtime_checkable
class Faulty(Protocol):
    """A target into which faults can be put for one user."""

    async def slow(self, user: User, delay_s: float) -> None:
        """Make this user's database statements take `delay_s` seconds longer; 0 ends it."""


@runtime_checkable
class Component(Protocol):
    """A target whose parts can be examined on their own."""

    @property
    def components(self) -> Any:
        """The parts, as `harness.performing.components` names them."""
