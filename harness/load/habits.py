"""What a user does, and how often: small steps, each of which leaves the target and the checkers with bounded memory.

Rules:

- Every user begins with each habit once, in an order of its own, so that even a short run goes everywhere.
- Everything a user chooses comes from that user's own stream of randomness.
- Notes are deleted again; runs that write notes are few, because their notes stay (`GROUPS_PER_PERSON`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.history.model import Value
from harness.history.probes import VOCABULARY
from harness.load.person import Person
from harness.targets.dialect import INVALID

Habit = Callable[[Person], None]

MOST_NOTES = 6
GROUPS_PER_PERSON = 24
"""Runs that write notes, of one user: fewer than `harness.judging.owned_objects.MOST_GROUPS`."""
STALLS = 5
"""Runs that wait until they are cancelled, in one flood: more than may be at work at once."""


def write(person: Person) -> None:
    """Write a note, and delete the oldest when there are many."""
    person.ask("write_note", text=f"note {person.mark()}")
    if len(person.notes) > MOST_NOTES:
        person.ask("delete_note", id=next(iter(person.notes)))


def edit(person: Person) -> None:
    """Change the newest note."""
    for note in list(person.notes)[-1:]:
        person.ask("edit_note", id=note, text=f"note edited {person.mark()}", version=person.notes[note])


def look(person: Person) -> None:
    """List, search and read the user's own notes and threads."""
    name = person.random.choice(("list_notes", "search_notes", "list_threads", "read_thread", "read_note"))
    match name:
        case "search_notes":
            person.ask(name, text="note")
        case "read_thread":
            _show(person, name, person.home)
        case "read_note":
            for note in list(person.notes)[-1:]:
                _show(person, name, note)
        case _:
            person.ask(name)


def narrate(person: Person) -> None:
    """Start two runs that tell the user's text word by word; they go on at the same time."""
    for _ in range(2):
        _start(person, "narrator", f"a tale of {person.mark()} told word by word")


def rush(person: Person) -> None:
    """Wait for the moment at which the whole team starts its runs: what is shared shows where requests overlap.

    How long that takes is not measured: who acts in step waits for the others.
    """
    if person.crew.stopping.wait(person.crew.until_rush_s(person.user.number)):
        return
    person.rushing = True
    try:
        narrate(person)
    finally:
        person.rushing = False


def narrate_unheard(person: Person) -> None:
    """Start a run in the thread that is not followed, and ask how it went."""
    run = _start(person, "narrator", f"unheard {person.mark()}", person.quiet)
    if run is not None:
        _show(person, "read_run", run)


def remember(person: Person) -> None:
    """Start a run that writes two notes or none."""
    if person.groups < GROUPS_PER_PERSON:
        person.groups += 1
        _start(person, "notebook", f"remember: note pair {person.mark()} | note mate {person.mark()}")
    else:
        recall(person)


def recall(person: Person) -> None:
    """Start a run that searches the user's notes."""
    _start(person, "notebook", "recall: note")


def fail(person: Person) -> None:
    """Start a run that writes a note and fails, then list what is there."""
    if person.groups < GROUPS_PER_PERSON:
        person.groups += 1
        _start(person, "faulty", f"fail: note gone {person.mark()}")
    person.ask("list_notes")


def flood(person: Person) -> None:
    """Take every slot and more with runs that wait, and cancel them."""
    stalled = [_start(person, "faulty", f"stall: {person.mark()}") for _ in range(STALLS)]
    for run in stalled:
        if run is not None:
            person.ask("cancel_run", id=run)


def peek(person: Person) -> None:
    """Ask for another user's object by its id, and for one that nobody has."""
    shelf = person.crew.shelf
    names = sorted(name for name, shown in shelf.items() if any(number != person.user.number for number, _ in shown))
    if not names:
        return
    name = person.random.choice(names)
    foreign = [thing for number, thing in shelf[name] if number != person.user.number]
    for thing in (person.random.choice(foreign), f"{person.random.getrandbits(128):032x}"):
        person.ask(name, **{VOCABULARY[name].argument: thing}, **_rest_of(person, name))


def trespass(person: Person) -> None:
    """Ask under this user's name with a credential that is not valid."""
    credential = person.random.choice(sorted(INVALID))
    person.trespass(credential, person.random.choice(("list_notes", "list_threads")))


HABITS: Mapping[Habit, int] = {
    narrate: 6,
    rush: 2,
    write: 5,
    look: 5,
    peek: 3,
    recall: 2,
    remember: 1,
    edit: 1,
    narrate_unheard: 1,
    fail: 1,
    flood: 1,
    trespass: 1,
}
"""What users do, and how often beside the rest."""


class Habits:
    """One user's choices."""

    def __init__(self, person: Person) -> None:
        self._random = person.random
        self._opening = [habit for habit in HABITS if habit is not rush]
        self._random.shuffle(self._opening)
        self._opening += [write, rush]  # from the end: first of all a rush, while everybody is sure to be here

    def choose(self) -> Habit:
        """Return what to do next."""
        if self._opening:
            return self._opening.pop()
        return self._random.choices(list(HABITS), list(HABITS.values()))[0]


def _start(person: Person, agent: str, text: str, thread: str = "") -> str | None:
    answer = person.ask("start_run", thread=thread or person.home, agent=agent, text=text)
    run = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(run, str):
        return None
    person.show("start_run", thread or person.home)
    return run


def _show(person: Person, name: str, thing: str) -> None:
    """Read the user's own object, and let others know that it can be read."""
    if person.ask(name, id=thing) is not None:
        person.show(name, thing)


def _rest_of(person: Person, name: str) -> Mapping[str, Value]:
    return {"agent": "narrator", "text": f"elsewhere {person.mark()}"} if name == "start_run" else {}
