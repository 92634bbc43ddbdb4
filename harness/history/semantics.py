"""What is known of the operations of a service, as data: generators act by it, and checkers judge by it.

Rules:

- Everything is optional. What is not stated is not judged, and the claims that need it stay UNKNOWN.
- Keys are paths: keys and positions with dots between (`data.0.id`); `""` is the value itself.
- How an event's value is laid out is known here only: whoever wants to know what was asked, or answered, asks an
  operation's `Semantics`.

The words are those of the field: an operation *makes*, *reads*, *edits*, *deletes*, *lists* or *searches* objects of
a kind, *starts* work that ends later, *ends* it, or *subscribes* a connection to what is pushed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TEXT, VERSION, QUERY, SEEN = "text", "version", "query", "seen"
"""What is given beside objects: the user's own text (`text:2` is another one), the version that an edit replaces, what
is searched for, and the last event of each piece of work that a connection has seen."""
OBJECTS, GIVEN, SENT, BODY = "objects", "given", "sent", "body"
"""Keys of the values of events: see `Semantics`."""


class Delivery(StrEnum):
    """What a target promises about its events."""

    EXACTLY_ONCE = "exactly-once"
    AT_LEAST_ONCE = "at-least-once"
    AT_MOST_ONCE = "at-most-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work that goes on after its start has been answered.

    Args:
        writes: the kind of object that it writes, one with each text that it was given: all of them or none.
        fails: whether it is meant to fail, and then to leave nothing that it wrote.
        waits: whether it goes on until it is asked to end.
        repeats: whether its result is the text that it was given.
    """

    writes: str = ""
    fails: bool = False
    waits: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an answer tells what has become of work.

    Args:
        status: key of its status.
        completed, failed: the statuses of work that has ended well, and otherwise.
        result: key of its result; `""` when none is shown.
    """

    status: str = "status"
    completed: tuple[str, ...] = ("completed",)
    failed: tuple[str, ...] = ("failed", "cancelled")
    result: str = ""

    @property
    def final(self) -> frozenset[str]:
        """The statuses of work that has ended."""
        return frozenset({*self.completed, *self.failed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushes:
    """What the frames of a channel say of themselves.

    Args:
        of: the kind of object that a frame is about: work, or what a user subscribes to.
        id: key of that object's id.
        within: the kind of object that it is pushed within, to which users subscribe; `""` when there is none.
        within_id: key of its id.
        seq: key of a number that counts 0, 1, 2, ... for each object; `""` when frames are not counted.
        type: key of the frame's type; `""` when frames have none.
        begins, completes, fails: the types with which work begins, and ends well or otherwise.
        delivery: how often each frame arrives; None when the service does not say.
    """

    of: str
    id: str = "id"
    within: str = ""
    within_id: str = ""
    seq: str = ""
    type: str = ""
    begins: tuple[str, ...] = ()
    completes: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    delivery: Delivery | None = None

    @property
    def last(self) -> frozenset[str]:
        """The types of the last frame of a piece of work."""
        return frozenset({*self.completes, *self.fails})


@dataclass(frozen=True, slots=True)
class Semantics:
    """What is known of one operation.

    Args:
        name: of the operation.
        makes: the kind of object that its answer names.
        id: key of that name in the answer.
        takes: the kind of object that it works on, named by the argument `argument`.
        argument: the name of that argument; that of the kind when left out.
        needs: all arguments that name objects, each with the kind of the object; the one above when left out.
        reads: whether it shows the object that it takes, and changes nothing.
        safe: whether it changes nothing, whatever it shows.
        lists: the kind of objects that it lists.
        all: whether the list has all of the user's own; else it may be a page of them.
        entries: key of the list in the answer.
        texts: the arguments that carry the user's own texts.
        shows: key of an object's text in an answer, or in each entry; None when nobody says where it stands.
        edits: whether it gives the object that it takes the text it carries.
        deletes: whether the object that it takes is gone afterwards.
        searches: whether it lists only objects whose text contains the argument QUERY.
        version: key of a number that each edit raises, which an edit names in the argument VERSION; `""` for none.
        needs_version: whether the argument VERSION must be given.
        needs_query: whether the argument QUERY must be given.
        newest_of: the operations whose texts it shows, of these the newest only; empty when older ones may show, too.
        over: the channel over which it is said, which is opened for it where that needs no object; `""` for no message.
        opens: whether it opens a connection, which may stay open for anybody as long as nothing is sent over it.
        subscribes: whether the connection over which it is asked gets what is pushed within the object that it takes.
        resumes: whether the argument SEEN can be given when it subscribes again.
        starts: the work that the object is that it makes.
        progress: how its answer tells what has become of the work that it takes.
        ends: whether it asks the work that it takes to end.
        public: whether anybody may ask it, without a credential, as long as nothing of a user is in the answer.
        acknowledged: whether its answer says that it was done.
    """

    name: str
    makes: str | None = None
    id: str = "id"
    takes: str | None = None
    argument: str = ""
    needs: tuple[tuple[str, str], ...] = ()
    reads: bool = False
    safe: bool = False
    lists: str | None = None
    all: bool = False
    entries: str = ""
    texts: tuple[str, ...] = ()
    shows: str | None = None
    edits: bool = False
    deletes: bool = False
    searches: bool = False
    version: str = ""
    needs_version: bool = False
    needs_query: bool = False
    newest_of: tuple[str, ...] = ()
    over: str = ""
    opens: bool = False
    subscribes: bool = False
    resumes: bool = False
    starts: Work | None = None
    progress: Progress | None = None
    ends: bool = False
    public: bool = False
    acknowledged: bool = True

    def __post_init__(self) -> None:
        """Name what need not be written: the one object that it takes, and the query of a search."""
        if self.takes is not None and not self.argument:
            object.__setattr__(self, "argument", self.takes)
        if self.takes is not None and not self.needs:
            object.__setattr__(self, "needs", ((self.argument, self.takes),))
        if self.searches:
            object.__setattr__(self, "needs_query", True)

    # What was asked: the value of an INVOKE is {"objects": by argument, "given": by argument, "sent": the request}.

    def object_in(self, asked: Any) -> str | None:
        """Return the id of the object that was asked for, or None."""
        found = at(asked, OBJECTS)
        return _text(found.get(self.argument)) if isinstance(found, Mapping) else None

    def texts_in(self, asked: Any) -> tuple[str, ...]:
        """Return the texts that were brought in."""
        return tuple(text for name in self.texts if (text := _text(_given(asked, name))) is not None)

    def text_in(self, asked: Any) -> str:
        """Return the first text that was brought in, or `""`."""
        return next(iter(self.texts_in(asked)), "")

    def query_in(self, asked: Any) -> str:
        """Return what was searched for, or `""`."""
        return _text(_given(asked, QUERY)) or "" if self.searches else ""

    def version_in(self, asked: Any) -> int | None:
        """Return the version that was to be replaced, or None."""
        return _number(_given(asked, VERSION))

    def seen_in(self, asked: Any) -> Mapping[str, int]:
        """Return the last event of each piece of work that a connection says it has seen."""
        seen = _given(asked, SEEN)
        return {key: seq for key, seq in seen.items() if isinstance(seq, int)} if isinstance(seen, Mapping) else {}

    # What was answered: the value of an OK is {"body": JSON or text}; where it travelled, with status, headers and id.

    def made_in(self, answered: Any) -> str | None:
        """Return the id that an answer gives to the object that was made, or None."""
        return _text(at(answered, "id")) or _text(at(body_of(answered), self.id))

    def entries_in(self, answered: Any) -> Sequence[Any] | None:
        """Return the entries of a list, or None when the answer has no list."""
        entries = at(body_of(answered), self.entries)
        return entries if isinstance(entries, list) else None

    def text_of(self, entry: Any) -> str | None:
        """Return the text that a body, or an entry of a list, shows; None when it is not where it should be."""
        return _text(at(entry, self.shows)) if self.shows is not None else None

    def version_of(self, answered: Any) -> int | None:
        """Return the version of the object that an answer shows, or None."""
        return _number(at(body_of(answered), self.version)) if self.version else None


def body_of(answered: Any) -> Any:
    """Return the body of an answer: JSON, or text."""
    return answered.get(BODY) if isinstance(answered, Mapping) else None


def at(value: Any, path: str) -> Any:
    """Return what stands at a path of a JSON value, or None."""
    if path and isinstance(value, dict) and path in value:  # most paths are one key
        return value[path]
    for part in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _given(asked: Any, name: str) -> Any:
    given = at(asked, GIVEN)
    return given.get(name) if isinstance(given, Mapping) else None


def _text(found: Any) -> str | None:
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)  # ids may be numbers
    return found if isinstance(found, str) and found else None


def _number(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) else None
