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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from harness.history.semantics import Pushes, Semantics

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
    """What a user asks.

    Args:
        name: of the operation; what is known of it is its `Semantics`.
        objects: the ids of the objects that it works on, by argument.
        given: what else it is given: `text`, `version`, `query`, `seen`.
    """

    name: str
    objects: Mapping[str, Value] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)


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
        value: what was asked (INVOKE) or answered (OK), laid out as `Semantics` says; {status, text} of a FAIL, {error}
            of an INFO, payload of a PUSH or PROBE.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What a target states of itself, and is held to.

    Args:
        operations: what is known of each operation that it offers, by name.
        pushes: what is known of the frames of each channel.
        runs_per_user: the most pieces of work of one user at a time; None when no limit is stated.
        credentials: the invalid credentials that can be tried on it; empty means access cannot be examined.
    """

    operations: Mapping[str, Semantics] = field(default_factory=dict)
    pushes: tuple[Pushes, ...] = ()
    runs_per_user: int | None = None
    credentials: frozenset[Credential] = frozenset()

    def offers(self, operation: Operation) -> bool:
        """Return whether the target offers this operation."""
        return operation.name in self.operations

    def which(self, does: Callable[[Semantics], object]) -> tuple[Semantics, ...]:
        """Return the operations of which something is true, in the order in which they are described."""
        return tuple(semantics for semantics in self.operations.values() if does(semantics))


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a checker is told before the first event.

    Args:
        target, suite: names.
        seed: of the data; the canary key is derived from it.
        users: how many valid users take part.
        promises: what the target states of itself.
        served: the operations with which one user alone has had success before.
    """

    target: str
    suite: str
    seed: int
    users: int
    promises: Promises = field(default_factory=Promises)
    served: tuple[str, ...] = ()


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
class Admitting(Protocol):
    """A target at which users sign in before anything else."""

    async def admit(self, users: Sequence[User], /) -> tuple[User, ...]:
        """Sign everybody in, and return them under the names that the target knows."""


@runtime_checkable
class Logging(Protocol):
    """A target whose log can be read."""

    def records(self) -> Iterable[tuple[UserId, Value]]:
        """Return what was written since the last call: whom each record names, and the record."""


@runtime_checkable
class Component(Protocol):
    """A target whose parts can be examined on their own."""

    @property
    def components(self) -> Any:
        """The parts, as `harness.performing.components` names them."""
