"""What users were given so far, so that a program can say `$note:3:0` and mean it. See `harness.scenario.program`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from harness.history.canary import Canaries
from harness.history.model import Credential, Operation, User, Value
from harness.history.semantics import QUERY, TEXT, VERSION, Semantics, at, body_of

FILLER = "lorem ipsum dolor sit amet "
NOBODYS = "note of nobody"
"""What an intruder writes, who asks in the name of somebody else."""
WORD = "note"
"""In every text of every user."""
_HEX = "0123456789abcdef"
Id = str | int


@dataclass(slots=True)
class Started:
    """Work that the target accepted.

    Args:
        kind: of the object that it is.
        name: its id.
        position: of the user in the program.
        within: the object that it was started in, or None.
        waits: whether it was asked to wait until it is ended.
        ended: whether its user has seen the end of it.
    """

    kind: str
    name: Id
    position: int
    within: Id | None
    waits: bool
    ended: bool = False


_EVENT = "event@"


def events_of(channel: str) -> str:
    """Return the kind of object that the events of a channel are, by which a client says what it has seen last."""
    return f"{_EVENT}{channel}"


class Unresolvable(Exception):
    """A step names an object that was never made."""


class Symbols:
    """Objects, versions, marks and work of each user, by the user's number.

    Args:
        seed: of marks, session ids and ids of nobody.
    """

    __slots__ = ("_ended", "_marks", "_missing", "_objects", "_seed", "_unknown", "_versions", "canaries", "work")

    def __init__(self, seed: int) -> None:
        self.canaries = Canaries(seed)
        self._seed = seed
        self._objects: dict[tuple[str, int], list[Id]] = {}
        self._versions: dict[tuple[str, Id], int] = {}
        self._marks: dict[int, list[str]] = {}
        self._ended: set[str] = set()
        self._missing = 0
        self._unknown = 0
        self.work: dict[str, Started] = {}

    # From symbols to values

    def resolved(self, user: User, operation: Operation, known: Semantics, size: int = 0) -> Operation:
        """Return what is really asked: ids in place of symbols, and whatever was not written down.

        Args:
            user: who asks.
            operation: with symbols.
            known: of the operation.
            size: how long each text is made that was not written down, in bytes.

        Raises:
            Unresolvable: it names an object that was never made.
        """
        seen = {name: value for name, value in operation.objects.items() if not self._is_of_no_event(value)}
        objects = {name: self._object(name, value) for name, value in seen.items()}
        given = {name: self._given(user, value) for name, value in operation.given.items()}
        for name in known.texts:
            if name not in given:
                given[name] = self.text(user, size)
        if known.needs_version and VERSION not in given:
            given[VERSION] = self._versions.get((known.takes or "", objects.get(known.argument, "")), 1)
        if known.needs_query and QUERY not in given:
            given[QUERY] = WORD
        return Operation(operation.name, objects, given)

    def text(self, user: User, size: int = 0) -> str:
        """Return a fresh text of this user with a mark in it, of at least so many bytes; an intruder's has none."""
        if user.credential is not Credential.VALID:
            return NOBODYS
        text = f"{WORD} {self._mint(user)}"
        return text + " " + (FILLER * (1 + (size - len(text)) // len(FILLER)))[: size - len(text)] if size > 0 else text

    def _mint(self, user: User) -> str:
        mark = self.canaries.mint(user.number)
        self._marks.setdefault(user.number, []).append(mark)
        return mark

    def _given(self, user: User, value: Value) -> Value:
        if not isinstance(value, str):
            return value
        if value.startswith("$mark:"):
            return self._nth(self._marks.get(user.number, []), value.removeprefix("$mark:"))
        if value.startswith("$version:"):
            kind, owner, nth = value.removeprefix("$version:").split(":")
            name = self._nth(self._objects.get((kind, int(owner)), []), nth)
            return self._versions.get((kind, name), 1)
        while "{mark}" in value:
            value = value.replace("{mark}", self._mint(user), 1)
        return value

    def _is_of_no_event(self, value: Value) -> bool:
        """Whether this names the last event of a channel that a user has seen who has seen none, and so names none."""
        if not isinstance(value, str) or not value.startswith(f"${_EVENT}"):
            return False
        what, owner, _ = value[1:].split(":")
        return (what, int(owner)) not in self._objects

    def _object(self, argument: str, value: Value) -> Value:
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        what, *where = value[1:].split(":")
        if what == "missing":
            return self._nobodys(where[0] if where else argument.partition(":")[0])
        if what == "session":
            return uuid.UUID(int=Random(f"{self._seed}/{value}").getrandbits(128), version=4).hex
        return self._nth(self._objects.get((what, int(where[0])), []), where[1])

    def _nth(self, known: Sequence[Value], nth: str) -> Value:
        try:
            return known[int(nth)]
        except IndexError:
            raise Unresolvable from None

    def _nobodys(self, kind: str) -> Value:
        """Return an id of the form that this kind's ids have, which nobody was given."""
        known = next((names[0] for (what, _), names in self._objects.items() if what == kind), None)
        self._missing += 1
        source = Random(f"{self._seed}/missing/{self._missing}")
        return nobodys_id(known, source)

    # What is learned

    def learn(self, position: int, user: User, operation: Operation, known: Semantics, answered: Value) -> None:
        """Take an answer of the user in, for later steps."""
        body = body_of(answered)
        taken: Value = operation.objects.get(known.argument)
        if known.makes is not None and is_id(name := made_by(known, answered)):
            self.learn_object(known.makes, user, name)
            self._learn_version(known, known.makes, name, body)
            if known.starts is not None:
                started = Started(known.makes, name, position, taken, known.starts.waits, str(name) in self._ended)
                self.work.setdefault(str(name), started)
        elif known.takes is not None and is_id(taken):
            self._learn_version(known, known.takes, taken, body)
        status = at(body, known.progress.status) if known.progress is not None else None
        if known.progress is not None and isinstance(status, str) and status in known.progress.final:
            self.end(str(taken))

    def learn_object(self, kind: str, user: User, name: Id) -> None:
        """Take in that a user was given an object."""
        self._objects.setdefault((kind, user.number), []).append(name)

    def _learn_version(self, known: Semantics, kind: str, name: Value, body: Value) -> None:
        version = at(body, known.version) if known.version else None
        if isinstance(version, int):
            self._versions[kind, name] = version

    def miss(self, known: Semantics) -> None:
        """Take in that nobody knows whether an operation happened: work may wait that nobody can end."""
        self._unknown += known.starts is not None and known.starts.waits

    def end(self, name: str) -> None:
        """Take in that work has ended; the end of fast work is told before its acceptance."""
        self._ended.add(name)
        if (known := self.work.get(name)) is not None:
            known.ended = True

    def waiting(self) -> Iterable[str]:
        """Return the accepted work that can end and has not."""
        return [name for name, work in self.work.items() if not work.ended and not work.waits]

    def stalled(self) -> list[str]:
        """Return the accepted work that waits until it is ended; what may be there besides has no name."""
        return [name for name, work in self.work.items() if not work.ended and work.waits] + [""] * self._unknown


def made_by(known: Semantics, answered: Value) -> Value:
    """Return the id that an answer gives to what was made, as a text or a number; None when there is none."""
    own = at(answered, "id")
    return own if own is not None else at(body_of(answered), known.id)


def is_id(name: Value) -> bool:
    """Return whether this can be the id of an object."""
    return isinstance(name, str | int) and not isinstance(name, bool) and name != ""


def texts_of(given: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the texts that an operation is given, by placeholder: `{canary}`, `{canary:2}`."""
    return {name.replace(TEXT, "canary", 1): text for name, text in given.items() if name.partition(":")[0] == TEXT}


def nobodys_id(known: Id | None, source: Random) -> Id:
    """Return an id that nobody was given, of the same form as a known one."""
    if str(known).isdigit():
        number = int("1" + "0" * max(8, len(str(known)))) + source.randrange(10**6)
        return number if isinstance(known, int) else str(number)
    other = uuid.UUID(int=source.getrandbits(128), version=4)
    try:
        return str(other) if known is not None and known != uuid.UUID(str(known)).hex else other.hex
    except ValueError:
        return re.sub(r"[0-9A-Za-z]", lambda found: _other(found.group(), source), str(known or other.hex))


def _other(letter: str, source: Random) -> str:
    if letter.isdigit():
        return source.choice("0123456789")
    drawn = source.choice(_HEX[10:] if letter.lower() in _HEX else "ghijklmnopqrstuvwxyz")
    return drawn.upper() if letter.isupper() else drawn
