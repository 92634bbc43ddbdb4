"""What a user does, and how often: worked out from what an adapter says of its operations.

Rules:

- Every user begins with each behaviour once, in an order of its own, so that even a short run goes everywhere.
- Everything a user chooses comes from that user's own stream of randomness.
- The target and the checkers need bounded memory: of what can be deleted a few objects are kept, of what cannot, and of
  what adds to an object for ever, only so many are made. Then the user reads instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from harness.adapter.adapter import Adapter
from harness.history.model import Credential, Value
from harness.load.abilities import Abilities, Ability
from harness.scenario.symbols import made_by, nobodys_id

if TYPE_CHECKING:  # users know behaviours, and need gevent
    from harness.load.virtual_user import VirtualUser

MOST_KEPT = 6
"""Objects of one kind of one user, where they can be deleted."""
MOST_MADE = 24
"""How often one user adds what stays: objects that cannot be deleted, work that writes, texts of an object."""
BEYOND = 2
"""How many pieces of work more than the stated limit are started at once."""
UNKNOWN_LIMIT = 3
"""The limit that is assumed where none is stated."""

Act = Callable[["VirtualUser"], None]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing that users do.

    Args:
        name: of it.
        weight: how often beside the others.
        act: does it.
    """

    name: str
    weight: int
    act: Act


def behaviours_of(abilities: Abilities, adapter: Adapter) -> tuple[Behaviour, ...]:
    """Return what users of this service do."""
    looking = _looking(abilities)
    found = [*_of_routes(abilities, adapter, looking), *_of_channels(abilities)]
    if looking is not None:
        found.append(Behaviour("look", 5, looking))
    if found and (rushed := _rushed(abilities)) is not None:
        found.append(Behaviour("rush", 2, _in_step(_twice(rushed))))
    found.append(Behaviour("reach for others' objects", 3, _reach(abilities)))
    reading = tuple(ability for ability in abilities.routes if not ability.changes)
    safe = abilities.which(lambda kind: kind.lists) or reading or abilities.routes
    credentials = sorted(adapter.sign_in.invalid)
    if credentials and safe:
        found.append(Behaviour("trespass", 1, _trespass(credentials, safe)))
    return tuple(found)


class Choice:
    """One user's choices.

    Args:
        behaviours: among which.
        random: the user's own.
    """

    def __init__(self, behaviours: Sequence[Behaviour], random: Random) -> None:
        self._random = random
        self._acts = [behaviour.act for behaviour in behaviours]
        self._weights = [behaviour.weight for behaviour in behaviours]
        # From the end: first of all a rush, while everybody is sure to be here.
        last = [behaviour for behaviour in behaviours if behaviour.name == "rush"]
        rest = [behaviour for behaviour in behaviours if behaviour.name != "rush"]
        self._opening = [behaviour.act for behaviour in [*random.sample(rest, len(rest)), *last]]

    def choose(self) -> Act:
        """Return what to do next."""
        return self._opening.pop() if self._opening else self._random.choices(self._acts, self._weights)[0]


def _of_routes(abilities: Abilities, adapter: Adapter, looking: Act | None) -> Iterator[Behaviour]:
    instead = looking or _nothing
    for ability in abilities.routes:
        semantics, name = ability.semantics, ability.name
        if semantics.starts is not None:
            yield from _of_work(abilities, adapter, ability, instead)
        elif semantics.makes:
            weight = 1 if semantics.makes in abilities.containers else 5
            yield Behaviour(name, weight, _make(ability, abilities.deleters.get(semantics.makes), instead))
        elif semantics.deletes:
            yield Behaviour(name, 1, _delete(ability))
        elif semantics.edits:
            yield Behaviour(name, 1, _ask(ability))
        elif ability.changes and not semantics.ends:
            yield Behaviour(name, 3 if semantics.texts else 1, _rarely(ability, instead))


def _of_work(abilities: Abilities, adapter: Adapter, ability: Ability, instead: Act) -> Iterator[Behaviour]:
    work, kind, name = ability.semantics.starts, ability.semantics.makes or "", ability.name
    assert work is not None, f"{name} starts work"
    if work.waits:
        if (ender := abilities.enders.get(kind)) is not None:
            yield Behaviour(name, 1, _flood(ability, ender, (adapter.runs_per_user or UNKNOWN_LIMIT) + BEYOND))
    elif work.writes or work.fails:
        yield Behaviour(name, 1, _then(_rarely(ability, instead), instead))
    else:
        yield Behaviour(name, 6 if work.repeats else 2, _twice(ability) if work.repeats else _ask(ability))
        if work.repeats and any(message.slots for message in abilities.subscribing):
            yield Behaviour(f"{name} elsewhere", 1, _elsewhere(ability, abilities.progress.get(kind)))


def _of_channels(abilities: Abilities) -> Iterator[Behaviour]:
    for ability in abilities.channels:
        if ability.slots:
            yield Behaviour(ability.name, 2, _watch(ability))
    for ability in abilities.messages:
        if not ability.semantics.subscribes:
            yield Behaviour(ability.name, 2, _rarely(ability, _nothing) if ability.semantics.texts else _ask(ability))


def _rushed(abilities: Abilities) -> Ability | None:
    """Return what users do at the same moment: what is shared shows where requests overlap."""
    starting = [ability for ability in abilities.routes if (work := ability.semantics.starts) and work.repeats]
    making = abilities.which(lambda kind: kind.makes and kind.texts and kind.starts is None)
    return next(iter([*starting, *making, *abilities.which(lambda kind: kind.texts), *abilities.routes]), None)


def _nothing(user: VirtualUser) -> None:
    pass


def _ask(ability: Ability) -> Act:
    return lambda user: user.ask(ability) and None


def _then(first: Act, second: Act) -> Act:
    def act(user: VirtualUser) -> None:
        first(user)
        second(user)

    return act


def _twice(ability: Ability) -> Act:
    """Do something twice; work that was started goes on at the same time."""
    return _then(_ask(ability), _ask(ability))


def _rarely(ability: Ability, instead: Act) -> Act:
    """Do something only so often, as what it adds stays."""

    def act(user: VirtualUser) -> None:
        if user.done[ability.name] < MOST_MADE:
            user.ask(ability)
        else:
            instead(user)

    return act


def _make(ability: Ability, deleter: Ability | None, instead: Act) -> Act:
    """Make an object, and delete the oldest when there are many."""
    if deleter is None:
        return _rarely(ability, instead)

    def act(user: VirtualUser) -> None:
        user.ask(ability)
        if len(user.belongings.of(deleter.semantics.takes or "")) > MOST_KEPT:
            _delete(deleter)(user)

    return act


def _delete(ability: Ability) -> Act:
    """Delete the oldest object, when there is another."""
    kind = ability.semantics.takes or ""

    def act(user: VirtualUser) -> None:
        disposable = user.belongings.disposable(kind)
        if len(disposable) > 1:
            _ask_of(user, ability, disposable[0])

    return act


def _looking(abilities: Abilities) -> Act | None:
    """List, search and read what is the user's own."""
    names = [ability for ability in abilities.routes if not ability.changes]
    return (lambda user: user.ask(user.random.choice(names)) and None) if names else None


def _in_step(rushed: Act) -> Act:
    """Wait for the moment at which the whole team does it.

    How long it takes is not measured: who acts in step waits for the others.
    """

    def act(user: VirtualUser) -> None:
        if user.cohort.stopping.wait(user.cohort.until_rush_s(user.user.number)):
            return
        user.rushing = True
        try:
            rushed(user)
        finally:
            user.rushing = False

    return act


def _elsewhere(ability: Ability, progress: Ability | None) -> Act:
    """Start work where the user does not hear of it, and ask how it goes."""

    def act(user: VirtualUser) -> None:
        objects = user.own(ability, another=True)
        if objects is None or (answer := user.ask(ability, objects)) is None or progress is None:
            return
        _ask_of(user, progress, made_by(ability.semantics, answer))

    return act


def _flood(ability: Ability, ender: Ability, count: int) -> Act:
    """Start more work than may go on at once, all of which waits, and end it."""

    def act(user: VirtualUser) -> None:
        answers = [user.ask(ability) for _ in range(count)]
        for answer in answers:
            _ask_of(user, ender, made_by(ability.semantics, answer))

    return act


def _ask_of(user: VirtualUser, ability: Ability, name: Value) -> None:
    """Ask for something of one object of the user's."""
    kind = ability.semantics.takes or ""
    if name in user.belongings.of(kind) and (objects := user.belongings.objects_with(ability.slots, kind, name)):
        user.ask(ability, objects)


def _watch(ability: Ability) -> Act:
    return lambda user: user.watch(ability)


def _reach(abilities: Abilities) -> Act:
    """Ask for another user's object by its id, and for one that nobody has; in the way that was tried the least."""
    known = {ability.name: ability for ability in (*abilities.routes, *abilities.channels, *abilities.messages)}

    def act(user: VirtualUser) -> None:
        own, shelf = user.user.number, user.cohort.shelf
        names = sorted(name for name, shown in shelf.items() if any(number != own for number, _ in shown))
        if not names:
            return
        ability = known[min(names, key=lambda name: (user.cohort.reached[name], user.random.random()))]
        user.cohort.reached[ability.name] += 1
        objects = user.random.choice([objects for number, objects in shelf[ability.name] if number != own])
        user.attempt(ability, objects)
        argument = ability.semantics.argument
        user.attempt(ability, {**objects, argument: nobodys_id(objects[argument], user.random)})

    return act


def _trespass(credentials: Sequence[Credential], safe: Sequence[Ability]) -> Act:
    """Ask under this user's name with a credential that is not valid."""
    return lambda user: user.trespass(user.random.choice(credentials), user.random.choice(safe))
