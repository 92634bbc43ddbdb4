"""Who owns which object, who follows which thread: what the harness itself knows, from what it asked and was answered.

Rules:

- An id belongs to the user to whom the making of the object was acknowledged. What a pushed frame says of itself
  (`user`) is never believed.
- Ids may be counted per user: two users who were both given the id `1` both own it.
- Memory is bounded. What was forgotten is unknown, and what is unknown is not examined, never guessed.

How it works. `Ownership` and `Follows` hear every event. A run's frames may arrive before the answer that names the
run; until then the run may be any of the user's starts in that thread that are not named yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.history.model import Event, EventKind, UserId, Value, Verb, is_intruder
from harness.history.probes import DISCONNECTED, VOCABULARY, Kind

K = TypeVar("K")
V = TypeVar("V")

MOST_OBJECTS = 65_536
"""Objects, runs and the like that are remembered at once, over all users: the newest."""

MOST_PER_USER = 1_024
"""The same, for one user or one of their devices."""


class Bounded(Generic[K, V]):
    """A mapping that forgets the entry that was longest not set, and counts what it forgot.

    Args:
        most: how many entries it keeps, 1 or more.
    """

    __slots__ = ("_entries", "_most", "forgotten")

    def __init__(self, most: int = MOST_OBJECTS) -> None:
        self._entries: dict[K, V] = {}
        self._most = most
        self.forgotten = 0

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._entries))

    def get(self, key: K) -> V | None:
        """Return the value of the key, or None when there is none, or none any more."""
        return self._entries.get(key)

    def set(self, key: K, value: V) -> None:
        """Remember the value as the newest."""
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._most:
            self._entries.pop(next(iter(self._entries)))
            self.forgotten += 1

    def pop(self, key: K) -> V | None:
        """Return and drop the value of the key."""
        return self._entries.pop(key, None)

    def items(self) -> tuple[tuple[K, V], ...]:
        """Return all entries, oldest first; safe to change the mapping meanwhile."""
        return tuple(self._entries.items())


@dataclass(frozen=True, slots=True)
class Frame:
    """What a pushed event says of itself: of which run and thread it is, and which of its events."""

    type: str
    run: str | None
    thread: str | None
    seq: int | None


def frame_of(event: Event) -> Frame | None:
    """Return the frame that a PUSH carries, or None: an announcement to everybody names no run and no thread."""
    value = event.value
    if event.kind is not EventKind.PUSH or not isinstance(value, Mapping):
        return None
    run, thread, seq = value.get("run"), value.get("thread"), value.get("seq")
    run = run if isinstance(run, str) else None
    thread = thread if isinstance(thread, str) else None
    if run is None and thread is None:
        return None
    counted = isinstance(seq, int) and not isinstance(seq, bool)
    return Frame(str(value.get("type", event.name)), run, thread, seq if counted else None)


def text_of(value: Value, key: str) -> str | None:
    """Return the text under this key of an object, or None."""
    text = value.get(key) if isinstance(value, Mapping) else None
    return text if isinstance(text, str) and text else None


@dataclass(frozen=True, slots=True)
class Made:
    """That an object was given to a user.

    Args:
        asked: index of the INVOKE that asked for it.
        given: index of the OK that named it.
        thread: in which thread, if it is a run.
    """

    asked: int
    given: int
    thread: str | None


@dataclass(frozen=True, slots=True)
class _Asking:
    """An open call that makes something."""

    verb: Verb
    asked: int
    thread: str | None


class Ownership:
    """Who was given which id.

    Args:
        verbs: the operations that give them.
    """

    __slots__ = ("_asking", "_objects", "_threads", "_unnamed", "_verbs")

    def __init__(self, verbs: Mapping[str, Verb] = VOCABULARY) -> None:
        self._verbs = dict(verbs)  # a proxy cannot go to another process
        self._asking: dict[int, _Asking] = {}
        self._objects: Bounded[tuple[str, str], dict[UserId, Made]] = Bounded()
        self._unnamed: dict[UserId, Bounded[int, str | None]] = {}
        self._threads: dict[UserId, Bounded[str, None]] = {}

    @property
    def forgotten(self) -> int:
        """How many objects were known once and are no more."""
        return self._objects.forgotten

    @property
    def users_with_runs(self) -> int:
        """How many users have started a run."""
        return len(self._threads)

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.call is None or is_intruder(event.user):
            return
        verb = self._verbs.get(event.name)
        if verb is None or verb.makes is None:
            return
        if event.kind is EventKind.INVOKE:
            thread = text_of(event.value, "thread")
            self._asking[event.call] = _Asking(verb, event.index, thread)
            if verb.makes is Kind.RUN:
                self._unnamed.setdefault(event.user, Bounded(MOST_PER_USER)).set(event.index, thread)
            return
        asking = self._asking.pop(event.call, None)
        if asking is None or event.kind is EventKind.INFO:
            return  # a start that may or may not have happened stays unnamed for good
        if verb.makes is Kind.RUN:
            self._unnamed[event.user].pop(asking.asked)
        name = text_of(event.value, "id")
        if event.kind is EventKind.OK and name is not None:
            self._learn(verb.makes, name, event, asking)

    def _learn(self, kind: str, name: str, event: Event, asking: _Asking) -> None:
        owners = self._objects.get((kind, name)) or {}
        owners[event.user] = Made(asking.asked, event.index, asking.thread)
        self._objects.set((kind, name), owners)
        if kind is Kind.RUN and asking.thread is not None:
            self._threads.setdefault(event.user, Bounded(MOST_PER_USER)).set(asking.thread, None)

    def owners(self, kind: str, name: str | None) -> Mapping[UserId, Made]:
        """Return to whom this id was given, and when; empty when nobody is known."""
        return self._objects.get((kind, name)) or {} if name is not None else {}

    def owner_of(self, frame: Frame, observer: UserId) -> UserId | None:
        """Return whose frame this is: the observer when it is theirs too, None when it is not known."""
        owners = self.owners(Kind.RUN, frame.run) or self.owners(Kind.THREAD, frame.thread)
        return observer if observer in owners else next(iter(owners), None)

    def run(self, user: UserId, name: str | None) -> Made | None:
        """Return how this user's run was started, if the run is known to be theirs."""
        return self.owners(Kind.RUN, name).get(user)

    def started_at(self, user: UserId, frame: Frame) -> int | None:
        """Return the earliest event index at which the frame's run can have been asked for, or None if unknown."""
        known = self.run(user, frame.run)
        if known is not None:
            return known.asked
        if self.owners(Kind.RUN, frame.run):
            return None
        unnamed = self._unnamed.get(user)
        if unnamed is None or unnamed.forgotten:
            return None
        return min((asked for asked, thread in unnamed.items() if thread == frame.thread), default=None)

    def runs_outside(self, user: UserId, threads: Bounded[str, Follow]) -> bool:
        """Return whether this user has started a run in a thread that is not among these."""
        used = self._threads.get(user)
        return used is not None and any(thread not in threads for thread in used)


@dataclass(slots=True)
class Follow:
    """That a device follows a thread.

    Args:
        asked: index of the INVOKE; from here on its events may come.
        after: the last event of each run that the device says it has seen.
        renewed: whether the device was following already, so that a replay may overlap with what was under way.
        confirmed: index of the OK; of runs asked for later, every event must come. None until then.
    """

    asked: int
    after: Mapping[str, int] = field(default_factory=dict)
    renewed: bool = False
    confirmed: int | None = None

    def covers(self, started: int | None) -> bool:
        """Return whether a run that was asked for at this index must arrive from its first event on."""
        return started is not None and self.confirmed is not None and started > self.confirmed


_NOTHING: Bounded[str, Follow] = Bounded(1)
"""What a device follows that never asked to follow anything; stays empty."""

Device = tuple[UserId, int]
"""One connection of one user."""


class Follows:
    """Which device follows which thread."""

    __slots__ = ("_devices", "_open", "_users")

    def __init__(self) -> None:
        self._devices: dict[Device, Bounded[str, Follow]] = {}
        self._users: dict[UserId, set[int]] = {}
        self._open: dict[int, tuple[Device, str, Follow]] = {}

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is EventKind.PROBE:
            if event.name == DISCONNECTED:
                self._devices.pop((event.user, event.device), None)
                self._users.get(event.user, set()).discard(event.device)
        elif event.name == "follow" and event.call is not None and not is_intruder(event.user):
            self._followed(event, event.call)

    def _followed(self, event: Event, call: int) -> None:
        device = (event.user, event.device)
        if event.kind is EventKind.INVOKE:
            thread = text_of(event.value, "thread")
            if thread is None:
                return
            threads = self._devices.setdefault(device, Bounded(MOST_PER_USER))
            self._users.setdefault(event.user, set()).add(event.device)
            follow = Follow(event.index, _counted(event.value.get("after")), renewed=thread in threads)
            threads.set(thread, follow)
            self._open[call] = (device, thread, follow)
            return
        asked = self._open.pop(call, None)
        if asked is None:
            return
        device, thread, follow = asked
        if event.kind is EventKind.OK:
            follow.confirmed = event.index
        elif event.kind is EventKind.FAIL and not follow.renewed:
            self.threads(device).pop(thread)

    def threads(self, device: Device) -> Bounded[str, Follow]:
        """Return what a device follows."""
        return self._devices.get(device, _NOTHING)

    def devices(self, user: UserId) -> tuple[Device, ...]:
        """Return the devices of the user that followed something and are still connected."""
        return tuple((user, device) for device in sorted(self._users.get(user, ())))

    def watching(self, user: UserId, thread: str | None, started: int) -> tuple[Device, ...]:
        """Return the devices that must receive all events of a run that was asked for at this index."""
        if thread is None:
            return ()
        found = []
        for device in self.devices(user):
            follow = self.threads(device).get(thread)
            if follow is not None and follow.covers(started):
                found.append(device)
        return tuple(found)


def _counted(after: Value) -> Mapping[str, int]:
    if not isinstance(after, Mapping):
        return {}
    return {run: seq for run, seq in after.items() if isinstance(run, str) and isinstance(seq, int)}
