"""Every event reaches its owner, where its thread is followed, once and in order.

Rules:

- Whose run or thread it is, the harness knows from its own calls. What a frame says of its user is never believed.
- A device follows a thread from the moment it asks to; only of runs asked for after that was confirmed must it get
  every event, from seq 0 on. Of a run that it says it has seen (`after`), it must get what comes next.
- Of any other run the first event seen is accepted, and what came before it is not judged. Neither is a replay that a
  renewed `follow` asks for, nor what still drips out of a connection that was dropped.

How it works. For each device and run a `_Track` keeps the next seq expected and those skipped. A skipped event that
comes later was reordered; one that has not come when all is settled was lost. A run's last event is awaited on every
device that must receive the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.history.model import Delivery, Event, EventKind, Header, UserId, is_intruder
from harness.history.probes import DISCONNECTED, LAST_EVENTS, SETTLED, Kind
from harness.judging.ownership import MOST_PER_USER, Bounded, Device, Follow, Follows, Frame, Ownership, frame_of
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "misdelivery"
MOST_SKIPPED = 1_024
"""Skipped events of one run that are remembered by number; a larger gap makes the run unexamined."""


@dataclass(slots=True)
class _Track:
    """What one device has received of one run.

    Args:
        first: the lowest seq that could be judged.
        following: the next seq expected; None accepts any.
        blind: whether order cannot be judged, because a replay overlaps.
        skipped: seqs that were passed over, with the index of the event that showed it.
        last: the seq of the run's last event, once seen.
        latest: index of the newest event.
    """

    first: int
    following: int | None
    blind: bool = False
    skipped: dict[int, int] = field(default_factory=dict)
    last: int | None = None
    latest: int = 0


@dataclass(slots=True)
class _Receipts:
    """What one device has received and awaits."""

    tracks: Bounded[str, _Track] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    awaited: Bounded[str, int] = field(default_factory=lambda: Bounded(MOST_PER_USER))
    completed: int = 0


class MisdeliveryFold:
    """Finds events that went astray.

    Examined: misdelivered: each frame of a known owner while two users have started runs. wrong-thread: each frame of
    one's own while one of one's runs is in a thread that this device does not follow, or it follows two. lost-event,
    doubled-event and reordered-event: each frame of a run whose next seq is known; and for lost-event each run whose
    end was awaited when all was settled. Where at-least-once is promised no repeat is a fault, and none is examined.

    Source: CWE-488, CWE-362; incident rows A1, A2, A3, A11, A12, A17, B1 to B10, B12.
    """

    def __init__(self, header: Header) -> None:
        """Take the promised delivery from the header."""
        self._tally = Tally(NAME)
        self._repeats = header.promises.delivery is Delivery.AT_LEAST_ONCE
        self._ownership = Ownership()
        self._follows = Follows()
        self._devices: dict[Device, _Receipts] = {}
        self._dropped: set[Device] = set()
        self._ends: Bounded[tuple[UserId, str], int] = Bounded()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is EventKind.PUSH:
            frame = frame_of(event)
            if frame is not None and not is_intruder(event.user):
                self._received(event, frame)
            return
        self._ownership.step(event)
        self._follows.step(event)
        device = (event.user, event.device)
        if event.kind is EventKind.PROBE and event.name == SETTLED:
            self._settled(event)
        elif event.kind is EventKind.PROBE and event.name == DISCONNECTED:
            self._devices.pop(device, None)
            self._dropped.add(device)
        elif event.name == "follow":
            self._followed(event, device)
        elif event.name == "start_run" and event.kind is EventKind.OK:
            self._started(event)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    # What the user asks for: expectations.

    def _followed(self, event: Event, device: Device) -> None:
        if event.kind not in (EventKind.INVOKE, EventKind.OK):
            return
        self._dropped.discard(device)
        for thread, follow in self._follows.threads(device).items():
            if event.kind is EventKind.INVOKE and follow.asked == event.index:
                self._expect(device, thread, follow)
            elif event.kind is EventKind.OK and follow.confirmed == event.index and not follow.renewed:
                self._await_resumed(device, thread, follow)

    def _expect(self, device: Device, thread: str, follow: Follow) -> None:
        receipts = self._devices.setdefault(device, _Receipts())
        if follow.renewed:
            for name, track in receipts.tracks.items():
                if self._thread_of(device[0], name) in (thread, None):
                    track.blind = True
            return
        for name, seq in follow.after.items():
            if self._thread_of(device[0], name) == thread:
                receipts.tracks.set(name, _Track(first=0, following=seq + 1))

    def _await_resumed(self, device: Device, thread: str, follow: Follow) -> None:
        """Await the end of each run that the device had not seen to its end when it came back."""
        receipts = self._devices.setdefault(device, _Receipts())
        for name, seq in follow.after.items():
            track = receipts.tracks.get(name)
            if self._thread_of(device[0], name) != thread or (track is not None and track.last is not None):
                continue
            end = self._ends.get((device[0], name))
            if end is None or end > seq:
                receipts.awaited.set(name, follow.asked)

    def _started(self, event: Event) -> None:
        name = event.value.get("id") if isinstance(event.value, dict) else None
        made = self._ownership.run(event.user, name)
        if made is None or name is None:
            return
        for device in self._follows.watching(event.user, made.thread, made.asked):
            receipts = self._devices.setdefault(device, _Receipts())
            track = receipts.tracks.get(name)
            if track is not None and track.last is not None:
                receipts.completed += 1
            else:
                receipts.awaited.set(name, made.asked)

    # What reaches the user.

    def _received(self, event: Event, frame: Frame) -> None:
        owner = self._ownership.owner_of(frame, event.user)
        if owner is None:
            return
        if self._ownership.users_with_runs > 1:
            self._tally.examine("misdelivered")
        if owner != event.user:
            made = (self._ownership.owners(Kind.RUN, frame.run) or self._ownership.owners(Kind.THREAD, frame.thread))[
                owner
            ]
            message = f"{event.user} received {frame.type} of {owner}'s {_which(frame)}"
            self._find("misdelivered", message, event.user, owner, (made.asked, event.index))
            return
        device = (event.user, event.device)
        if device not in self._dropped and self._is_in_place(event, frame, device):
            self._count(event, frame, device)

    def _is_in_place(self, event: Event, frame: Frame, device: Device) -> bool:
        """Judge whether the frame came where its thread is followed; return whether its seq can be judged, too."""
        followed = self._follows.threads(device)
        begun = self._thread_of(event.user, frame.run)
        thread = frame.thread or begun
        if thread is None or followed.forgotten:
            return False
        if len(followed) > 1 or self._ownership.runs_outside(event.user, followed):
            self._tally.examine("wrong-thread")
        if begun is not None and frame.thread is not None and begun != frame.thread:
            message = f"{event.user} received {frame.type} of {_which(frame)} as one of thread {frame.thread}"
        elif thread not in followed:
            message = (
                f"{event.user} received {frame.type} of thread {thread} on device {event.device}, not followed there"
            )
        else:
            return True
        self._find("wrong-thread", message, event.user, event.user, (event.index,))
        return False

    def _count(self, event: Event, frame: Frame, device: Device) -> None:
        if frame.run is None or frame.seq is None:
            return
        receipts = self._devices.setdefault(device, _Receipts())
        track = receipts.tracks.get(frame.run) or self._new_track(receipts, device, frame)
        receipts.tracks.set(frame.run, track)
        if track.following is None:
            track.first = track.following = frame.seq
        elif not track.blind:
            for anomaly in ("lost-event", "reordered-event") if self._repeats else _COUNTED:
                self._tally.examine(anomaly)
        self._place(event, frame, track, frame.seq)
        if frame.type in LAST_EVENTS:
            self._ended(receipts, event.user, frame.run, track, frame.seq)

    def _new_track(self, receipts: _Receipts, device: Device, frame: Frame) -> _Track:
        follow = self._follows.threads(device).get(frame.thread or self._thread_of(device[0], frame.run) or "")
        started = self._ownership.started_at(device[0], frame)
        if follow is not None and follow.covers(started) and not receipts.tracks.forgotten:
            return _Track(first=0, following=0)
        return _Track(first=0, following=None, blind=follow is not None and follow.renewed)

    def _place(self, event: Event, frame: Frame, track: _Track, seq: int) -> None:
        """Judge one seq against what came before it."""
        expected, before = track.following or 0, track.latest
        track.latest = event.index
        track.following = max(expected, seq + 1)
        if track.blind:
            return
        what = f"{event.user} received event {seq} ({frame.type}) of {_which(frame)}"
        witness = (before, event.index)
        if track.last is not None and seq > track.last:
            twice = frame.type in LAST_EVENTS
            message = f"{what} after its last event, {track.last}"
            self._find("doubled-event" if twice else "reordered-event", message, event.user, event.user, witness)
        elif seq > expected:
            if seq - expected > MOST_SKIPPED:
                track.blind = True
                return
            track.skipped.update(dict.fromkeys(range(expected, seq), event.index))
        elif seq in track.skipped:
            witness = (track.skipped.pop(seq), event.index)
            self._find("reordered-event", f"{what} after a later one", event.user, event.user, witness)
        elif track.first <= seq < expected and not self._repeats:
            self._find("doubled-event", f"{what} twice", event.user, event.user, witness)

    def _ended(self, receipts: _Receipts, user: UserId, run: str, track: _Track, seq: int) -> None:
        if track.last is None:
            track.last = seq
            self._ends.set((user, run), seq)
        if receipts.awaited.pop(run) is not None:
            receipts.completed += 1

    # When all is settled, what is missing is lost.

    def _settled(self, event: Event) -> None:
        unended = frozenset(event.value.get("open", ())) if isinstance(event.value, dict) else frozenset()
        for (user, device), receipts in self._devices.items():
            self._tally.examine("lost-event", receipts.completed)
            receipts.completed = 0
            for run, track in receipts.tracks.items():
                if track.skipped and not track.blind:
                    numbers = ", ".join(str(seq) for seq in sorted(track.skipped))
                    message = f"{user} never received event {numbers} of run {run} on device {device}"
                    witness = (min(track.skipped.values()), event.index)
                    self._find("lost-event", message, user, user, witness)
                    track.skipped.clear()
            for run, asked in receipts.awaited.items():
                if run not in unended:
                    receipts.awaited.pop(run)
                    self._tally.examine("lost-event")
                    message = f"{user} never received the last event of run {run} on device {device}"
                    self._find("lost-event", message, user, user, (asked, event.index))

    def _thread_of(self, user: UserId, run: str | None) -> str | None:
        made = self._ownership.run(user, run)
        return made.thread if made is not None else None

    def _find(self, anomaly: str, message: str, observer: UserId, owner: UserId, witness: tuple[int, ...]) -> None:
        self._tally.find(
            Finding(anomaly=anomaly, message=message, observer=observer, owner=owner, witness=tuple(sorted(witness)))
        )


_COUNTED = ("lost-event", "doubled-event", "reordered-event")


def _which(frame: Frame) -> str:
    return f"run {frame.run}" if frame.run is not None else f"thread {frame.thread}"


CHECKER = Checker(
    NAME,
    "every event reaches its owner, where its thread is followed, once and in order",
    ("misdelivered", "wrong-thread", *_COUNTED),
    MisdeliveryFold,
)
