"""Who owns which object: what the harness itself knows, from what it asked and was answered.

Rules:

- An id belongs to the user to whom the making of the object was acknowledged. What a pushed frame says of its user is
  never believed.
- Ids may be counted per user: two users who were both given the id `1` both own it.
- Memory is bounded. What was forgotten is unknown, and what is unknown is not examined, never guessed.

How it works. `Ownership` hears every event but pushes. Frames may arrive before the answer that names the object that
they are about; until then it may be any that the user asked for within the same place, and that is not named yet.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.history.model import Event, EventKind, Promises, UserId, is_intruder
from harness.history.semantics import Semantics
from harness.judging.frames import Frame, Object

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

    def __contains__(self, key: object) -> bool:
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


Device = tuple[UserId, int]
"""One connection of one user."""


@dataclass(frozen=True, slots=True)
class Made:
    """That an object was given to a user.

    Args:
        asked: index of the INVOKE that asked for it.
        given: index of the OK that named it.
        place: within which object its frames are pushed, if that is known.
    """

    asked: int
    given: int
    place: Object | None


@dataclass(frozen=True, slots=True)
class _Asking:
    """An open call that makes something."""

    asked: int
    place: Object | None


class Ownership:
    """Who was given which id.

    Args:
        promises: with the operations that give them, and what frames are about.
    """

    __slots__ = ("_asking", "_making", "_objects", "_places", "_pushed", "_unnamed")

    def __init__(self, promises: Promises) -> None:
        self._making = {known.name: known for known in promises.which(lambda known: known.makes is not None)}
        self._pushed = {pushes.of: pushes.within or pushes.of for pushes in promises.pushes}
        self._asking: dict[int, _Asking] = {}
        self._objects: Bounded[Object, dict[UserId, Made]] = Bounded()
        self._unnamed: dict[tuple[UserId, str], Bounded[int, Object | None]] = {}
        self._places: dict[UserId, Bounded[Object, None]] = {}

    @property
    def forgotten(self) -> int:
        """How many objects were known once and are no more."""
        return self._objects.forgotten

    @property
    def receivers(self) -> int:
        """How many users have been given something that frames are about."""
        return len(self._places)

    def step(self, event: Event) -> None:
        """Take the next event."""
        known = self._making.get(event.name)
        if known is None or known.makes is None or event.call is None or is_intruder(event.user):
            return
        unnamed = (event.user, known.makes)
        if event.kind is EventKind.INVOKE:
            place = self._place_in(known, event)
            self._asking[event.call] = _Asking(event.index, place)
            if known.makes in self._pushed:
                self._unnamed.setdefault(unnamed, Bounded(MOST_PER_USER)).set(event.index, place)
            return
        asking = self._asking.pop(event.call, None)
        if asking is None or event.kind is EventKind.INFO:
            return  # what may or may not have been made stays unnamed for good
        if unnamed in self._unnamed:
            self._unnamed[unnamed].pop(asking.asked)
        name = known.made_in(event.value) if event.kind is EventKind.OK else None
        if name is not None:
            self._learn((known.makes, name), event, asking)

    def _place_in(self, known: Semantics, event: Event) -> Object | None:
        """Return the place that the asking names: the object that it takes, if frames are pushed within such ones."""
        if known.takes is None or known.takes != self._pushed.get(known.makes or ""):
            return None
        name = known.object_in(event.value)
        return (known.takes, name) if name is not None else None

    def _learn(self, made: Object, event: Event, asking: _Asking) -> None:
        kind = made[0]
        place = made if self._pushed.get(kind) == kind else asking.place
        owners = self._objects.get(made) or {}
        owners[event.user] = Made(asking.asked, event.index, place)
        self._objects.set(made, owners)
        if kind in self._pushed:
            places = self._places.setdefault(event.user, Bounded(MOST_PER_USER))
            if place is not None:
                places.set(place, None)

    def owners(self, object: Object | None) -> Mapping[UserId, Made]:
        """Return to whom this object was given, and when; empty when nobody is known."""
        return self._objects.get(object) or {} if object is not None else {}

    def owners_of(self, frame: Frame) -> Mapping[UserId, Made]:
        """Return to whom the object was given that the frame is about, or else the one that it is pushed within."""
        owners = self._objects.get(frame.about) if frame.about is not None else None
        return owners or self.owners(frame.place)

    def owner_of(self, frame: Frame, observer: UserId) -> UserId | None:
        """Return whose frame this is: the observer when it is theirs too, None when it is not known."""
        owners = self.owners_of(frame)
        return observer if observer in owners else next(iter(owners), None)

    def made(self, user: UserId, object: Object | None) -> Made | None:
        """Return how this user's object was made, if it is known to be theirs."""
        return self.owners(object).get(user)

    def started_at(self, user: UserId, frame: Frame) -> int | None:
        """Return the earliest index at which what the frame is about can have been asked for, or None if unknown."""
        known = self.made(user, frame.about)
        if known is not None:
            return known.asked
        if frame.about is None or self.owners(frame.about):
            return None
        unnamed = self._unnamed.get((user, frame.about[0]))
        if unnamed is None or unnamed.forgotten:
            return None
        within = frame.place
        return min((asked for asked, place in unnamed.items() if within is None or place == within), default=None)

    def is_elsewhere(self, user: UserId, places: Container[Object]) -> bool:
        """Return whether this user has something in a place that is not among these."""
        used = self._places.get(user)
        return used is not None and any(place not in places for place in used)
