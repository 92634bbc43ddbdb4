"""How many runs a user may have at once: so many at work, so many waiting in line, more are refused.

Rules:
- Limits are per user: nobody uses up another's slots, and nobody waits for another's run.
- Who waits is served in the order of arrival.
- A user without a ticket leaves no trace: nothing grows with the number of users ever seen.

How it works: a ticket is taken in one step of the event loop, before anything is accepted. It is granted at
once or when an earlier ticket of the same user is released. Releasing is harmless when done before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one user may have at the same time.

    Args:
        runs_per_user: runs at work, at least 1.
        waiting_per_user: accepted runs waiting for one of those to end, 0 or more.

    Raises:
        ValueError: a number is out of range.
    """

    runs_per_user: int = 3
    waiting_per_user: int = 32

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could run."""
        if self.runs_per_user < 1 or self.waiting_per_user < 0:
            raise ValueError(f"{self} lets nobody run: use at least 1 run, and 0 or more waiting.")


class TooManyRuns(Exception):
    """The user has as many runs at work and waiting as the limits allow."""


class Ticket:
    """One user's right to one slot, now or when its turn comes."""

    __slots__ = ("_granted", "key", "released")

    def __init__(self, key: Hashable) -> None:
        """Make a ticket that is not granted yet, under its user's key."""
        self.key = key
        self.released = False
        self._granted = asyncio.Event()

    @property
    def is_granted(self) -> bool:
        """Whether its turn has come."""
        return self._granted.is_set()

    def grant(self) -> None:
        """Let the holder begin."""
        self._granted.set()

    async def granted(self) -> None:
        """Wait until the turn has come."""
        await self._granted.wait()


@dataclass(slots=True)
class _Lane:
    """One user's tickets."""

    running: set[Ticket] = field(default_factory=set)
    waiting: deque[Ticket] = field(default_factory=deque)


class Slots:
    """Everybody's tickets, each user's apart from the others'."""

    def __init__(self, limits: Limits) -> None:
        """Begin with no tickets out."""
        self.limits = limits
        self._lanes: dict[Hashable, _Lane] = {}

    def key(self, user_id: str) -> Hashable:
        """Return what a user's tickets are counted under."""
        return user_id

    def take(self, user_id: str) -> Ticket:
        """Take a ticket, granted at once while the user has a free slot.

        Raises:
            TooManyRuns: as many as may wait are waiting.
        """
        key = self.key(user_id)
        lane = self._lanes.get(key) or _Lane()
        ticket = Ticket(key)
        if len(lane.running) < self.limits.runs_per_user:
            lane.running.add(ticket)
            ticket.grant()
        elif len(lane.waiting) < self.limits.waiting_per_user:
            lane.waiting.append(ticket)
        else:
            raise TooManyRuns(
                f"{len(lane.running)} runs are at work and {len(lane.waiting)} are waiting, which is all one user "
                "may have. Wait for one to end, or cancel one."
            )
        self._lanes[key] = lane
        return ticket

    def release(self, ticket: Ticket) -> None:
        """Give a ticket back and grant the next in line; harmless when done before."""
        if ticket.released:
            return
        ticket.released = True
        lane = self._lanes[ticket.key]
        if ticket in lane.running:
            lane.running.remove(ticket)
            if lane.waiting:
                successor = lane.waiting.popleft()
                lane.running.add(successor)
                successor.grant()
        else:
            lane.waiting.remove(ticket)
        if not lane.running and not lane.waiting:
            del self._lanes[ticket.key]

    @property
    def running(self) -> int:
        """Granted tickets of all users that are not released."""
        return sum(len(lane.running) for lane in self._lanes.values())

    @property
    def waiting(self) -> int:
        """Tickets of all users that wait for their turn."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def users(self) -> int:
        """Users who hold a ticket."""
        return len(self._lanes)
