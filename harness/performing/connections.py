"""What the runner knows of one connection of one user, and what stands in for one that was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.history.model import Client, Operation, Refused, Value


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the runner waits, in seconds, before it takes silence for an answer."""

    call_s: float = 10.0
    run_s: float = 5.0
    release_s: float = 2.0
    connect_s: float = 10.0


@dataclass(slots=True)
class Device:
    """One connection of one user.

    Args:
        opened: the channels that were opened over it, and with what.
        subscriptions: by operation and object, what it subscribed with, and the last seq it saw of each object that
            frames are about.
    """

    client: Client = field(init=False)
    alive: bool = True
    opened: dict[str, Operation] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], tuple[Operation, dict[str, int]]] = field(default_factory=dict)


class RefusedClient:
    """What an intruder has who was refused at the door: every operation meets the same refusal."""

    def __init__(self, refusal: Refused) -> None:
        self._refusal = refusal

    async def invoke(self, operation: Operation) -> Value:
        """Refuse.

        Raises:
            Refused: always.
        """
        raise Refused(self._refusal.status, self._refusal.text)

    async def close(self) -> None:
        """Nothing was opened."""
