"""What users of a running service are to do, in waves: the input of `harness.wire`, and what a replay sends again.

- An **act** is one thing that one user does: ask a route, open or close a channel, say a message.
- The acts of a **wave** are done at once, each at its own moment after the wave's beginning; a wave ends when all of
  them have. So timing has three classes: together, at a given distance, one after the other.
- A **script** is users and waves. Objects have symbolic names, as the service has not given their ids yet: `$note:3:0`
  is the first note that user 3 made, `$note:3:-1` the newest; `$missing:note` is an id of that form that nobody was
  given. An act that names an object which was never made is left out.

The manner of an act is how its request travels: over whose connection, how large, whether the client waits for the
answer. All of it is data, so that a script can be stored, made smaller and sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.history.model import User


class Deed(StrEnum):
    """The kinds of act."""

    ASK = "ask"
    """Ask a route of the adapter, and wait for the answer."""
    OPEN = "open"
    """Open a channel, and say its greeting."""
    ATTEMPT = "attempt"
    """The same, and see whether the service closes it again."""
    SAY = "say"
    """Say a message over an open channel."""
    CLOSE = "close"
    """Drop an open channel."""


class Reading(StrEnum):
    """What a client does with the answer."""

    ALL = "all"
    """Reads it at once."""
    SLOWLY = "slowly"
    """Reads it in pieces, with pauses."""
    BEGINNING = "beginning"
    """Reads its head, and hangs up."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request travels.

    Args:
        connection: name of the TCP connection, which others may use, too; `""` for connections of the user's own.
        at_s: when, in seconds after the wave's beginning.
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

    def __str__(self) -> str:
        """Return what is not usual about it, in words."""
        said = [f"over connection {self.connection}"] if self.connection else []
        said += [f"after {1000 * self.at_s:.1f} ms"] if self.at_s else []
        said += [f"with {self.size:,} bytes"] if self.size else []
        said += [f"in {self.pieces} pieces"] if self.pieces > 1 else []
        said += [f"hangs up {1000 * self.hang_up_s:.1f} ms after sending"] if self.hang_up_s is not None else []
        said += [f"reads {self.reading.value}"] if self.reading is not Reading.ALL else []
        return ", ".join([*said, *(["half closed"] if self.half_closed else [])])


USUAL = Manner()


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that one user does.

    Args:
        deed: what kind.
        user: by position in `Script.users`.
        name: of the route, channel or message.
        given: by slot (see `harness.adapter.Slot.name`), the symbol of the object there; `session`: which session id.
        manner: how its request travels.
        device: which of the user's own channels of that name.
    """

    deed: Deed
    user: int
    name: str
    given: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = USUAL
    device: int = 0

    def told(self, users: tuple[User, ...]) -> str:
        """Return the act as one line of a story."""
        given = ", ".join(f"{name}={symbol}" for name, symbol in self.given.items())
        device = f", device {self.device}" if self.device else ""
        manner = f" ({self.manner})" if self.manner != USUAL else ""
        return f"{users[self.user].id} {self.deed.value}s {self.name}({given}){device}{manner}"


Wave = tuple[Act, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Users, and what they do.

    Args:
        stimulus: what it tries; see `harness.wire.stimuli`.
        users: valid ones and intruders.
        waves: one after the other.
    """

    stimulus: str
    users: tuple[User, ...]
    waves: tuple[Wave, ...]

    @property
    def acts(self) -> int:
        """How many acts there are."""
        return sum(len(wave) for wave in self.waves)

    def told(self) -> tuple[str, ...]:
        """Return the script as the lines of a story: one a wave."""
        return tuple("; ".join(act.told(self.users) for act in wave) for wave in self.waves)
