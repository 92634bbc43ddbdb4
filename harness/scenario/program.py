"""What many users are to do, step by step: the input of the runner, and what a replay file holds.

A program is written before its target has given any id, so it names objects symbolically:

- `$note:3:0` is the first note that user 3 made (`$note:3:-1` the newest), likewise `$thread:` and `$run:`; a step
  whose object was never made is left out;
- `$version:3:0` is the newest version known of that note;
- `$missing` is an id that nobody was ever given;
- `{mark}` in a text becomes a fresh canary of the asking user; `$mark:0` is that user's first.

Users are given by their position in `Program.users`, objects by the number of the user who made them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.history.model import Operation, User


class Do(StrEnum):
    """The kinds of step."""

    CONNECT = "connect"
    """Open the user's connection with this device number; follow again what it followed before, from where it was."""
    ASK = "ask"
    """Start an operation, and do not wait for its answer."""
    TICK = "tick"
    """Let the event loop turn `amount` times."""
    SETTLE = "settle"
    """Wait until all calls and runs that can end have ended and all connections are read; take every probe."""
    COMPARE = "compare"
    """Compare what the live requests of different users can reach."""
    CANCEL = "cancel"
    """Fault: cancel the user's newest call under way."""
    DISCONNECT = "disconnect"
    """Fault: drop the user's connection."""
    SLOW = "slow"
    """Fault: the user's database statements take `amount` milliseconds longer; 0 ends it."""


FAULTS = frozenset({Do.CANCEL, Do.DISCONNECT, Do.SLOW})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a program."""

    do: Do
    user: int = 0
    operation: Operation | None = None
    device: int = 0
    amount: int = 0

    def __str__(self) -> str:
        """Return the step as one line of a story."""
        who = f"user {self.user}" + (f" (device {self.device})" if self.device else "")
        match self.do:
            case Do.ASK if self.operation is not None:
                said = ", ".join(f"{key}={value}" for key, value in self.operation.arguments.items())
                return f"{who} asks {self.operation.name}({said})"
            case Do.TICK:
                return f"the loop turns {self.amount} times"
            case Do.SETTLE | Do.COMPARE:
                return f"all {self.do.value}"
            case Do.SLOW:
                return f"{who}: statements are slowed by {self.amount} ms"
            case _:
                return f"{who}: {self.do.value}"


@dataclass(frozen=True, slots=True)
class Program:
    """Users, and what they do."""

    name: str
    users: tuple[User, ...]
    steps: tuple[Step, ...]


def ask(user: int, name: str, *, device: int = 0, **arguments: object) -> Step:
    """Return the step in which the user asks for an operation."""
    return Step(Do.ASK, user, Operation(name, arguments), device)


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
