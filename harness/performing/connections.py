"""What the runner knows of one connection of one user, and what stands in for one that was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.history.model import Client, Operation, Refused, Value


@dataclass(slots=True)
class Device:
    """One connection of one user, what it follows, and the last seq it saw of each run."""

    client: Client = field(init=False)
    alive: bool = True
    follows: dict[str, dict[str, int]] = field(default_factory=dict)


class Shut:
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
