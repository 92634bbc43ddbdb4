"""Small programs whose schedules are worth exploring: two or three users, a few requests each, all at once.

A scene has three parts. The entrance and the exit happen in asyncio's own order; choices are made, and faults are
injected, in between. So every schedule costs little, and its deviations are about what matters.

One scene, one question; together they go where isolation breaks (see the incident catalogue). What a target does not
offer is left out when a scene is performed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.history.model import Promises
from harness.history.names import people
from harness.scenario.program import Do, Program, Step, ask

SETTLE = Step(Do.SETTLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A program, of which the steps from `first` and before `last` are explored."""

    program: Program
    first: int
    last: int

    @property
    def name(self) -> str:
        """Of the program."""
        return self.program.name


def _home(user: int, threads: int = 1) -> Iterator[Step]:
    yield Step(Do.CONNECT, user)
    for number in range(threads):
        yield ask(user, "open_thread", title=f"thread {number} {{mark}}")


def _follow(user: int, device: int = 0, thread: int = 0) -> Step:
    return ask(user, "follow", device=device, thread=f"$thread:{user}:{thread}")


def _run(user: int, agent: str, text: str, thread: int = 0) -> Step:
    return ask(user, "start_run", thread=f"$thread:{user}:{thread}", agent=agent, text=text)


def _at_home(users: int, threads: int = 1) -> list[Step]:
    homes = [step for user in range(users) for step in _home(user, threads)]
    return [*homes, SETTLE, *(_follow(user) for user in range(users)), SETTLE]


def _reading(users: int) -> list[Step]:
    return [
        step
        for user in range(users)
        for step in (ask(user, "list_notes"), ask(user, "search_notes", text="note"), ask(user, "list_threads"))
    ]


Parts = tuple[int, Sequence[Step], Sequence[Step], Sequence[Step]]
"""Users, entrance, what is explored, exit."""


def talking(promises: Promises) -> Parts:
    """Two users' runs stream at once."""
    return 2, _at_home(2), [_run(user, "narrator", "of {mark} at length") for user in range(2)], []


def writing(promises: Promises) -> Parts:
    """Two users write, list and search at once."""
    entrance = [
        step for user in range(2) for step in (*_home(user), ask(user, "write_note", text="note before {mark}"))
    ]
    burst = [ask(user, "write_note", text="note {mark}") for user in range(2)]
    return 2, [*entrance, SETTLE], [*burst, *_reading(2)], _reading(2)


def remembering(promises: Promises) -> Parts:
    """Two users' runs write pairs of notes, while runs recall."""
    burst = [_run(user, "notebook", "remember: note one {mark} | note two {mark}") for user in range(2)]
    recall = [_run(user, "notebook", "recall: note") for user in range(2)]
    return 2, _at_home(2), [*burst, *recall], [*_reading(2), *recall]


def failing(promises: Promises) -> Parts:
    """One user's runs fail, while another user's go on."""
    burst = [
        _run(0, "faulty", "fail: note never {mark}"),
        _run(1, "narrator", "calm {mark}"),
        ask(1, "write_note", text="note of another {mark}"),
        _run(0, "narrator", "after all {mark}"),
    ]
    return (
        2,
        _at_home(2),
        burst,
        [*_reading(2), _run(0, "narrator", "later {mark}"), _run(1, "narrator", "later {mark}")],
    )


def holding(promises: Promises) -> Parts:
    """Two users' runs wait until they are cancelled; meanwhile what they hold is compared."""
    stall = [_run(user, "faulty", "stall: {mark}") for user in range(2)]
    cancel = [ask(user, "cancel_run", id=f"$run:{user}:-1") for user in range(2)]
    return 2, _at_home(2), [*stall, SETTLE, Step(Do.COMPARE), *cancel], _reading(2)


def crowding(promises: Promises) -> Parts:
    """One user asks for more runs than there are slots, while another asks for one."""
    limit = promises.runs_per_user or 3
    entrance = [*_at_home(2), *(_run(0, "faulty", "stall: {mark}") for _ in range(limit)), SETTLE]
    leave = [ask(0, "cancel_run", id=f"$run:0:{number}") for number in range(limit)]
    burst = [
        _run(0, "narrator", "in line {mark}"),
        _run(1, "narrator", "not held up {mark}"),
        leave[0],
        _run(0, "narrator", "behind {mark}"),
    ]
    return 2, entrance, burst, [*leave[1:], SETTLE, _run(1, "narrator", "room {mark}")]


def returning(promises: Promises) -> Parts:
    """A user loses the connection in the middle of a run and comes back, while another's run goes on."""
    burst = [
        _run(0, "narrator", "cut {mark} off"),
        _run(1, "narrator", "steady {mark}"),
        Step(Do.DISCONNECT, 0),
        Step(Do.CONNECT, 0),
        _run(0, "narrator", "again {mark}"),
    ]
    return 2, [*_at_home(2), Step(Do.CONNECT, 1, device=1), _follow(1, 1), SETTLE], burst, []


def editing(promises: Promises) -> Parts:
    """A user's own edits of one version race, and so do another's."""
    entrance = [ask(user, "write_note", text="note to edit {mark}") for user in range(2)]
    edit = [
        ask(user, "edit_note", id=f"$note:{user}:0", text=f"edit {side} {{mark}}", version=f"$version:{user}:0")
        for side in ("left", "right")
        for user in (0, 1)
    ]
    return 2, [*entrance, SETTLE], edit, [*(ask(user, "read_note", id=f"$note:{user}:0") for user in range(2))]


def wandering(promises: Promises) -> Parts:
    """A user has two threads and follows one on each device, while runs go on in both."""
    entrance = [*_at_home(2, threads=2), Step(Do.CONNECT, 0, device=1), _follow(0, 1, 1), SETTLE]
    burst = [_run(user, "narrator", f"thread {thread} {{mark}}", thread) for thread in (0, 1) for user in (0, 1)]
    return 2, entrance, burst, []


def reaching(promises: Promises) -> Parts:
    """A user reaches for another's objects by their ids, while their owner uses them."""
    entrance = [
        *_at_home(2),
        ask(0, "write_note", text="note of mine {mark}"),
        _run(0, "narrator", "mine {mark}"),
        SETTLE,
    ]
    burst = [
        step
        for user in (0, 1)
        for step in (
            ask(user, "read_note", id="$note:0:0"),
            ask(user, "read_run", id="$run:0:0"),
            ask(user, "follow", thread="$thread:0:0"),
            ask(user, "start_run", thread="$thread:0:0", agent="narrator", text="in here {mark}"),
            ask(user, "edit_note", id="$note:0:0", text="over {mark}", version="$version:0:0"),
        )
    ]
    nobody = [
        ask(1, "read_note", id="$missing"),
        ask(1, "read_run", id="$missing"),
        ask(1, "follow", thread="$missing"),
        ask(1, "edit_note", id="$missing", text="over {mark}", version=1),
    ]
    again = ask(1, "edit_note", id="$note:0:0", text="over after all {mark}", version="$version:0:0")
    return 2, entrance, burst, [*nobody, SETTLE, again, _run(0, "narrator", "still mine {mark}"), SETTLE, *_reading(2)]


def waiting(promises: Promises) -> Parts:
    """One user's database is so slow that requests and runs pass their deadlines; another's is not."""
    entrance = [*_at_home(2), *(ask(user, "write_note", text="note before {mark}") for user in range(2)), SETTLE]
    burst = [
        Step(Do.SLOW, 0, amount=40_000),
        ask(0, "list_notes"),
        _run(0, "notebook", "recall: note"),
        _run(1, "notebook", "recall: note"),
        ask(1, "write_note", text="note meanwhile {mark}"),
        ask(1, "list_notes"),
    ]
    return 2, entrance, burst, [Step(Do.SLOW, 0, amount=0), SETTLE, *_reading(2)]


def exhausting(promises: Promises) -> Parts:
    """One user's slow requests take every connection of a usual pool; another's wait, and are answered."""
    entrance = [ask(user, "write_note", text="note before {mark}") for user in range(2)]
    burst = [
        Step(Do.SLOW, 0, amount=1_000),
        *(ask(0, "list_notes") for _ in range(20)),
        ask(1, "list_notes"),
        ask(1, "write_note", text="note in line {mark}"),
    ]
    return 2, [*entrance, SETTLE], burst, [Step(Do.SLOW, 0, amount=0), SETTLE, *_reading(2)]


SCENES: tuple[Callable[[Promises], Parts], ...] = (
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
)


def scenes(promises: Promises) -> tuple[Scene, ...]:
    """Return every scene for a target with these promises; those of which it offers nothing are left out."""
    made = [_scene(make.__name__, make(promises)) for make in SCENES]
    return tuple(scene for scene in made if _is_offered(scene, promises))


def _scene(name: str, parts: Parts) -> Scene:
    users, entrance, explored, leaving = parts
    steps = (*entrance, *explored, SETTLE, *leaving, SETTLE)
    last = len(entrance) + len(explored) + 1
    return Scene(program=Program(name, people(users), steps), first=len(entrance), last=last)


def _is_offered(scene: Scene, promises: Promises) -> bool:
    explored = scene.program.steps[scene.first : scene.last]
    return any(step.operation is not None and promises.offers(step.operation) for step in explored)
