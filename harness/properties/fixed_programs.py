"""Fixed programs that go everywhere once: what a random program must not be trusted to reach.

Each tour is for one question; all are played before any random program. A tour names users by position; `crowd(10)`
is the one that shows ten users at work at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.history.model import Credential, Promises, User
from harness.history.names import people
from harness.scenario.program import Do, Program, Step, ask

SETTLE = Step(Do.SETTLE)
CANCEL_AT_TICKS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
"""After how many turns of the loop a call is cancelled, in the tour of faults."""


def _home(user: int) -> Iterator[Step]:
    """Two threads, of which only the first is followed."""
    yield Step(Do.CONNECT, user)
    yield ask(user, "open_thread", title="first thread {mark}")
    yield ask(user, "open_thread", title="second thread {mark}")


def _follow(user: int, device: int = 0) -> Step:
    return ask(user, "follow", device=device, thread=f"$thread:{user}:0")


def _run(user: int, agent: str, text: str, thread: int = 0) -> Step:
    return ask(user, "start_run", thread=f"$thread:{user}:{thread}", agent=agent, text=text)


def _settled(*parts: Sequence[Step]) -> list[Step]:
    """Return the parts, with everything settled after each."""
    return [step for part in parts for step in (*part, SETTLE)]


def solo(count: int) -> list[Step]:
    """One user alone: what must work before anything can be claimed for many."""
    user = 0
    return _settled(
        [*_home(user)],
        [
            _follow(user),
            ask(user, "write_note", text="note one {mark}"),
            ask(user, "write_note", text="note two {mark}"),
        ],
        [ask(user, "read_note", id="$note:0:0"), ask(user, "list_notes"), ask(user, "search_notes", text="note one")],
        [ask(user, "edit_note", id="$note:0:0", text="note edited {mark}", version="$version:0:0")],
        [
            _run(user, "narrator", "tell me of {mark}"),
            _run(user, "notebook", "remember: note kept {mark} | note too {mark}"),
        ],
        [_run(user, "faulty", "fail: note gone {mark}")],
        [ask(user, "read_run", id="$run:0:0"), ask(user, "list_notes"), ask(user, "list_threads")],
        [ask(user, "delete_note", id="$note:0:1")],
        [ask(user, "list_notes"), ask(user, "read_note", id="$note:0:0")],
    )


def crowd(count: int) -> list[Step]:
    """Everybody at once: writes, runs in both threads, two runs together, two devices, and everybody reads."""
    users = range(count)
    second = [Step(Do.CONNECT, user, device=1) for user in users[:2]]
    steps = _settled(
        [step for user in users for step in _home(user)],
        [*(_follow(user) for user in users), *second],
        [_follow(user, 1) for user in users[:2]],
        [ask(0, "follow", device=1, thread="$thread:0:1")],
    )
    for number in range(2):
        steps += _settled(
            [ask(user, "write_note", text=f"note {number} {{mark}}") for user in users],
            [
                step
                for user in users
                for step in (
                    _run(user, "narrator", "a tale of {mark}, told slowly, word by word"),
                    _run(user, "narrator", "another of {mark}, at the same time"),
                    Step(Do.TICK, amount=3),
                )
            ],
            [_run(user, "narrator", "unheard {mark}", thread=1) for user in users]
            + [_run(user, "notebook", "remember: note pair {mark} | note mate {mark}") for user in users],
            _reading(users),
        )
    return steps


def _reading(users: Sequence[int]) -> list[Step]:
    steps = [ask(user, "list_notes") for user in users]
    steps += [ask(user, "search_notes", text="note") for user in users]
    steps += [ask(user, "list_threads") for user in users]
    steps += [ask(user, "read_run", id=f"$run:{user}:-1") for user in users]
    return steps + [_run(user, "notebook", "recall: note") for user in users]


def in_turn(count: int) -> list[Step]:
    """Strictly one after the other: leaks through caches and reused objects need no concurrency."""
    steps: list[Step] = []
    for user in range(min(count, 4)):
        steps += _settled(
            [*_home(user)],
            [_follow(user), ask(user, "write_note", text="note in turn {mark}")],
            [ask(user, "list_notes")],
            [ask(user, "search_notes", text="note")],
            [_run(user, "narrator", "in turn {mark}")],
            [_run(user, "notebook", "recall: note")],
            [ask(user, "read_run", id=f"$run:{user}:-1"), ask(user, "list_threads")],
        )
    return steps


def edits(count: int) -> list[Step]:
    """A user's own requests race: two edits of one version, of which one must be refused."""
    steps: list[Step] = []
    for user in range(min(count, 3)):
        note, version = f"$note:{user}:0", f"$version:{user}:0"
        steps += _settled(
            [ask(user, "write_note", text="note to edit {mark}")],
            [
                ask(user, "edit_note", id=note, text=f"edit {side} {{mark}}", version=version)
                for side in ("left", "right")
            ],
            [ask(user, "read_note", id=note), ask(user, "list_notes")],
        )
    return steps


def faults(count: int) -> list[Step]:
    """One user fails, one cancels, one disconnects, one is slow; the rest go on, and nothing may change for them."""
    users = range(count)
    failing, cancelling, leaving, slow = (position % count for position in (0, 1, 2, 0))
    others = [user for user in users if user not in (failing, cancelling, leaving)]
    steps = _settled(
        [step for user in users for step in _home(user)],
        [_follow(user) for user in users],
        [ask(user, "write_note", text="note before {mark}") for user in users],
    )
    work = [step for user in others for step in (_run(user, "narrator", "calm {mark}"), ask(user, "list_notes"))]
    steps += _settled(
        [_run(failing, "faulty", "fail: note never {mark}"), *work],
        [
            _run(failing, "faulty", "fail: note never {mark}"),
            *work,
            _run(failing, "narrator", "after the failure {mark}"),
        ],
    )
    steps += [Step(Do.SLOW, slow, amount=20), ask(slow, "write_note", text="note slow {mark}"), *work]
    steps += _settled([Step(Do.SLOW, slow, amount=0)])
    for ticks in CANCEL_AT_TICKS:
        steps += [
            ask(cancelling, "write_note", text="note cancelled {mark}"),
            *work[:2],
            Step(Do.TICK, amount=ticks),
            Step(Do.CANCEL, cancelling),
            _run(cancelling, "notebook", "remember: note half {mark} | note other half {mark}"),
            Step(Do.TICK, amount=ticks),
            Step(Do.CANCEL, cancelling),
        ]
    steps += _settled(
        [ask(cancelling, "list_notes"), *work],
        [_run(leaving, "narrator", "cut off {mark} in the middle of it"), Step(Do.DISCONNECT, leaving), *work],
        [_run(leaving, "narrator", "while away {mark}"), *(Step(Do.CONNECT, user, device=1) for user in others)],
        [_follow(user, 1) for user in others],
        [Step(Do.CONNECT, leaving)],
        [_run(leaving, "narrator", "back again {mark}"), *work],
        [ask(user, "list_notes") for user in users],
    )
    return steps


def limits(count: int, runs_per_user: int = 3) -> list[Step]:
    """One user fills all slots and more with runs that wait; the next must not notice."""
    users = range(min(count, 6))
    others = users[1:]
    steps = _settled([step for user in users for step in _home(user)], [_follow(user) for user in users])
    steps += _settled(
        [_run(0, "faulty", "stall: {mark}") for _ in range(runs_per_user + 2)],
        [_run(user, "faulty", "stall: {mark}") for user in others],
        [_run(user, "narrator", "not held up {mark}") for user in others],
        [Step(Do.COMPARE)],
        [step for user in others for step in (ask(user, "list_notes"), ask(user, "write_note", text="note {mark}"))],
    )
    steps += _settled(
        [ask(0, "cancel_run", id=f"$run:0:{number}") for number in range(runs_per_user + 2)]
        + [ask(user, "cancel_run", id=f"$run:{user}:0") for user in others],
        [_run(user, "narrator", "room again {mark}") for user in users],
    )
    return steps


_ON_NOTE = ("read_note", "edit_note", "delete_note")
_ON_RUN = ("read_run", "cancel_run")
_ON_THREAD = ("read_thread", "start_run", "follow")


def _try(user: int, name: str, owner: int, place: str = "") -> Step:
    """Return the step in which a user tries an operation on the owner's object, or on one that never existed."""
    if name in _ON_THREAD:
        thread = place or f"$thread:{owner}:0"
        match name:
            case "start_run":
                return ask(user, name, thread=thread, agent="narrator", text="elsewhere {mark}")
            case "follow":
                return ask(user, name, thread=thread)
            case _:
                return ask(user, name, id=thread)
    thing = place or (f"$run:{owner}:0" if name in _ON_RUN else f"$note:{owner}:0")
    if name == "edit_note":
        return ask(user, name, id=thing, text="overwritten {mark}", version=f"$version:{owner}:0")
    return ask(user, name, id=thing)


def access(count: int) -> list[Step]:
    """Everybody tries everybody else's objects by their ids, beside the owner's success and an id of nobody."""
    users = range(min(count, 3))
    names = (*_ON_NOTE[:2], *_ON_RUN[:1], *_ON_THREAD)
    steps = _settled(
        [step for user in users for step in _home(user)],
        [_follow(user) for user in users],
        [ask(user, "write_note", text="note of mine {mark}") for user in users],
        [_run(user, "narrator", "mine {mark}") for user in users],
    )
    for owner in users:
        other = (owner + 1) % len(users)
        steps += _settled(
            [_try(owner, name, owner) for name in names if name != "edit_note"],
            [_try(other, name, owner) for name in (*names, "delete_note", "cancel_run")],
            [_try(other, name, owner, "$missing") for name in (*names, "delete_note", "cancel_run")],
            [_try(owner, "edit_note", owner), ask(owner, "list_notes"), ask(other, "list_notes")],
            [_run(owner, "narrator", "still mine {mark}"), _try(owner, "read_note", owner)],
        )
    return steps + _settled([_try(owner, "delete_note", owner) for owner in users])


def intruders(count: int, credentials: Sequence[Credential] = ()) -> list[Step]:
    """Somebody without a valid credential tries everything that a user has just done. Intruders come after users."""
    names = ("read_note", "edit_note", "read_run", "read_thread", "start_run", "follow", "delete_note")
    steps = _settled(
        [*_home(0)],
        [_follow(0), ask(0, "write_note", text="note to guard {mark}")],
        [_run(0, "narrator", "guarded {mark}"), ask(0, "list_notes"), ask(0, "read_note", id="$note:0:0")],
        [ask(0, "read_run", id="$run:0:0"), ask(0, "read_thread", id="$thread:0:0"), ask(0, "list_threads")],
    )
    for offset in range(len(credentials)):
        intruder = count + offset
        steps += _settled(
            [ask(intruder, name) for name in ("list_notes", "list_threads")]
            + [
                ask(intruder, "write_note", text="note of nobody"),
                ask(intruder, "open_thread", title="thread of nobody"),
            ]
            + [_try(intruder, name, 0) for name in names]
        )
    return steps + _settled(
        [ask(0, "list_notes"), ask(0, "edit_note", id="$note:0:0", text="kept {mark}", version="$version:0:0")]
    )


_TOURS: Mapping[str, Callable[[int], list[Step]]] = {
    "solo": solo,
    "in-turn": in_turn,
    "access": access,
    "limits": limits,
    "edits": edits,
    "faults": faults,
    "crowd": crowd,
}


def tours(count: int, promises: Promises) -> Iterator[Program]:
    """Yield every tour for that many users, the solo one first.

    Args:
        count: 2 or more valid users.
        promises: of the target: its limit of runs, and which invalid credentials can be tried.
    """
    for name, make in _TOURS.items():
        steps = limits(count, promises.runs_per_user or 3) if make is limits else make(count)
        yield Program(name, people(count), tuple(steps))
    if promises.credentials:
        credentials = sorted(promises.credentials)
        users = people(count)
        strangers = tuple(User(0, users[0].name, credential) for credential in credentials)
        yield Program("intruders", users + strangers, tuple(intruders(count, credentials)))
