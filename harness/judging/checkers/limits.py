"""A user never runs more than its limit, and never uses up another's slots.

Rules:

- Work is going from the frame with which it begins to its last one. Order is certain on one connection only, so what
  goes at once is counted for each device by itself, and only what the device must show from the start. Where a service
  does not say with which frames work begins and ends, or that they arrive, nothing is watched.
- To say that a user was starved, all work that may still be going is held against that user: what was not seen to end,
  starts under way, and starts whose answer never came.

How it works: sets of work for each user; the same frame on two devices counts once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from harness.history.model import Event, EventKind, Header, UserId, is_intruder
from harness.history.probes import DISCONNECTED, SETTLED
from harness.history.semantics import Progress, Semantics, at, body_of
from harness.judging.frames import Frame, Frames, Object, named
from harness.judging.ownership import MOST_PER_USER, Bounded, Device, Ownership
from harness.judging.subscriptions import Subscriptions
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "limits"
OVER, STARVED = "over-limit", "starved"
TOO_MANY = 429


@dataclass(slots=True)
class _Slots:
    """One user's work.

    Args:
        watched: what was accepted and has not ended, with the devices that must show all its frames.
        going: of each device, what is watched and was seen to begin there, with the index of that event.
        begun: what is watched and began, on any device.
        unended: all that was accepted and not seen to end.
        unknown: starts whose answer never came.
        asking: starts under way: the most that may have been open while the target decided.
        contested: what is watched, was accepted while another user was at the limit, and has not begun.
        ended: what is over.
    """

    watched: dict[Object, frozenset[Device]] = field(default_factory=dict)
    going: dict[Device, dict[Object, int]] = field(default_factory=dict)
    begun: set[Object] = field(default_factory=set)
    unended: Bounded[Object, int] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    unknown: int = 0
    asking: dict[int, int] = field(default_factory=dict)
    contested: set[Object] = field(default_factory=set)
    ended: Bounded[Object, None] = field(default_factory=lambda: Bounded(MOST_PER_USER))

    def most_open(self) -> int:
        """Return how much work of this user may be open, at most."""
        return len(self.unended) + self.unended.forgotten + self.unknown

    def most_on_one_device(self) -> int:
        """Return how much of what is watched one device must show, at most."""
        return max(Counter(device for devices in self.watched.values() for device in devices).values(), default=0)

    def forget(self, work: Object) -> None:
        """Watch this no more."""
        self.watched.pop(work, None)
        self.begun.discard(work)
        self.contested.discard(work)
        for going in self.going.values():
            going.pop(work, None)


class LimitsFold:
    """Finds users above their limit, and users kept below it by others.

    Examined: over-limit: each beginning of work, and each settling, while its user has more of it accepted than the
    limit, and each start refused (429) while the limit is reached: the target could have let it in. starved: whatever
    was accepted while another user was at the limit, once it begins. Nothing where no limit is promised.

    Source: CWE-770; incident rows A18, A19, A21, B7, D8.
    """

    def __init__(self, header: Header) -> None:
        """Take the promised limit from the header, and how work starts, begins and ends."""
        promises = header.promises
        self._limit = promises.runs_per_user
        self._tally = Tally(NAME)
        self._frames = Frames(promises)
        self._ownership = Ownership(promises)
        self._subscriptions = Subscriptions(promises)
        self._starting = {known.name: known for known in promises.which(lambda known: known.starts and known.makes)}
        self._telling = {known.name: known for known in promises.which(lambda known: known.progress and known.takes)}
        self._telling_of: dict[int, Object] = {}
        self._watchable = {form.pushes.of for form in self._frames.forms if form.begins and form.shows_ends}
        self._users: dict[UserId, _Slots] = {}
        self._full: set[UserId] = set()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if self._limit is None or not self._starting or is_intruder(event.user):
            return
        if event.kind is EventKind.PUSH:
            frame = self._frames.read(event)
            if frame is not None and self._ownership.owner_of(frame, event.user) == event.user:
                self._received(event, frame, self._limit)
            return
        self._ownership.step(event)
        self._subscriptions.step(event)
        if event.kind is EventKind.PROBE:
            if event.name == SETTLED:
                self._settled(event, self._limit)
            elif event.name == DISCONNECTED:
                self._disconnected((event.user, event.device))
        elif event.call is not None and (starting := self._starting.get(event.name)) is not None:
            self._start(event, event.call, starting, self._limit)
        elif event.call is not None and (telling := self._telling.get(event.name)) is not None:
            self._told(event, event.call, telling)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    # Starts

    def _start(self, event: Event, call: int, known: Semantics, limit: int) -> None:
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
            self._accepted(event, slots, known)
        elif event.kind is EventKind.INFO:
            slots.unknown += 1
        elif event.value.get("status") == TOO_MANY and len(slots.begun) >= limit:
            self._tally.examine(OVER)  # it could have been let in
        elif event.value.get("status") == TOO_MANY and most < limit and self._others_full(event.user):
            self._tally.examine(STARVED)
            what = f"{event.user} was refused a {known.makes} with at most {most} of {limit} open"
            message = f"{what}, while {self._who(event.user)}"
            self._find(STARVED, message, event)

    def _accepted(self, event: Event, slots: _Slots, known: Semantics) -> None:
        name = known.made_in(event.value)
        work = (known.makes or "", name or "")
        made = self._ownership.made(event.user, work)
        if made is None:
            slots.unknown += 1
            return
        if work in slots.ended:  # it was served before its answer came
            self._tally.examine(STARVED, int(self._others_full(event.user)))
            return
        slots.unended.set(work, event.index)
        watchable = work[0] in self._watchable
        watching = frozenset(self._subscriptions.watching(event.user, made.place, made.asked)) if watchable else None
        if watching:
            slots.watched[work] = watching
        if self._others_full(event.user):
            if work in slots.begun:
                self._tally.examine(STARVED)
            elif watching:
                slots.contested.add(work)
        self._refill(event.user)

    # What is known of work that goes on

    def _received(self, event: Event, frame: Frame, limit: int) -> None:
        if frame.about is None:
            return
        if frame.type in frame.form.last:
            self._ended(event.user, frame.about)
        elif frame.type in frame.form.begins and frame.form.shows_ends:
            self._began(event, frame, frame.about, limit)

    def _began(self, event: Event, frame: Frame, work: Object, limit: int) -> None:
        slots, device = self._slots(event.user), (event.user, event.device)
        started, made = self._ownership.started_at(event.user, frame), self._ownership.made(event.user, work)
        place = frame.place or (made.place if made is not None else None)
        subscription = self._subscriptions.places(device).get(place) if place is not None else None
        if work in slots.ended or subscription is None or not subscription.covers(started):
            return  # a replay, or work that this device need not show whole
        if self._subscriptions.is_mixed(device):
            return
        slots.watched[work] = slots.watched.get(work, frozenset()) | {device}
        slots.unended.set(work, event.index)
        slots.begun.add(work)
        going = slots.going.setdefault(device, {})
        going[work] = event.index
        if work in slots.contested:
            slots.contested.discard(work)
            self._tally.examine(STARVED)
        if slots.most_on_one_device() > limit:
            self._tally.examine(OVER)
        if len(going) > limit:
            message = f"{event.user} has {len(going)} {work[0]}s at once, with a limit of {limit}"
            self._find(OVER, message, event, going)
        self._refill(event.user)

    def _told(self, event: Event, call: int, known: Semantics) -> None:
        """Take in the status of work that its owner asked for."""
        if event.kind is EventKind.INVOKE:
            if (name := known.object_in(event.value)) is not None:
                self._telling_of[call] = (known.takes or "", name)
            return
        work = self._telling_of.pop(call, None)
        if work is None or event.kind is not EventKind.OK or not self._ownership.made(event.user, work):
            return
        progress = known.progress or Progress()
        if at(body_of(event.value), progress.status) in progress.final:
            self._ended(event.user, work)

    def _ended(self, user: UserId, work: Object) -> None:
        slots = self._slots(user)
        slots.forget(work)
        slots.unended.pop(work)
        slots.ended.set(work, None)
        self._refill(user)

    def _disconnected(self, device: Device) -> None:
        """Watch no more what only this device would have shown."""
        slots = self._slots(device[0])
        slots.going.pop(device, None)
        for work, devices in tuple(slots.watched.items()):
            slots.watched[work] = devices - {device}
            if not slots.watched[work]:
                slots.forget(work)
        self._refill(device[0])

    # When all is settled, what has not begun has no slot.

    def _settled(self, event: Event, limit: int) -> None:
        for user, slots in self._users.items():
            if slots.most_on_one_device() > limit:
                self._tally.examine(OVER)
            waiting = [work for work in slots.watched if work not in slots.begun]
            if not waiting or slots.most_open() - len(waiting) >= limit or not self._others_full(user):
                continue
            self._tally.examine(STARVED)
            accepted = slots.unended.get(waiting[0]) or event.index
            message = f"{user}'s {named(waiting[0])} never began, while {self._who(user)}"
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
        self, anomaly: str, message: str, event: Event, works: dict[Object, int] | None = None, user: UserId = ""
    ) -> None:
        witness = tuple(sorted({*(works or {}).values(), event.index}))
        self._tally.find(Finding(anomaly=anomaly, message=message, observer=user or event.user, witness=witness))


CHECKER = Checker(
    NAME,
    "a user never runs more than its limit, and never uses up another's slots",
    (OVER, STARVED),
    LimitsFold,
)
