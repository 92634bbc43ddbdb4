"""Fixed programs that reach every operation once: what a random program must not be trusted to reach.

Each is for one question; all are performed before any random program. They are made from what a service says of its
operations: what it does not have is left out, and a program of which nothing is left is none. A program names users
by position; `crowd` shows all of them at work at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.history.model import Credential, Promises, User
from harness.history.names import people
from harness.history.semantics import Semantics
from harness.scenario.program import Do, Program, Step
from harness.scenario.repertoire import SETTLE, OperationKind, Repertoire

CANCEL_AT_TICKS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""After how many turns of the loop a call is cancelled, in the program of faults."""
RUNS_PER_USER = 3
"""Taken for the most pieces of work of one user at a time where a service states no limit."""
OWN, FOREIGN, MISSING = 1, 2, 3
"""Devices with which channels on an object are tried."""


def _settled(*parts: Sequence[Step]) -> list[Step]:
    """Return the parts, with everything settled after each; empty ones left out."""
    return [step for part in parts if part for step in (*part, SETTLE)]


def solo(can: Repertoire, count: int) -> list[Step]:
    """One user alone: what must work before anything can be claimed for many."""
    user = 0
    return _settled(
        can.home([user]),
        [can.ask(user, opening) for opening in can.spoken_over],
        can.listen([user]),
        can.write([user], "note one {mark}"),
        can.write([user], "note two {mark}"),
        can.read(user) + can.read(user, nth=-1) + can.look(user),
        [can.ask(user, editing, text="note edited {mark}") for editing in can.which(OperationKind.EDIT)],
        can.start(user, OperationKind.REPEAT, "tell me of {mark}")
        + can.start(user, OperationKind.WRITE, "note kept {mark}"),
        can.start(user, OperationKind.FAIL, "note gone {mark}"),
        can.start(user, OperationKind.WORK),
        *([can.ask(user, semantics, text="note late {mark}")] for semantics in can.late),
        [*_told(can, user, 0), *can.look(user)],
        [can.ask(user, deleting, nth=1) for deleting in can.deleting],
        can.look(user) + can.read(user),
    )


def _told(can: Repertoire, user: int, nth: int) -> list[Step]:
    return [can.ask(user, telling, nth=nth) for telling in can.which(OperationKind.GET_STATUS)]


def crowd(can: Repertoire, count: int) -> list[Step]:
    """Everybody at once: writes, work in both containers, two at a time, two devices, and everybody reads."""
    users = range(count)
    second = [step for user in users[:2] for step in can.arrive(user, 1)]
    steps = _settled(
        can.home(users),
        [*can.listen(users), *second],
        can.listen(users[:2], device=1),
        can.listen([0], device=1, nth=1),
    )
    for number in range(2):
        steps += _settled(
            can.write(users, f"note {number} {{mark}}"),
            [
                step
                for user in users
                for step in (
                    *can.talk(user, "a tale of {mark}, told slowly, word by word", which=number),
                    *can.talk(user, "another of {mark}, at the same time", which=number),
                    Step(Do.TICK, amount=3),
                )
            ],
            [step for user in users for step in can.talk(user, "aside {mark}", nth=1, which=number)]
            + [step for user in users for step in can.start(user, OperationKind.WRITE, "note pair {mark}")],
            _reading(can, users),
        )
    return steps


def _reading(can: Repertoire, users: Sequence[int]) -> list[Step]:
    looked = [can.ask(user, looking) for looking in can.looking for user in users]
    read = [step for user in users for step in (*can.read(user), *_told(can, user, -1))]
    return looked + read + [step for user in users for step in can.start(user, OperationKind.WORK)]


def in_turn(can: Repertoire, count: int) -> list[Step]:
    """Strictly one after the other: leaks through caches and reused objects need no concurrency."""
    steps: list[Step] = []
    for user in range(min(count, 4)):
        steps += _settled(
            can.home([user]),
            can.listen([user]),
            can.write([user], "note in turn {mark}"),
            *([looking] for looking in can.look(user)),
            can.talk(user, "in turn {mark}"),
            can.start(user, OperationKind.WORK),
            _told(can, user, -1) + can.read(user),
            *([can.ask(user, semantics, nth=-1)] for semantics in can.late),
        )
    return steps


def edits(can: Repertoire, count: int) -> list[Step]:
    """A user's own requests race: two edits of one version, of which one must be refused."""
    steps: list[Step] = []
    editing = can.which(OperationKind.EDIT)
    edited = {semantics.takes for semantics in editing}
    reading = [semantics for semantics in can.which(OperationKind.READ) if semantics.takes in edited]
    for user in range(min(count, 3)) if editing else ():
        containers = any(semantics.takes in can.containers for semantics in editing)
        steps += [*can.home([user]), SETTLE] if containers else can.ready([user])
        steps += _settled(can.write([user], "note to edit {mark}"))
        for semantics in editing:
            steps += _settled(
                [can.ask(user, semantics, text=f"edit {side} {{mark}}") for side in ("left", "right")],
                [*(can.ask(user, read) for read in reading), *can.look(user)],
            )
    return steps


def faults(can: Repertoire, count: int) -> list[Step]:
    """One user fails, one cancels, one disconnects, one is slow; the rest go on, and nothing may change for them."""
    users = range(count)
    failing, cancelling, leaving, slow = (position % count for position in (0, 1, 2, 0))
    others = [user for user in users if user not in (failing, cancelling, leaving)]
    work = [step for user in others for step in (*can.talk(user, "calm {mark}"), *can.look(user)[:1])]
    never = can.start(failing, OperationKind.FAIL, "note never {mark}")
    steps = _settled(
        can.home(users),
        can.listen(users),
        can.write(users, "note before {mark}"),
        [*never, *work] if never else (),
        [*never, *work, *can.talk(failing, "after the failure {mark}")] if never else (),
    )
    steps += [Step(Do.SLOW, slow, amount=20), *can.write([slow], "note slow {mark}"), *work]
    steps += _settled([Step(Do.SLOW, slow, amount=0)])
    for ticks in CANCEL_AT_TICKS:
        steps += _cancelled(can, cancelling, work[:2], ticks)
    return steps + _settled(
        can.look(cancelling)[:1] + work,
        [*can.talk(leaving, "cut off {mark} in the middle of it"), Step(Do.DISCONNECT, leaving), *work],
        [*can.talk(leaving, "while away {mark}"), *(step for user in others for step in can.arrive(user, 1))],
        can.listen(others, device=1),
        [Step(Do.CONNECT, leaving)],
        [*can.talk(leaving, "back again {mark}"), *work],
        [step for user in users for step in can.look(user)[:1]],
    )


def _cancelled(can: Repertoire, user: int, work: Sequence[Step], ticks: int) -> list[Step]:
    """Return the steps in which a user's writing is cancelled, and then work that writes, or an edit."""
    editing = can.which(OperationKind.EDIT)[:1]
    writing = can.start(user, OperationKind.WRITE, "note half {mark}") or [can.ask(user, s) for s in editing]
    cancel = (Step(Do.TICK, amount=ticks), Step(Do.CANCEL, user))
    return [*can.write([user], "note cancelled {mark}"), *work, *cancel, *writing, *(cancel if writing else ())]


def limits(can: Repertoire, count: int) -> list[Step]:
    """One user fills all slots and more with work that waits; the next must not notice."""
    users = range(min(count, 6))
    others = users[1:]
    many = range((can.promises.runs_per_user or RUNS_PER_USER) + 2)
    if not can.waiting:
        return []
    return _settled(
        can.home(users),
        can.listen(users),
        [can.ask(0, can.waiting[0]) for _ in many],
        [can.ask(user, can.waiting[0]) for user in others],
        [step for user in others for step in can.talk(user, "not held up {mark}")],
        [Step(Do.COMPARE)],
        [step for user in others for step in (*can.look(user)[:1], *can.write([user], "note {mark}"))],
        [step for number in many for step in can.end(0, number)]
        + [step for user in others for step in can.end(user, 0)],
        [step for user in users for step in can.talk(user, "room again {mark}")],
    )


def access(can: Repertoire, count: int) -> list[Step]:
    """Everybody tries everybody else's objects by their ids, beside the owner's success and an id of nobody."""
    users = range(min(count, 3))
    steps = _settled(
        can.home(users),
        can.listen(users),
        can.write(users, "note of mine {mark}"),
        [step for user in users for step in can.talk(user, "mine {mark}")],
    )
    for owner in users:
        other = (owner + 1) % len(users)
        steps += _settled(
            [_try(can, owner, s, owner) for s in _taking(can) if not s.edits and not s.starts],
            *([can.ask(owner, s, text="mine {mark}")] for s in can.starting if s.takes),
            *_tried(can, owner, other),
            [can.ask(owner, editing, text="overwritten {mark}") for editing in can.which(OperationKind.EDIT)]
            + [step for user in (owner, other) for step in can.look(user)[:1]],
            can.talk(owner, "still mine {mark}") + can.read(owner),
            *_ended(can, owner, other),
        )
    return steps + _settled(*([can.ask(owner, s) for owner in users] for s in _destroying(can)))


def _taking(can: Repertoire) -> list[Semantics]:
    """Return what takes an object, and neither deletes nor ends it."""
    harmless = (kind for kind in OperationKind if kind not in (OperationKind.DELETE, OperationKind.END))
    return [semantics for semantics in can.which(*harmless) if semantics.takes]


def _destroying(can: Repertoire) -> list[Semantics]:
    """Return what ends and deletes: what is within something before that."""
    made = [semantics.makes for level in can.levels for semantics in level]
    order = {kind: place for place, kind in enumerate(made)}
    deleting = can.which(OperationKind.DELETE)
    return [
        *can.which(OperationKind.END),
        *sorted(deleting, key=lambda s: (s.takes in can.containers, -order.get(s.takes, len(made)))),
    ]


def _try(can: Repertoire, user: int, semantics: Semantics, owner: int, of_nobody: bool = False) -> Step:
    """Return the step in which a user tries an operation on an object of the owner, or on one that there is not.

    Channels are tried with devices of their own: with the first, each user listens to what is theirs.
    """
    device = 0 if not semantics.opens else MISSING if of_nobody else OWN if user == owner else FOREIGN
    whose = user if of_nobody else owner
    return can.ask(user, semantics, owner=whose, of_nobody=of_nobody, device=device, text=_texts(semantics))


def _texts(semantics: Semantics) -> str:
    return "overwritten {mark}" if semantics.edits else "elsewhere {mark}"


def _tried(can: Repertoire, owner: int, other: int) -> Iterator[list[Step]]:
    """Yield the parts in which another tries everything on the owner's objects, and on objects of nobody."""
    trying = [*_taking(can), *_destroying(can)]
    yield [step for s in trying for step in (_try(can, other, s, owner), *can.mixed(other, s, owner))]
    yield [_try(can, other, s, owner, of_nobody=True) for s in trying]


def _ended(can: Repertoire, owner: int, other: int) -> Iterator[list[Step]]:
    """Yield the parts in which another tries to end work of the owner that waits, and then the owner does."""
    by_kind = {semantics.makes: semantics for semantics in can.waiting}
    if not by_kind:
        return
    yield [can.ask(owner, waiting) for waiting in by_kind.values()]
    yield [can.ask(other, ending, owner=owner, nth=-1) for ending in can.which(OperationKind.END)]
    yield can.end(owner, -1)


def intruders(can: Repertoire, count: int, credentials: Sequence[Credential] = ()) -> list[Step]:
    """Somebody without a valid credential tries everything that a user has just done. Intruders come after users."""
    steps = _settled(
        can.home([0]),
        [can.ask(0, opening) for opening in can.spoken_over],
        can.listen([0]),
        can.write([0], "note to guard {mark}"),
        can.talk(0, "guarded {mark}") + can.look(0) + can.read(0),
        _told(can, 0, 0),
    )
    trying = can.which(
        *(
            kind
            for kind in OperationKind
            if kind not in (OperationKind.OPEN, OperationKind.WAIT, OperationKind.END, OperationKind.DELETE)
        )
    )
    strangers = range(count, count + len(credentials))
    for intruder in strangers:
        steps += _settled(
            [can.ask(intruder, semantics, owner=0) for semantics in can.which(OperationKind.OPEN)],
            [can.ask(intruder, semantics, owner=0) for semantics in (*trying, *_destroying(can))],
        )
    return steps + _settled(
        [
            can.ask(intruder, semantics, owner=0)
            for intruder in strangers
            for semantics in can.which(OperationKind.WAIT)
        ],
        can.look(0) + [can.ask(0, editing, text="kept {mark}") for editing in can.which(OperationKind.EDIT)],
    )


PROGRAMS: Mapping[str, Callable[[Repertoire, int], list[Step]]] = {
    "solo": solo,
    "in-turn": in_turn,
    "access": access,
    "limits": limits,
    "edits": edits,
    "faults": faults,
    "crowd": crowd,
}


def fixed_programs(count: int, promises: Promises, same_name: Callable[[str], str] = str) -> Iterator[Program]:
    """Yield every program for that many users, the solo one first.

    Args:
        count: 2 or more valid users.
        promises: of the target: its operations, its limit, and which invalid credentials can be tried.
        same_name: what the target makes of a user's name before it compares.
    """
    can, users = Repertoire(promises), people(count, same_name)
    for name, make in PROGRAMS.items():
        if steps := make(can, count):
            yield Program(name, users, tuple(steps))
    if promises.credentials:
        credentials = sorted(promises.credentials)
        strangers = tuple(User(0, users[0].name, credential) for credential in credentials)
        yield Program("intruders", users + strangers, tuple(intruders(can, count, credentials)))
