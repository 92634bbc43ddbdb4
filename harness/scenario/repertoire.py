"""What can be asked of a service, sorted by what it does: every generator of programs works from it.

- Objects are made in levels: what makes a note in a folder comes after what makes the folder. A kind is a *container*
  where others are made in it, or where something is pushed to whoever listens to it; all other objects are *contents*.
- A user's home is two containers of each kind. Contents are made in the first of them, so the nth note is always in
  the first folder; work can be started in either.
- Steps name objects by the number of the user who made them (see `harness.scenario.program`). What a request carries is
  written down where it matters; the performer gives the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from harness.history.model import Operation, Promises
from harness.history.semantics import Semantics
from harness.scenario.program import USUAL, Do, RequestOptions, Step

SETTLE = Step(Do.SETTLE)


class OperationKind(StrEnum):
    """What an operation does: each does one of these."""

    OPEN = "open"
    """Opens a channel."""
    SUBSCRIBE = "subscribe"
    MAKE = "make"
    READ = "read"
    LIST = "list"
    SEARCH = "search"
    EDIT = "edit"
    DELETE = "delete"
    WAIT = "wait"
    """Starts work that goes on until it is asked to end."""
    FAIL = "fail"
    """Starts work that fails."""
    WRITE = "write"
    """Starts work that writes objects."""
    REPEAT = "repeat"
    """Starts work whose result is the text that it was given."""
    WORK = "work"
    """Starts work of which no more is known."""
    END = "end"
    """Asks work to end."""
    GET_STATUS = "get status"
    """Tells what has become of work."""
    OTHER = "other"
    """Something of which nothing is known."""


STARTING = (OperationKind.REPEAT, OperationKind.WRITE, OperationKind.WORK, OperationKind.FAIL, OperationKind.WAIT)


def kind_of(semantics: Semantics) -> OperationKind:
    """Return what an operation does."""
    work = semantics.starts
    if work is not None:
        said = {
            OperationKind.WAIT: work.waits,
            OperationKind.FAIL: work.fails,
            OperationKind.WRITE: work.writes,
            OperationKind.REPEAT: work.repeats,
        }
        return next((kind for kind, holds in said.items() if holds), OperationKind.WORK)
    told = {
        OperationKind.OPEN: semantics.opens,
        OperationKind.SUBSCRIBE: semantics.subscribes,
        OperationKind.END: semantics.ends,
        OperationKind.MAKE: semantics.makes,
        OperationKind.DELETE: semantics.deletes,
        OperationKind.EDIT: semantics.edits,
        OperationKind.SEARCH: semantics.searches,
        OperationKind.LIST: semantics.lists,
        OperationKind.GET_STATUS: semantics.progress,
        OperationKind.READ: semantics.reads,
    }
    return next((kind for kind, holds in told.items() if holds), OperationKind.OTHER)


def levels_of(making: Iterable[Semantics]) -> Sequence[Sequence[Semantics]]:
    """Return operations that make something in levels: those of a level need objects of the levels before only."""
    left, known, levels = list(making), set[str](), list[list[Semantics]]()
    while level := [semantics for semantics in left if kinds_in(semantics) <= known]:
        levels.append(level)
        known |= {semantics.makes for semantics in level if semantics.makes}
        left = [semantics for semantics in left if semantics not in level]
    return levels


def kinds_in(semantics: Semantics) -> frozenset[str]:
    """Return the kinds of the objects that an operation needs."""
    return frozenset(kind for _, kind in semantics.needs)


def symbol(kind: str, owner: int, nth: int) -> str:
    """Return how a program names the nth object that the user with this number made."""
    return f"${kind}:{owner}:{nth}"


def missing(kind: str) -> str:
    """Return how a program names an object that there is not."""
    return f"$missing:{kind}"


@dataclass(frozen=True)
class Repertoire:
    """The operations of a service that can be asked: whatever they need, some operation makes."""

    promises: Promises

    @cached_property
    def _sorted(self) -> Mapping[OperationKind, tuple[Semantics, ...]]:
        making = (semantics for semantics in self.promises.operations.values() if semantics.makes)
        known = {semantics.makes for level in levels_of(making) for semantics in level}
        can = self.promises.which(lambda semantics: kinds_in(semantics) <= known)
        return {kind: tuple(semantics for semantics in can if kind_of(semantics) is kind) for kind in OperationKind}

    def which(self, *kinds: OperationKind) -> tuple[Semantics, ...]:
        """Return the operations that do one of these, those of the first first."""
        return tuple(semantics for kind in kinds for semantics in self._sorted[kind])

    @cached_property
    def levels(self) -> Sequence[Sequence[Semantics]]:
        """What makes objects and starts no work, in levels."""
        return levels_of(self.which(OperationKind.MAKE))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of objects that are no work."""
        return frozenset(semantics.makes for level in self.levels for semantics in level if semantics.makes)

    @cached_property
    def containers(self) -> frozenset[str]:
        """The kinds of objects in which others are made, or within which something is pushed."""
        within = self.which(*STARTING, OperationKind.MAKE, OperationKind.SUBSCRIBE, OperationKind.OPEN)
        return self.kinds & {kind for semantics in within for kind in kinds_in(semantics) - {semantics.makes}}

    @cached_property
    def starting(self) -> tuple[Semantics, ...]:
        """What starts work on objects that are no work, and ends by itself: first what repeats its text."""
        started = self.which(OperationKind.REPEAT, OperationKind.WORK, OperationKind.WRITE, OperationKind.FAIL)
        return tuple(semantics for semantics in started if self._is_early(semantics))

    @cached_property
    def waiting(self) -> tuple[Semantics, ...]:
        """What starts work that goes on until it is asked to end, where it can be asked to."""
        ended = {semantics.takes for semantics in self.which(OperationKind.END)}
        return tuple(s for s in self.which(OperationKind.WAIT) if self._is_early(s) and s.makes in ended)

    @cached_property
    def listening(self) -> tuple[Semantics, ...]:
        """What subscribes to a container, or opens a channel on one."""
        return tuple(
            s for s in self.which(OperationKind.OPEN, OperationKind.SUBSCRIBE) if s.needs and self._is_early(s)
        )

    @cached_property
    def looking(self) -> tuple[Semantics, ...]:
        """What lists and searches, contents first; then what changes nothing, and of which no more is known."""
        looking = sorted(self.which(OperationKind.LIST, OperationKind.SEARCH), key=lambda s: s.lists in self.containers)
        return (*looking, *(s for s in self.which(OperationKind.OTHER) if s.safe and not s.needs))

    @cached_property
    def writing(self) -> tuple[Semantics, ...]:
        """What brings texts of a user in as soon as they are at home; where there is no such thing, new containers."""
        brought = [semantics for level in self.levels for semantics in level if semantics.makes not in self.containers]
        brought += [
            semantics for semantics in self.which(OperationKind.OTHER) if semantics.texts and not semantics.safe
        ]
        at_home = [semantics for semantics in brought if kinds_in(semantics) <= self.containers]
        return tuple(at_home or (self.levels[-1] if self.levels else ()))

    @cached_property
    def late(self) -> tuple[Semantics, ...]:
        """What can be asked only when there are contents or work, and what is not known to bring a text in."""
        early = {s.name for s in (*self.starting, *self.waiting, *self.listening, *self.writing, *self.looking)}
        kinds = (OperationKind.OPEN, OperationKind.SUBSCRIBE, OperationKind.MAKE, *STARTING[:-1], OperationKind.OTHER)
        late = (s for s in self.which(*kinds) if s.name not in early and s.makes not in self.containers)
        return tuple(s for s in late if s.needs or kind_of(s) is OperationKind.OTHER)

    @cached_property
    def deleting(self) -> tuple[Semantics, ...]:
        """What deletes objects that hold no others: what goes with a container nobody says."""
        return tuple(s for s in self.which(OperationKind.DELETE) if s.takes not in self.containers)

    def _is_early(self, semantics: Semantics) -> bool:
        """Whether it can be asked before there is any work."""
        return kinds_in(semantics) <= self.kinds

    # Steps

    def ask(
        self,
        user: int,
        operation: Semantics,
        *,
        owner: int | None = None,
        nth: int = 0,
        text: str = "",
        of_nobody: bool = False,
        device: int = 0,
        how: RequestOptions = USUAL,
    ) -> Step:
        """Return the step in which a user asks an operation.

        Args:
            user: by position, which is also their number.
            operation: which.
            owner: number of the user on whose objects it is asked; the user's own when left out.
            nth: of the objects of the kind that it takes. Of other kinds, the first: contents are made there.
            text: of whatever it carries; `""` leaves it to the performer.
            of_nobody: whether the object that it takes is one that there is not.
            device, how: see `Step`.
        """
        owner = user if owner is None else owner
        objects = {
            argument: symbol(kind, owner, nth if kind == operation.takes else 0) for argument, kind in operation.needs
        }
        if of_nobody and operation.takes:
            objects[operation.argument] = missing(operation.takes)
        given = dict.fromkeys(operation.texts, text) if text else {}
        return Step(Do.ASK, user, Operation(operation.name, objects, given), device, how=how)

    def mixed(self, user: int, operation: Semantics, owner: int) -> Iterator[Step]:
        """Yield the steps in which one of several ids is the owner's, and the others are the asking user's own."""
        for argument, kind in operation.needs if len(operation.needs) > 1 else ():
            own = self.ask(user, operation)
            assert own.operation is not None
            objects = {**own.operation.objects, argument: symbol(kind, owner, 0)}
            yield Step(Do.ASK, user, Operation(operation.name, objects))

    @cached_property
    def spoken_over(self) -> tuple[Semantics, ...]:
        """The channels that need no object and are opened for whoever subscribes over them."""
        over = {semantics.over for semantics in self.listening}
        return tuple(s for s in self.which(OperationKind.OPEN) if not s.needs and s.name in over)

    def arrive(self, user: int, device: int = 0) -> list[Step]:
        """Return the steps in which a user connects, and opens the channels that nothing else opens for them.

        Of another device only where something is pushed to it.
        """
        if device and not self.which(OperationKind.OPEN, OperationKind.SUBSCRIBE):
            return []
        plain = [s for s in self.which(OperationKind.OPEN) if not s.needs and s not in self.spoken_over]
        return [Step(Do.CONNECT, user, device=device), *(self.ask(user, s, device=device) for s in plain)]

    def home(self, users: Sequence[int], text: str = "{mark}", count: int = 2) -> list[Step]:
        """Return the steps after which each user is connected and has so many containers of each kind."""
        making = [[s for s in level if s.makes in self.containers] for level in self.levels]
        first, *others = [level for level in making if level] or [[]]
        steps = [step for user in users for step in (*self.arrive(user), *self._made(user, first, text, count))]
        for level in others:
            steps += [SETTLE, *(step for user in users for step in self._made(user, level, text, count))]
        return steps

    def _made(self, user: int, level: Sequence[Semantics], text: str, count: int) -> Iterator[Step]:
        for which in ("first", "second")[:count]:
            for semantics in level:
                yield self.ask(user, semantics, text=f"{which} {semantics.makes} {text}")

    def ready(self, users: Sequence[int]) -> list[Step]:
        """Return the steps after which each user can bring texts in: none where that needs no container."""
        if not any(semantics.needs for semantics in self.writing):
            return []
        return [*self.home(users, count=1), SETTLE]

    def listen(self, users: Sequence[int], device: int = 0, nth: int = 0) -> list[Step]:
        """Return the steps after which each user gets what is pushed within their nth containers."""
        opening = [semantics for semantics in self.listening if semantics.opens]
        subscribing = [semantics for semantics in self.listening if not semantics.opens]
        steps = [self.ask(user, s, nth=nth, device=device) for user in users for s in opening]
        steps += [SETTLE] if opening and subscribing else []
        return steps + [self.ask(user, s, nth=nth, device=device) for user in users for s in subscribing]

    def write(self, users: Sequence[int], text: str) -> list[Step]:
        """Return the steps in which each user brings a text in, wherever it can be."""
        return [self.ask(user, semantics, text=text) for user in users for semantics in self.writing]

    def talk(self, user: int, text: str, nth: int = 0, which: int = 0) -> list[Step]:
        """Return the step in which a user starts work that repeats its text, or else any.

        Where there is no work, they write, and look what there is.
        """
        calm = [semantics for semantics in self.starting if kind_of(semantics) is not OperationKind.FAIL]
        alike = [semantics for semantics in calm if kind_of(semantics) is kind_of(calm[0])]
        if not alike:
            return self.write([user], text) + self.look(user)[:1]
        return [self.ask(user, alike[which % len(alike)], nth=nth, text=text)]

    def start(self, user: int, kind: OperationKind, text: str = "", nth: int = 0) -> list[Step]:
        """Return the steps in which a user starts all work of a kind."""
        started = self.waiting if kind is OperationKind.WAIT else self.starting
        return [self.ask(user, s, nth=nth, text=text) for s in started if kind_of(s) is kind]

    def look(self, user: int) -> list[Step]:
        """Return the steps in which a user lists and searches everything; where that cannot be, they read."""
        return [self.ask(user, semantics) for semantics in self.looking] or self.read(user)

    def read(self, user: int, *, owner: int | None = None, nth: int = 0) -> list[Step]:
        """Return the steps in which a user reads what is no work."""
        return [self.ask(user, semantics, owner=owner, nth=nth) for semantics in self.which(OperationKind.READ)]

    def end(self, user: int, nth: int) -> list[Step]:
        """Return the steps in which a user ends work of their own."""
        return [self.ask(user, semantics, nth=nth) for semantics in self.which(OperationKind.END)]
