"""A user never runs more than its limit, and never uses up another's slots.

Rules:

- A run is going from its `agent_started` to its last event. Order is certain on one connection only, so the runs that
  go at once are counted for each device by itself, and only those that the device must receive from the start.
- To say that a user was starved, every run that may still be going is held against that user: those whose end was not
  seen, starts under way, and starts whose answer never came.

How it works: sets of runs for each user; the same event on two devices counts once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from harness.history.model import Event, EventKind, Header, UserId, is_intruder
from harness.history.probes import DISCONNECTED, FINAL_STATUSES, LAST_EVENTS, SETTLED
from harness.judging.ownership import MOST_PER_USER, Bounded, Device, Follows, Frame, Ownership, frame_of, text_of
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "limits"
OVER, STARVED = "over-limit", "starved"
TOO_MANY = 429


@dataclass(slots=True)
class _Slots:
    """One user's runs.

    Args:
        watched: accepted runs that have not ended, with the devices that must receive all their events.
        going: of each device, the watched runs that it saw begin, with the index of that event.
        begun: watched runs that began, on any device.
        unended: all accepted runs whose end was not seen.
        unknown: starts whose answer never came.
        asking: starts under way: the most runs that may have been open while the target decided.
        contested: watched runs that were accepted while another user was at the limit, and have not begun.
        ended: runs that are over.
    """

    watched: dict[str, frozenset[Device]] = field(default_factory=dict)
    going: dict[Device, dict[str, int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    unended: Bounded[str, int] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    unknown: int = 0
    asking: dict[int, int] = field(default_factory=dict)
    contested: set[str] = field(default_factory=set)
    ended: Bounded[str, None] = field(default_factory=lambda: Bounded(MOST_PER_USER))

    def most_open(self) -> int:
        """Return how many runs of this user may be open, at most."""
        return len(self.unended) + self.unended.forgotten + self.unknown

    def most_on_one_device(self) -> int:
        """Return how many watched runs one device must show, at most."""
        return max(Counter(device for devices in self.watched.values() for device in devices).values(), default=0)

    def forget(self, run: str) -> None:
        """Watch this run no more."""
        self.watched.pop(run, None)
        self.begun.discard(run)
        self.contested.discard(run)
        for going in self.going.values():
            going.pop(run, None)


class LimitsFold:
    """Finds users above their limit, and users kept below it by others.

    Examined: over-limit: each beginning of a run, and each settling, while its user has more accepted runs than the
    limit, and each start refused (429) while the limit is reached: the target could have let it in. starved: each run
    accepted while another user was at the limit, once it begins. Nothing where no limit is promised.

    Source: CWE-770; incident rows A18, A19, A21, B7, D8.
    """

    def __init__(self, header: Header) -> None:
        """Take the promised limit from the header."""
        self._limit = header.promises.runs_per_user
        self._tally = Tally(NAME)
        self._ownership = Ownership()
        self._follows = Follows()
        self._users: dict[UserId, _Slots] = {}
        self._full: set[UserId] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if self._limit is None or is_intruder(event.user):
            return
        if event.kind is EventKind.PUSH:
            frame = frame_of(event)
            if frame is not None and self._ownership.owner_of(frame, event.user) == event.user:
                self._received(event, frame, self._limit)
            return
        self._ownership.step(event)
        self._follows.step(event)
        if event.kind is EventKind.PROBE and event.name == SETTLED:
            self._settled(event, self._limit)
        elif event.kind is EventKind.PROBE and event.name == DISCONNECTED:
            self._disconnected((event.user, event.device))
        elif event.name == "start_run" and event.call is not None:
            self._start(event, event.call, self._limit)
        elif event.name == "read_run" and event.kind is EventKind.OK:
            self._read(event)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    # Starts

    def _start(self, event: Event, call: int, limit: int) -> None:
        slots = self._slots(event.user)
        if event.kind is EventKind.INVOKE:
            for other in slots.asking:
                slots.asking[other] += 1
            slots.asking[call] = slots.most_open() + len(slots.asking)
            return
        most = slots.asking.pop(call, None)
        if most is None:
            return
        if event.kind is EventKind.OK:
            self._accepted(event, slots)
        elif event.kind is EventKind.INFO:
            slots.unknown += 1
        elif event.value.get("status") == TOO_MANY and len(slots.begun) >= limit:
            self._tally.examine(OVER)  # it could have been let in
        elif event.value.get("status") == TOO_MANY and most < limit and self._others_full(event.user):
            self._tally.examine(STARVED)
            message = (
                f"{event.user} was refused a run with at most {most} of {limit} open, while {self._who(event.user)}"
            )
            self._find(STARVED, message, event)

    def _accepted(self, event: Event, slots: _Slots) -> None:
        name = text_of(event.value, "id")
        made = self._ownership.run(event.user, name)
        if made is None or name is None:
            return
        if name in slots.ended:  # it was served before its answer came
            self._tally.examine(STARVED, int(self._others_full(event.user)))
            return
        slots.unended.set(name, event.index)
        watching = frozenset(self._follows.watching(event.user, made.thread, made.asked))
        if watching:
            slots.watched[name] = watching
        if self._others_full(event.user):
            if name in slots.begun:
                self._tally.examine(STARVED)
            elif watching:
                slots.contested.add(name)
        self._refill(event.user)

    # What is known of runs that go on

    def _received(self, event: Event, frame: Frame, limit: int) -> None:
        if frame.run is None:
            return
        if frame.type in LAST_EVENTS:
            self._ended(event.user, frame.run)
        elif frame.type == "agent_started":
            self._began(event, frame, frame.run, limit)

    def _began(self, event: Event, frame: Frame, run: str, limit: int) -> None:
        slots, device = self._slots(event.user), (event.user, event.device)
        started = self._ownership.started_at(event.user, frame)
        follow = self._follows.threads(device).get(frame.thread or "")
        if run in slots.ended or follow is None or not follow.covers(started):
            return  # a replay, or a run that this device need not see whole
        slots.watched[run] = slots.watched.get(run, frozenset()) | {device}
        slots.unended.set(run, event.index)
        slots.begun.add(run)
        going = slots.going.setdefault(device, {})
        going[run] = event.index
        if run in slots.contested:
            slots.contested.discard(run)
            self._tally.examine(STARVED)
        if slots.most_on_one_device() > limit:
            self._tally.examine(OVER)
        if len(going) > limit:
            self._find(OVER, f"{event.user} has {len(going)} runs at once, with a limit of {limit}", event, going)
        self._refill(event.user)

    def _read(self, event: Event) -> None:
        value = event.value
        name = text_of(value, "id")
        if name is not None and value.get("status") in FINAL_STATUSES and self._ownership.run(event.user, name):
            self._ended(event.user, name)

    def _ended(self, user: UserId, run: str) -> None:
        slots = self._slots(user)
        slots.forget(run)
        slots.unended.pop(run)
        slots.ended.set(run, None)
        self._refill(user)

    def _disconnected(self, device: Device) -> None:
        """Watch no more what only this device would have shown."""
        slots = self._slots(device[0])
        slots.going.pop(device, None)
        for run, devices in tuple(slots.watched.items()):
            slots.watched[run] = devices - {device}
            if not slots.watched[run]:
                slots.forget(run)
        self._refill(device[0])

    # When all is settled, a run that has not begun has no slot.

    def _settled(self, event: Event, limit: int) -> None:
        for user, slots in self._users.items():
            if slots.most_on_one_device() > limit:
                self._tally.examine(OVER)
            waiting = [run for run in slots.watched if run not in slots.begun]
            if not waiting or slots.most_open() - len(waiting) >= limit or not self._others_full(user):
                continue
            self._tally.examine(STARVED)
            accepted = slots.unended.get(waiting[0]) or event.index
            message = f"{user}'s run {waiting[0]} never began, while {self._who(user)}"
            self._find(STARVED, message, event, {waiting[0]: accepted}, user)

    def _slots(self, user: UserId) -> _Slots:
        return self._users.setdefault(user, _Slots())

    def _refill(self, user: UserId) -> None:
        if self._limit is not None and len(self._users[user].watched) >= self._limit:
            self._full.add(user)
        else:
            self._full.discard(user)

    def _others_full(self, user: UserId) -> bool:
        return len(self._full) > (user in self._full)

    def _who(self, user: UserId) -> str:
        return f"{', '.join(sorted(self._full - {user})[:3])} had {self._limit} or more"

    def _find(
        self, anomaly: str, message: str, event: Event, runs: dict[str, int] | None = None, user: UserId = ""
    ) -> None:
        witness = tuple(sorted({*(runs or {}).values(), event.index}))
        self._tally.find(Finding(anomaly=anomaly, message=message, observer=user or event.user, witness=witness))


CHECKER = Checker(
    NAME,
    "a user never runs more than its limit, and never uses up another's slots",
    (OVER, STARVED),
    LimitsFold,
)
