"""Which call is being carried out, for taps that run in the same process.

A context variable follows a request into the tasks it starts, so a tap can name the request that it sees at work.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from harness.history.model import UserId


@dataclass(frozen=True, slots=True)
class Calling:
    """A call under way, and whose it is."""

    call: int
    user: UserId


CALLING: ContextVar[Calling | None] = ContextVar("harness_calling", default=None)
"""Set by the runner around each call; None for work that no call caused."""
