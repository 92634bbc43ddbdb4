"""What many users are to do, step by step: generated, stored, made smaller, performed, sent again.

A program is written before its target has given any id, so it names objects symbolically:

- `$note:3:0` is the first note that user 3 made (`$note:3:-1` the newest); a step whose object was never made is left
  out;
- `$missing:note` is an id of the same form that nobody was ever given;
- `$version:note:3:0` is the newest version known of that note, `$mark:0` the asking user's first mark;
- `$session:NAME` is an id that the client chooses.

A text that an operation carries, the version that it replaces and what it searches for need not be written down: the
performer gives a fresh text with a mark of the asking user, the newest version known, and a word that is in every text.
Where a text is written down, `{mark}` in it becomes a fresh canary.

Users are given by their position in `Program.users`, objects by the number of the user who made them.

How things overlap: asking waits for nothing, so that all that is asked between two JOINs, or until a SETTLE, is under
way at once, each from its own moment on (`RequestOptions.at_s`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from harness.history.model import Operation, User
from harness.history.semantics import QUERY, SEEN, TEXT, VERSION


class Do(StrEnum):
    """The kinds of step."""

    CONNECT = "connect"
    """Open the user's connection with this device number; subscribe again to what it had before, from where it was."""
    ASK = "ask"
    """Start an operation, and do not wait for its answer: ask a route, open a channel, say a message."""
    JOIN = "join"
    """Wait until everything that was asked has been answered."""
    TICK = "tick"
    """Let the event loop turn `amount` times."""
    SETTLE = "settle"
    """Wait until all calls and all work that can end have ended and all connections are read; take every probe."""
    COMPARE = "compare"
    """Compare what the live requests of different users can reach."""
    CANCEL = "cancel"
    """Fault: cancel the user's newest call under way."""
    DISCONNECT = "disconnect"
    """Fault: drop the user's connection; of a named channel, that alone."""
    SLOW = "slow"
    """Fault: the user's database statements take `amount` milliseconds longer; 0 ends it."""


FAULTS = frozenset({Do.CANCEL, Do.DISCONNECT, Do.SLOW})
TOGETHER = frozenset({Do.JOIN, Do.TICK, Do.SETTLE, Do.COMPARE})
"""Steps of nobody in particular."""


class Reading(StrEnum):
    """What a client does with the answer."""

    ALL = "all"
    """Reads it at once."""
    SLOWLY = "slowly"
    """Reads it in pieces, with pauses."""
    BEGINNING = "beginning"
    """Reads its head, and hangs up."""


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How a request travels. A transport that has no such way sends it as usual.

    Args:
        connection: name of the TCP connection, which others may use, too; `""` for connections of the user's own.
        at_s: when, in seconds after the last JOIN.
        size: how long the user's text is made, in bytes.
        pieces: in how many pieces the body is sent; 1 is usual.
        hang_up_s: when the client hangs up, in seconds after sending; None when it waits for the answer.
        reading: what it does with the answer.
        half_closed: whether it closes its own direction as soon as it has asked.
    """

    connection: str = ""
    at_s: float = 0.0
    size: int = 0
    pieces: int = 1
    hang_up_s: float | None = None
    reading: Reading = Reading.ALL
    half_closed: bool = False

    @property
    def leaves_early(self) -> bool:
        """Whether the client does not wait for all of the answer."""
        return self.hang_up_s is not None or self.reading is Reading.BEGINNING

    def __str__(self) -> str:
        """Return what is not usual about it, in words."""
        said = [f"over connection {self.connection}"] if self.connection else []
        said += [f"after {1000 * self.at_s:.1f} ms"] if self.at_s else []
        said += [f"with {self.size:,} bytes"] if self.size else []
        said += [f"in {self.pieces} pieces"] if self.pieces > 1 else []
        said += [f"hangs up {1000 * self.hang_up_s:.1f} ms after sending"] if self.hang_up_s is not None else []
        said += [f"reads {self.reading.value}"] if self.reading is not Reading.ALL else []
        return ", ".join([*said, *(["half closed"] if self.half_closed else [])])


USUAL = RequestOptions()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a program.

    Args:
        do: what kind.
        user: by position.
        operation: what is asked, with symbols in place of ids; or the channel that is dropped.
        device: which of the user's connections.
        amount: of a TICK or SLOW.
        how: how the request travels.
    """

    do: Do
    user: int = 0
    operation: Operation | None = None
    device: int = 0
    amount: int = 0
    how: RequestOptions = USUAL

    def __str__(self) -> str:
        """Return the step as one line of a story."""
        who = f"user {self.user}" + (f" (device {self.device})" if self.device else "")
        match self.do:
            case Do.ASK if self.operation is not None:
                given = {**self.operation.objects, **self.operation.given}
                said = ", ".join(f"{key}={value}" for key, value in given.items())
                how = f" ({self.how})" if self.how != USUAL else ""
                return f"{who} asks {self.operation.name}({said}){how}"
            case Do.TICK:
                return f"the loop turns {self.amount} times"
            case Do.JOIN:
                return "all are answered"
            case Do.SETTLE | Do.COMPARE:
                return f"all {self.do.value}"
            case Do.SLOW:
                return f"{who}: statements are slowed by {self.amount} ms"
            case _:
                named = f" {self.operation.name}" if self.operation is not None else ""
                return f"{who}: {self.do.value}{named}"


@dataclass(frozen=True, slots=True)
class Program:
    """Users, and what they do."""

    name: str
    users: tuple[User, ...]
    steps: tuple[Step, ...]

    @property
    def asked(self) -> int:
        """How many operations are asked for."""
        return sum(step.do is Do.ASK for step in self.steps)


def ask(user: int, name: str, *, device: int = 0, how: RequestOptions = USUAL, **arguments: object) -> Step:
    """Return the step in which the user asks for an operation; `text`, `version`, `query`, `seen` are no objects."""
    given = {key: value for key, value in arguments.items() if key.partition(":")[0] in _GIVEN}
    objects = {key: value for key, value in arguments.items() if key not in given}
    return Step(Do.ASK, user, Operation(name, objects, given), device, how=how)


def groups_of(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """Return the steps in groups: what is under way at once, with whatever all wait for behind it."""
    ends = [place + 1 for place, step in enumerate(steps) if step.do in (Do.JOIN, Do.SETTLE)]
    cut = [0, *ends, *([len(steps)] if steps and len(steps) not in ends else [])]
    return [tuple(steps[start:end]) for start, end in pairwise(cut)]


_GIVEN = frozenset({TEXT, VERSION, QUERY, SEEN})


class Fault(StrEnum):
    """What happens a request at an await that it passes."""

    CANCEL = "cancel"
    """The request is cancelled, as a server does whose client has gone."""
    DISCONNECT = "disconnect"
    """The user's connection is dropped."""
    STOP = "stop"
    """The user asks that their newest run be cancelled."""
    FAIL = "fail"
    """What the request waits for fails, where that is a call of the database."""
    SLOW = "slow"
    """What the request waits for takes seconds, where that is a call of the database or a job in a thread."""


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """A fault at one await: precise, unlike a step that cancels whatever is under way.

    Args:
        fault: what befalls.
        user: whom, by position.
        at: at which await of this user's requests: 1, 2, ..., counted from the step `Interleaving.first`.
    """

    fault: Fault
    user: int
    at: int

    def __str__(self) -> str:
        """Return the fault as one line of a story."""
        return f"user {self.user}: {self.fault.value} at await {self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleaving:
    """In which order the steps of a program's tasks were taken: with the program, all that a replay needs.

    Args:
        mode: how far the schedule may leave asyncio's own order; see `harness.loop.scheduling.Mode`.
        deviations: number of the choice -> number of the option taken; 0, what asyncio would have done, is left out.
        choices: how many there were.
        first, last: the steps of the program from and before which choices were made; outside, order is asyncio's.
        fault_points: faults at awaits.
    """

    mode: str
    deviations: Mapping[int, int] = field(default_factory=dict)
    choices: int = 0
    first: int = 0
    last: int = 0
    fault_points: tuple[FaultPoint, ...] = ()
