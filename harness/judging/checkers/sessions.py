"""A database session, and a checked-out connection, serve one request at a time.

How it works: taps on the database library say which request used, closed, took or returned what. Between a session's
first use and its close, and between a connection's checkout and its return, every use must be of one request. Work
that belongs to no request (start-up, maintenance) is not judged. The parts of one request may share a session.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.model import Event, EventKind, Header
from harness.history.probes import CONNECTION, SESSION
from harness.judging.ownership import Bounded
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "sessions"
ENDS = ("close", "checkin")


@dataclass(frozen=True, slots=True)
class _Holder:
    """The request that has a session or connection now; None while none has used it."""

    call: int | None
    index: int
    user: str


class SessionsFold:
    """Finds sessions and connections that two requests used at once.

    Examined: each use by a request, once another request has used one too; while there is only one request, nothing
    can be shared.

    Source: CWE-567; incident rows C1, C2, C3, D4, D5.
    """

    def __init__(self, header: Header) -> None:
        """Know of no session yet."""
        self._tally = Tally(NAME)
        self._held: dict[str, Bounded[int, _Holder]] = {SESSION: Bounded(), CONNECTION: Bounded()}
        self._first: dict[str, int] = {}
        self._several: set[str] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE or event.name not in self._held:
            return
        action, name = event.value["action"], event.value[event.name]
        held = self._held[event.name]
        if action in ENDS:
            held.pop(name)
        elif action == "checkout":
            held.set(name, _Holder(event.call, event.index, event.user))
        elif event.call is not None:
            self._used(event, event.call, held, name)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _used(self, event: Event, call: int, held: Bounded[int, _Holder], name: int) -> None:
        anomaly = f"shared-{event.name}"
        if self._first.setdefault(event.name, call) != call:
            self._several.add(event.name)
        if event.name in self._several:
            self._tally.examine(anomaly)
        holder = held.get(name)
        if holder is None and event.name == CONNECTION:
            return  # its checkout was not seen: nobody is known to hold it
        if holder is None or holder.call is None:
            held.set(name, _Holder(call, event.index, event.user))
        elif holder.call != call:
            self._tally.find(
                Finding(
                    anomaly=anomaly,
                    message=f"call {call} used {event.name} {name} while call {holder.call} held it",
                    observer=event.user,
                    owner=holder.user,
                    witness=(holder.index, event.index),
                )
            )


CHECKER = Checker(
    NAME,
    "a database session or connection is never used by two requests at once",
    ("shared-session", "shared-connection"),
    SessionsFold,
)
