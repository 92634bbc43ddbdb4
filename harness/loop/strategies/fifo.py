"""FIFO: what asyncio itself does, with every device completing in the order in which it was asked.

The baseline that all others deviate from. Faults are swept over it.
"""

from __future__ import annotations

from collections.abc import Sequence


class Fifo:
    """Always takes the first option; is its own scheduler."""

    name = "fifo"

    def scheduler(self, seed: int) -> Fifo:
        """Return the one there is."""
        return self

    def observe(self, choices: int, steps: int) -> None:
        """Nothing is learned."""

    def choose(self, actors: Sequence[int]) -> int:
        """Take the first."""
        return 0
