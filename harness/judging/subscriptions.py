"""Which connection gets what is pushed within which object, and who asked about what over a connection.

Rules:

- A connection gets what is pushed within an object from the moment it asks to; only of what begins after that was
  confirmed must it get every frame.
- Over a channel that was opened on an object its frames may come, and need not, unless it is said to subscribe.
- Where two channels of a device are open that may push the same, nobody knows by which of them a frame came: neither
  place nor order are judged there any more.
- An operation of which little is known may be answered by a frame that names what was asked for. Such a frame is no
  sign of anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.history.model import Event, EventKind, Promises, UserId, is_intruder
from harness.history.probes import DISCONNECTED
from harness.history.semantics import Semantics
from harness.judging.frames import Frame, Object
from harness.judging.ownership import MOST_PER_USER, Bounded, Device


@dataclass(slots=True)
class Subscription:
    """That a device gets what is pushed within an object.

    Args:
        asked: index of the INVOKE; from here on frames may come.
        seen: the last frame of each object that the device says it has seen.
        renewed: whether the device had subscribed already, so that a replay may overlap with what was under way.
        confirmed: index of the OK; of what is asked for later, every frame must come. None until then.
    """

    asked: int
    seen: Mapping[str, int] = field(default_factory=dict)
    renewed: bool = False
    confirmed: int | None = None

    def covers(self, started: int | None) -> bool:
        """Return whether an object that was asked for at this index must arrive from its first frame on."""
        return started is not None and self.confirmed is not None and started > self.confirmed


_NOTHING: Bounded[Object, Subscription] = Bounded(1)
"""What a device gets that never asked for anything; stays empty."""


class Subscriptions:
    """Which device gets what is pushed within which object.

    Args:
        promises: with the operations that subscribe, or open a channel.
    """

    __slots__ = ("_channels", "_devices", "_mixed", "_open", "_operations", "_users")

    def __init__(self, promises: Promises) -> None:
        self._operations = {
            known.name: known for known in promises.which(lambda known: known.subscribes or known.opens)
        }
        self._devices: dict[Device, Bounded[Object, Subscription]] = {}
        self._users: dict[UserId, set[int]] = {}
        self._open: dict[int, tuple[Device, Object, Subscription]] = {}
        self._channels: dict[Device, set[bool]] = {}
        self._mixed: set[Device] = set()

    def step(self, event: Event) -> Semantics | None:
        """Take the next event; return what is known of its operation if that subscribes, or opens a channel."""
        if event.kind is EventKind.PROBE:
            if event.name == DISCONNECTED:
                device = (event.user, event.device)
                self._devices.pop(device, None)
                self._channels.pop(device, None)
                self._users.get(event.user, set()).discard(event.device)
            return None
        known = self._operations.get(event.name)
        if known is None or event.call is None or is_intruder(event.user):
            return None
        if event.kind is EventKind.INVOKE:
            self._asked(event, event.call, known)
        else:
            self._answered(event, event.call, known)
        return known

    def _asked(self, event: Event, call: int, known: Semantics) -> None:
        device = (event.user, event.device)
        if known.opens:
            self._opened(device, known.subscribes)
        name = known.object_in(event.value)
        if known.takes is None or name is None:
            return
        place = (known.takes, name)
        places = self._devices.setdefault(device, Bounded(MOST_PER_USER))
        self._users.setdefault(event.user, set()).add(event.device)
        subscription = Subscription(event.index, known.seen_in(event.value), renewed=place in places)
        places.set(place, subscription)
        self._open[call] = (device, place, subscription)

    def _opened(self, device: Device, subscribing: bool) -> None:
        """Take in that one more channel is opened: only those that each subscribe to one object push nothing twice."""
        opened = self._channels.setdefault(device, set())
        if opened and not (subscribing and False not in opened):
            self._mixed.add(device)
        opened.add(subscribing)

    def _answered(self, event: Event, call: int, known: Semantics) -> None:
        asked = self._open.pop(call, None)
        if asked is None:
            return
        device, place, subscription = asked
        if event.kind is EventKind.OK and known.subscribes and known.acknowledged:
            subscription.confirmed = event.index
        elif event.kind is EventKind.FAIL and not subscription.renewed and known.acknowledged:
            self.places(device).pop(place)

    def places(self, device: Device) -> Bounded[Object, Subscription]:
        """Return within which objects a device gets what is pushed."""
        return self._devices.get(device, _NOTHING)

    def is_mixed(self, device: Device) -> bool:
        """Return whether nobody knows by which of its channels a frame reached this device."""
        return device in self._mixed

    def watching(self, user: UserId, place: Object | None, started: int) -> tuple[Device, ...]:
        """Return the user's devices that must get all frames of what was asked for within a place at this index."""
        if place is None:
            return ()
        found = []
        for number in sorted(self._users.get(user, ())):
            subscription = self.places((user, number)).get(place)
            if subscription is not None and subscription.covers(started) and (user, number) not in self._mixed:
                found.append((user, number))
        return tuple(found)


class Replies:
    """Which frames may be no more than answers.

    Args:
        promises: with the operations of which little is known, and those that go over a channel.
    """

    __slots__ = ("_named", "_operations")

    def __init__(self, promises: Promises) -> None:
        self._operations = {known.name: known for known in promises.which(_may_be_answered_by_a_frame)}
        self._named: dict[UserId, Bounded[Object, None]] = {}

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.INVOKE or (known := self._operations.get(event.name)) is None:
            return
        if known.takes is not None and (name := known.object_in(event.value)) is not None:
            self._named.setdefault(event.user, Bounded(MOST_PER_USER)).set((known.takes, name), None)

    def may_be(self, frame: Frame, user: UserId) -> bool:
        """Return whether this frame may be an answer to its observer, and nothing else."""
        named = self._named.get(user)
        return named is not None and frame.subject is not None and frame.subject in named


def _may_be_answered_by_a_frame(known: Semantics) -> bool:
    does = known.makes or known.reads or known.lists or known.edits or known.deletes or known.progress or known.ends
    return known.takes is not None and not does
