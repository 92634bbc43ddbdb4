"""Every frame reaches its owner, where what it is pushed within is subscribed to, once and in order.

Rules:

- Whose object a frame is about, the harness knows from its own calls. What a frame says of its user is never believed.
- A device subscribes from the moment it asks to; only of what is asked for after that was confirmed must it get every
  frame, from number 0 on. Of what it says it has seen, it must get what comes next.
- Of anything else the first frame seen is accepted, and what came before it is not judged. Neither is a replay that a
  renewed subscription asks for, nor what still drips out of a connection that was dropped.
- What may be missing, repeated or out of order is for the service to say (`Pushes.delivery`, `Pushes.seq`). Where it
  says nothing, nothing is judged but whom a frame reached. Where frames are not numbered, only the last one is missed.

How it works. For each device and object a `_Track` keeps the next number expected and those skipped. A skipped frame
that comes later was reordered; one that has not come when all is settled was lost. The last frame about an object is
awaited on every device that must get all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.history.model import Event, EventKind, Header, UserId, is_intruder
from harness.history.probes import DISCONNECTED, SETTLED
from harness.history.semantics import Semantics
from harness.judging.frames import Frame, Frames, Object, named
from harness.judging.ownership import MOST_PER_USER, Bounded, Device, Ownership
from harness.judging.subscriptions import Replies, Subscription, Subscriptions
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "misdelivery"
MISDELIVERED, WRONG_PLACE = "misdelivered", "wrong-thread"
LOST, DOUBLED, REORDERED = "lost-event", "doubled-event", "reordered-event"
MOST_SKIPPED = 1_024
"""Skipped frames of one object that are remembered by number; a larger gap makes it unexamined."""


@dataclass(slots=True)
class _Track:
    """What one device has received about one object.

    Args:
        following: the next number expected; None accepts any.
        first: the lowest number that could be judged.
        blind: whether order cannot be judged, because a replay overlaps.
        skipped: numbers that were passed over, with the index of the event that showed it.
        last: the number of the last frame, once seen.
        latest: index of the newest event.
    """

    following: int | None
    first: int = 0
    blind: bool = False
    skipped: dict[int, int] = field(default_factory=dict)
    last: int | None = None
    latest: int = 0


@dataclass(slots=True)
class _Receipts:
    """What one device has received and awaits; `ended` are those whose last frame has come."""

    tracks: Bounded[Object, _Track] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    awaited: Bounded[Object, int] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    ended: Bounded[Object, None] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    completed: int = 0


class MisdeliveryFold:
    """Finds frames that went astray.

    Examined: misdelivered: each frame of a known owner while two users have what frames are about. wrong-thread: each
    frame of one's own while one has something within an object to which this device has not subscribed, or it has to
    two. lost-event, doubled-event and reordered-event: each frame whose next number is known; and for lost-event each
    object whose last frame was awaited when all was settled. What the service does not promise is not examined.

    Source: CWE-488, CWE-362; incident rows A1, A2, A3, A11, A12, A17, B1 to B10, B12.
    """

    def __init__(self, header: Header) -> None:
        """Take what is known of frames from the header."""
        promises = header.promises
        self._tally = Tally(NAME)
        self._frames = Frames(promises)
        self._ownership = Ownership(promises)
        self._subscriptions = Subscriptions(promises)
        self._replies = Replies(promises)
        # Whose last frame can be awaited, and the operations that make such objects.
        self._ending = {form.pushes.of for form in self._frames.forms if form.place and form.shows_ends}
        self._making = {known.name: known for known in promises.which(lambda known: known.makes in self._ending)}
        self._resumed = [form for form in self._frames.forms if form.place and form.ordered]
        self._arriving = {form.pushes.of for form in self._frames.forms if form.arrives}
        self._devices: dict[Device, _Receipts] = {}
        self._dropped: set[Device] = set()
        self._ends: Bounded[tuple[UserId, Object], int] = Bounded()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is EventKind.PUSH:
            frame = self._frames.read(event)
            if frame is not None and not is_intruder(event.user):
                self._received(event, frame)
            return
        self._ownership.step(event)
        self._replies.step(event)
        subscribing = self._subscriptions.step(event)
        if event.kind is EventKind.PROBE:
            if event.name == SETTLED:
                self._settled(event)
            elif event.name == DISCONNECTED:
                self._devices.pop((event.user, event.device), None)
                self._dropped.add((event.user, event.device))
        elif subscribing is not None:
            self._subscribed(event)
        elif event.kind is EventKind.OK and event.name in self._making and not is_intruder(event.user):
            self._started(event, self._making[event.name])

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    # What the user asks for: expectations.

    def _subscribed(self, event: Event) -> None:
        if event.kind not in (EventKind.INVOKE, EventKind.OK):
            return
        device = (event.user, event.device)
        self._dropped.discard(device)
        for place, subscription in self._subscriptions.places(device).items():
            if event.kind is EventKind.INVOKE and subscription.asked == event.index:
                self._expect(device, place, subscription)
            elif subscription.confirmed == event.index and not subscription.renewed:
                self._await_resumed(device, place, subscription)

    def _expect(self, device: Device, place: Object, subscription: Subscription) -> None:
        receipts = self._devices.setdefault(device, _Receipts())
        if subscription.renewed:
            for object, track in receipts.tracks.items():
                if self._place_of(device[0], object) in (place, None):
                    track.blind = True
            return
        for object, seq in self._seen(device[0], place, subscription):
            receipts.tracks.set(object, _Track(seq + 1))

    def _await_resumed(self, device: Device, place: Object, subscription: Subscription) -> None:
        """Await the end of whatever the device had not seen to its end when it came back."""
        receipts = self._devices.setdefault(device, _Receipts())
        for object, seq in self._seen(device[0], place, subscription):
            end = self._ends.get((device[0], object))
            if object[0] in self._ending and object not in receipts.ended and (end is None or end > seq):
                receipts.awaited.set(object, subscription.asked)

    def _seen(self, user: UserId, place: Object, subscription: Subscription) -> list[tuple[Object, int]]:
        """Return of what is pushed within the place a device has seen frames, and the number of the last one."""
        if not subscription.seen:
            return []
        kinds = [form.pushes.of for form in self._resumed if form.place == place[0]]
        found = (((kind, name), seq) for kind in kinds for name, seq in subscription.seen.items())
        return [(object, seq) for object, seq in found if self._place_of(user, object) == place]

    def _started(self, event: Event, known: Semantics) -> None:
        name = known.made_in(event.value)
        if name is None or known.makes is None:
            return
        object = (known.makes, name)
        made = self._ownership.made(event.user, object)
        if made is None:
            return
        for device in self._subscriptions.watching(event.user, made.place, made.asked):
            receipts = self._devices.setdefault(device, _Receipts())
            if object in receipts.ended:
                receipts.completed += 1
            else:
                receipts.awaited.set(object, made.asked)

    # What reaches the user.

    def _received(self, event: Event, frame: Frame) -> None:
        owners = self._ownership.owners_of(frame)
        if not owners:
            return
        if event.user not in owners and self._may_be_meant_for(event.user, frame):
            return
        if self._ownership.receivers > 1:
            self._tally.examine(MISDELIVERED)
        if event.user not in owners:
            owner, made = next(iter(owners.items()))
            message = f"{event.user} received {frame.type} of {owner}'s {frame}"
            self._find(MISDELIVERED, message, event.user, owner, (made.asked, event.index))
            return
        device = (event.user, event.device)
        if device in self._dropped or self._subscriptions.is_mixed(device):
            return
        if not frame.form.place or self._is_in_place(event, frame, device):
            self._count(event, frame, device)

    def _may_be_meant_for(self, user: UserId, frame: Frame) -> bool:
        """Return whether a frame of another's may be an answer, or about something that was not named yet."""
        return self._ownership.started_at(user, frame) is not None or self._replies.may_be(frame, user)

    def _is_in_place(self, event: Event, frame: Frame, device: Device) -> bool:
        """Judge whether the frame came where it is subscribed to; return whether its number can be judged, too."""
        subscribed = self._subscriptions.places(device)
        made_in = self._place_of(event.user, frame.about)
        place = frame.place or made_in
        if place is None or subscribed.forgotten:
            return False
        if len(subscribed) > 1 or self._ownership.is_elsewhere(event.user, subscribed):
            self._tally.examine(WRONG_PLACE)
        if made_in is not None and frame.place is not None and made_in != frame.place:
            message = f"{event.user} received {frame.type} of {frame} as one of {named(frame.place)}"
        elif place not in subscribed:
            message = (
                f"{event.user} received {frame.type} of {named(place)} on device {event.device}, not subscribed there"
            )
        else:
            return True
        self._find(WRONG_PLACE, message, event.user, event.user, (event.index,))
        return False

    def _count(self, event: Event, frame: Frame, device: Device) -> None:
        if frame.about is None:
            return
        receipts = self._devices.get(device)
        if receipts is None:
            receipts = self._devices[device] = _Receipts()
        if frame.seq is not None and frame.form.ordered:
            self._order(event, frame, receipts, frame.about, frame.seq)
        if frame.type in frame.form.last:
            receipts.ended.set(frame.about, None)
            if receipts.awaited.pop(frame.about) is not None:
                receipts.completed += 1

    def _order(self, event: Event, frame: Frame, receipts: _Receipts, about: Object, seq: int) -> None:
        track = receipts.tracks.get(about) or self._new_track(receipts, (event.user, event.device), frame)
        receipts.tracks.set(about, track)
        if track.following is None:
            track.first = track.following = seq
        elif not track.blind:
            self._tally.examine(REORDERED)
            if frame.form.arrives:
                self._tally.examine(LOST)
            if frame.form.once:
                self._tally.examine(DOUBLED)
        self._place(event, frame, track, seq)
        if frame.type in frame.form.last and track.last is None:
            track.last = seq
            self._ends.set((event.user, about), seq)

    def _new_track(self, receipts: _Receipts, device: Device, frame: Frame) -> _Track:
        place = frame.place or self._place_of(device[0], frame.about)
        subscription = self._subscriptions.places(device).get(place) if place is not None else None
        if subscription is None:
            return _Track(None)
        started = self._ownership.started_at(device[0], frame)
        if subscription.covers(started) and not receipts.tracks.forgotten:
            return _Track(0)
        return _Track(None, blind=subscription.renewed)

    def _place(self, event: Event, frame: Frame, track: _Track, seq: int) -> None:
        """Judge one number against what came before it."""
        expected, before = track.following or 0, track.latest
        track.latest = event.index
        track.following = max(expected, seq + 1)
        if track.blind or (seq == expected and track.last is None):
            return
        what = f"{event.user} received event {seq} ({frame.type}) of {frame}"
        witness = (before, event.index)
        if track.last is not None and seq > track.last:
            anomaly = DOUBLED if frame.type in frame.form.last else REORDERED
            self._find(anomaly, f"{what} after its last event, {track.last}", event.user, event.user, witness)
        elif seq > expected:
            if seq - expected > MOST_SKIPPED:
                track.blind = True
                return
            track.skipped.update(dict.fromkeys(range(expected, seq), event.index))
        elif seq in track.skipped:
            witness = (track.skipped.pop(seq), event.index)
            self._find(REORDERED, f"{what} after a later one", event.user, event.user, witness)
        elif track.first <= seq < expected and frame.form.once:
            self._find(DOUBLED, f"{what} twice", event.user, event.user, witness)

    # When all is settled, what is missing is lost.

    def _settled(self, event: Event) -> None:
        unended = frozenset(event.value["open"])
        for (user, device), receipts in self._devices.items():
            self._tally.examine(LOST, receipts.completed)
            receipts.completed = 0
            for object, track in receipts.tracks.items():
                if track.skipped and not track.blind and object[0] in self._arriving:
                    numbers = ", ".join(str(seq) for seq in sorted(track.skipped))
                    message = f"{user} never received event {numbers} of {named(object)} on device {device}"
                    witness = (min(track.skipped.values()), event.index)
                    self._find(LOST, message, user, user, witness)
                    track.skipped.clear()
            for object, asked in receipts.awaited.items():
                if object[1] not in unended:
                    receipts.awaited.pop(object)
                    self._tally.examine(LOST)
                    message = f"{user} never received the last event of {named(object)} on device {device}"
                    self._find(LOST, message, user, user, (asked, event.index))

    def _place_of(self, user: UserId, object: Object | None) -> Object | None:
        made = self._ownership.made(user, object)
        return made.place if made is not None else None

    def _find(self, anomaly: str, message: str, observer: UserId, owner: UserId, witness: tuple[int, ...]) -> None:
        self._tally.find(
            Finding(anomaly=anomaly, message=message, observer=observer, owner=owner, witness=tuple(sorted(witness)))
        )


CHECKER = Checker(
    NAME,
    "every event reaches its owner, where it is subscribed to, once and in order",
    (MISDELIVERED, WRONG_PLACE, LOST, DOUBLED, REORDERED),
    MisdeliveryFold,
)
