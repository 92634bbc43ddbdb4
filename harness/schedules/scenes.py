"""Small programs whose schedules are worth exploring: two users, a few requests each, all at once.

A scene has three parts. The entrance and the exit happen in asyncio's own order; choices are made, and faults are
injected, in between. So every schedule costs little, and its deviations are about what matters.

One scene, one question; together they go where isolation breaks. Scenes are made from what a target says of its
operations: what it does not offer is left out, and a scene of which nothing is left is none. Of a large service a few
operations of each sort are asked: a scene stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

from harness.history.model import Promises
from harness.history.names import people
from harness.history.semantics import Semantics
from harness.scenario.program import Do, Program, Step
from harness.scenario.repertoire import SETTLE, STARTING, OperationKind, Repertoire

RUNS_PER_USER = 3
"""Taken for the most pieces of work of one user at a time where a service states no limit."""
FEW = 3
"""Operations of one sort in a scene."""
CONNECTIONS = 20
"""So many requests take every connection of a usual pool."""
TWO = range(2)
OTHERS, NOBODYS = 2, 3
"""Devices with which channels are opened on objects that are not one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A program, of which the steps from `first` and before `last` are explored.

    Args:
        program: all of it.
        first, last: of the steps that are explored.
        operations: what is known of those that it asks for.
    """

    program: Program
    first: int
    last: int
    operations: Mapping[str, Semantics] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the program."""
        return self.program.name

    def asked_by(self, user: int) -> list[Semantics]:
        """Return what is known of the operations that a user asks for."""
        names = {step.operation.name for step in self.program.steps if step.operation and step.user == user}
        return [known for name, known in self.operations.items() if name in names]


Parts = tuple[Sequence[Step], Sequence[Step], Sequence[Step]]
"""Entrance, what is explored, exit."""
NONE: Parts = ((), (), ())


def _at_home(can: Repertoire, containers: int = 1) -> list[Step]:
    """Everybody is connected, and listens to what is pushed to them."""
    listening = can.listen(TWO)
    return [*can.home(TWO, count=containers), SETTLE, *listening, *([SETTLE] if listening else [])]


def _looking(can: Repertoire) -> list[Step]:
    return [step for user in TWO for step in can.look(user)[:FEW]]


def _reading(can: Repertoire, nth: int = 0) -> list[Step]:
    contents = [semantics for semantics in can.which(OperationKind.READ) if semantics.takes not in can.containers]
    reading = (contents or can.which(OperationKind.READ))[:FEW]
    return [can.ask(user, s, nth=nth) for user in TWO for s in reading] or _looking(can)


def _writing(can: Repertoire, text: str, users: Sequence[int] = TWO) -> list[Step]:
    return [can.ask(user, semantics, text=text) for user in users for semantics in can.writing[:FEW]]


def talking(can: Repertoire) -> Parts:
    """Two users' work shows its results at once."""
    if not can.starting:
        return NONE
    return _at_home(can), [step for user in TWO for step in can.talk(user, "of {mark} at length")], []


def writing(can: Repertoire) -> Parts:
    """Two users write, list and search at once, and read what they have written."""
    before = _writing(can, "note before {mark}")
    entrance = [*(can.ready(TWO) or can.home(TWO, count=1)), *before, SETTLE]
    burst = _writing(can, "note {mark}")
    return entrance, [*burst, *_looking(can)] if burst else [], [*_looking(can), *_reading(can, nth=-1)]


def remembering(can: Repertoire) -> Parts:
    """Two users' work writes several objects, while other work of theirs reads them."""
    burst = [step for user in TWO for step in can.start(user, OperationKind.WRITE, "note {mark}")]
    recall = [step for user in TWO for step in can.start(user, OperationKind.WORK)]
    return _at_home(can), [*burst, *recall] if burst else [], [*_looking(can), *recall]


def failing(can: Repertoire) -> Parts:
    """One user's work fails, while another user's goes on."""
    never = can.start(0, OperationKind.FAIL, "note never {mark}")
    burst = [
        *never,
        *can.talk(1, "calm {mark}"),
        *_writing(can, "note of another {mark}", [1]),
        *can.talk(0, "after all {mark}"),
    ]
    later = [step for user in TWO for step in can.talk(user, "later {mark}")]
    return _at_home(can), burst if never else [], [*_looking(can), *later]


def holding(can: Repertoire) -> Parts:
    """Two users' work waits until it is ended; meanwhile what they hold is compared."""
    waiting = [can.ask(user, semantics) for user in TWO for semantics in can.waiting[:1]]
    ending = [step for user in TWO for step in can.end(user, -1)]
    return _at_home(can), [*waiting, SETTLE, Step(Do.COMPARE), *ending] if waiting else [], _looking(can)


def crowding(can: Repertoire) -> Parts:
    """One user asks for more work than there are slots, while another asks for one piece."""
    if not can.waiting:
        return NONE
    limit = can.promises.runs_per_user or RUNS_PER_USER
    entrance = [*_at_home(can), *(can.ask(0, can.waiting[0]) for _ in range(limit)), SETTLE]
    first, *others = [can.end(0, number) for number in range(limit)]
    burst = [
        *can.talk(0, "in line {mark}"),
        *can.talk(1, "not held up {mark}"),
        *first,
        *can.talk(0, "behind {mark}"),
    ]
    return entrance, burst, [*(step for ending in others for step in ending), SETTLE, *can.talk(1, "room {mark}")]


def returning(can: Repertoire) -> Parts:
    """A user loses the connection in the middle of something and comes back, while another's goes on."""
    if not can.which(OperationKind.OPEN, OperationKind.SUBSCRIBE):
        return NONE
    burst = [
        *can.talk(0, "cut {mark} off"),
        *can.talk(1, "steady {mark}"),
        Step(Do.DISCONNECT, 0),
        Step(Do.CONNECT, 0),
        *can.talk(0, "again {mark}"),
    ]
    return [*_at_home(can), *can.arrive(1, 1), *can.listen([1], device=1), SETTLE], burst, []


def editing(can: Repertoire) -> Parts:
    """A user's own edits of one version race, and so do another's."""
    edit = [
        can.ask(user, semantics, text=f"edit {side} {{mark}}")
        for semantics in can.which(OperationKind.EDIT)[:1]
        for side in ("left", "right")
        for user in TWO
    ]
    return [*can.ready(TWO), *_writing(can, "note to edit {mark}"), SETTLE], edit, _reading(can)


def wandering(can: Repertoire) -> Parts:
    """A user listens to one container on each device, while work goes on in both."""
    if not can.listening:
        return NONE
    entrance = [*_at_home(can, 2), *can.arrive(0, 1), *can.listen([0], device=1, nth=1), SETTLE]
    within = [(nth, user) for nth in (0, 1) for user in TWO]
    return entrance, [step for nth, user in within for step in can.talk(user, f"within {nth} {{mark}}", nth)], []


def reaching(can: Repertoire) -> Parts:
    """A user reaches for another's objects by their ids, while their owner uses them."""
    trying = _trying(can)
    entrance = [*_at_home(can), *_writing(can, "note of mine {mark}", [0]), *can.talk(0, "mine {mark}"), SETTLE]
    burst = [_reach(can, user, semantics) for user in TWO for semantics in trying]
    nobody = [_reach(can, 1, semantics, of_nobody=True) for semantics in trying]
    again = [can.ask(1, s, owner=0, text="over after all {mark}") for s in trying if s.edits]
    still = [*nobody, SETTLE, *again, *can.talk(0, "still mine {mark}"), SETTLE, *_looking(can)]
    return entrance, burst, still


def _trying(can: Repertoire) -> list[Semantics]:
    """Return one operation of each sort that takes an object: on contents, if there is one."""
    sorts = (
        (OperationKind.READ,),
        (OperationKind.LIST,),
        (OperationKind.GET_STATUS,),
        (OperationKind.SUBSCRIBE,),
        (OperationKind.OPEN,),
        (OperationKind.MAKE,),
        STARTING[:-1],
        (OperationKind.EDIT,),
    )
    sorted_ = ([semantics for semantics in can.which(*sort) if semantics.takes] for sort in sorts)
    return [min(found, key=lambda s: s.takes in can.containers) for found in sorted_ if found]


def _reach(can: Repertoire, user: int, semantics: Semantics, of_nobody: bool = False) -> Step:
    device = 0 if user == 0 or not semantics.opens else NOBODYS if of_nobody else OTHERS
    text = "over {mark}" if semantics.edits else "in here {mark}"
    return can.ask(user, semantics, owner=user if of_nobody else 0, of_nobody=of_nobody, device=device, text=text)


def waiting(can: Repertoire) -> Parts:
    """One user's database is so slow that requests and work pass their deadlines; another's is not."""
    look = [can.look(user)[:1] for user in TWO]
    recall = [step for user in TWO for step in can.start(user, OperationKind.WORK)]
    asked = [*look[0], *recall, *_writing(can, "note meanwhile {mark}", [1]), *look[1]]
    entrance = [*_at_home(can), *_writing(can, "note before {mark}"), SETTLE]
    slow, again = Step(Do.SLOW, 0, amount=40_000), Step(Do.SLOW, 0, amount=0)
    return entrance, [slow, *asked] if asked else [], [again, SETTLE, *_looking(can)]


def exhausting(can: Repertoire) -> Parts:
    """One user's slow requests take every connection of a usual pool; another's wait, and are answered."""
    look = [can.look(user)[:FEW] for user in TWO]
    many = islice(cycle(look[0]), CONNECTIONS)
    asked = [*many, *look[1], *_writing(can, "note in line {mark}", [1])]
    entrance = [*can.ready(TWO), *_writing(can, "note before {mark}"), SETTLE]
    slow, again = Step(Do.SLOW, 0, amount=1_000), Step(Do.SLOW, 0, amount=0)
    return entrance, [slow, *asked] if look[0] else [], [again, SETTLE, *_looking(can)]


def deleting(can: Repertoire) -> Parts:
    """Two users delete what they are reading and listing."""
    deleted = [can.ask(user, semantics) for semantics in can.deleting[:1] for user in TWO]
    burst = [*_reading(can), *deleted, *_looking(can)]
    entrance = [*can.ready(TWO), *_writing(can, "note to delete {mark}"), SETTLE]
    return entrance, burst if deleted else [], [*_reading(can), *_looking(can)]


SCENES: tuple[Callable[[Repertoire], Parts], ...] = (
    talking,
    writing,
    remembering,
    failing,
    holding,
    crowding,
    returning,
    editing,
    wandering,
    reaching,
    waiting,
    exhausting,
    deleting,
)


def scenes(promises: Promises, same_name: Callable[[str], str] = str) -> tuple[Scene, ...]:
    """Return every scene for a target with these promises; those of which it offers nothing are left out.

    Args:
        promises: of the target.
        same_name: what the target makes of a user's name before it compares.
    """
    can = Repertoire(promises)
    made = ((make.__name__, make(can)) for make in SCENES)
    return tuple(_scene(name, parts, promises, same_name) for name, parts in made if parts[1])


def _scene(name: str, parts: Parts, promises: Promises, same_name: Callable[[str], str]) -> Scene:
    entrance, explored, leaving = parts
    steps = (*entrance, *explored, SETTLE, *leaving, SETTLE)
    last = len(entrance) + len(explored) + 1
    return Scene(
        program=Program(name, people(len(TWO), same_name), steps),
        first=len(entrance),
        last=last,
        operations=promises.operations,
    )
