"""What pushed frames say of themselves, read as the description says.

Rules:

- An object is its kind and its id: ids may be counted for each kind by itself.
- A frame that names neither the object that it is about nor the one that it is pushed within is an announcement to
  everybody, and none of these.
- What a frame says of its user is never read.

How it works. `Frames` makes one `Form` of each `Pushes` of a description, once for each header. The type of a frame is
the name of its event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.history.model import Event, Promises
from harness.history.semantics import Delivery, Pushes, at

Object = tuple[str, str]
"""A kind, and an id of that kind."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of the frames of one channel, ready for use.

    Args:
        pushes: what the description says.
        place: the kind of object to which users subscribe to get such frames; `""` when nobody says.
        begins, completes, last: types of frames.
        arrives: whether each frame must arrive.
        once: whether none may arrive twice.
        ordered: whether gaps and order can be seen.
    """

    pushes: Pushes
    place: str
    begins: frozenset[str]
    completes: frozenset[str]
    last: frozenset[str]
    arrives: bool
    once: bool
    ordered: bool

    @property
    def shows_ends(self) -> bool:
        """Whether the end of what frames are about is surely seen by who gets its frames."""
        return self.arrives and bool(self.last)


class Frame(NamedTuple):
    """What a pushed event says of itself.

    Args:
        type: of it.
        about: the object that it is about.
        place: the object that it is pushed within.
        seq: its number among those of the object that it is about.
        form: of frames like it.
    """

    type: str
    about: Object | None
    place: Object | None
    seq: int | None
    form: Form

    @property
    def subject(self) -> Object | None:
        """What it is about, as exactly as it says."""
        return self.about or self.place

    def __str__(self) -> str:
        """Return what it is about, in words."""
        return named(self.subject)


class Frames:
    """Reads frames.

    Args:
        promises: with what is known of them.
    """

    __slots__ = ("_read", "_types", "forms")

    def __init__(self, promises: Promises) -> None:
        subscribed = {known.takes for known in promises.which(lambda known: known.subscribes)}
        self.forms = tuple(_form(pushes, subscribed) for pushes in promises.pushes)
        self._types = frozenset(type for form in self.forms for type in form.last)
        self._read = tuple((form, *_keys(form.pushes)) for form in self.forms)

    def read(self, event: Event) -> Frame | None:
        """Return the frame that a PUSH carries, or None when it is an announcement, or not described."""
        value = event.value
        for form, is_flat, kind, id_key, within, within_key, seq_key in self._read:
            if is_flat and isinstance(value, dict):  # the path of every frame: most keys are at the top
                id, within_id, seq = value.get(id_key), value.get(within_key), value.get(seq_key)
            else:
                id, within_id, seq = (at(value, key) if key else None for key in (id_key, within_key, seq_key))
            about = (kind, id) if id.__class__ is str and id else _object(kind, id)
            place = (within, within_id) if within_id.__class__ is str and within_id else _object(within, within_id)
            if about is None and place is None:
                continue
            return Frame(event.name, about, place, seq if seq.__class__ is int else None, form)
        return None

    def last(self, event: Event) -> Frame | None:
        """Return the frame that a PUSH carries if it is the last of what it is about, at little cost otherwise."""
        if event.name not in self._types:
            return None
        frame = self.read(event)
        return frame if frame is not None and frame.type in frame.form.last else None


def _keys(pushes: Pushes) -> tuple[bool, str, str, str, str, str]:
    keys = (pushes.id, pushes.within_id, pushes.seq)
    is_flat = not any("." in key for key in keys) and bool(pushes.id)
    return (is_flat, pushes.of, pushes.id, pushes.within, pushes.within_id, pushes.seq)


def _object(kind: str, found: Any) -> Object | None:
    id = id_of(found)
    return (kind, id) if id is not None else None


def id_of(found: Any) -> str | None:
    """Return an id as text, or None when this is none."""
    if isinstance(found, str):
        return found or None
    return str(found) if type(found) is int else None


def named(object: Object | None) -> str:
    """Return an object in words."""
    return " ".join(object or ())


def _form(pushes: Pushes, subscribed: set[str | None]) -> Form:
    place = pushes.within or pushes.of
    return Form(
        pushes,
        place if place in subscribed else "",
        begins=frozenset(pushes.begins),
        completes=frozenset(pushes.completes),
        last=pushes.last,
        arrives=pushes.delivery in (Delivery.EXACTLY_ONCE, Delivery.AT_LEAST_ONCE),
        once=pushes.delivery in (Delivery.EXACTLY_ONCE, Delivery.AT_MOST_ONCE),
        ordered=bool(pushes.seq) and pushes.delivery is not None,
    )
