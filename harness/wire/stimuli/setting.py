"""What stimuli are made of: who takes part, and the steps that every service allows.

Rules:

- A stimulus is a program in groups of steps: those of a group are done at once, each at its own moment after the last
  group has ended; a JOIN ends it.
- Steps name users by their position; a valid user's number is `first` more than that. No two stimuli have a number in
  common, so that a mark of one is known in the next: a cache keeps what it has.
- An object is asked for by symbol; which one exists is found out when the program is performed.
- Users sign in under names that nobody has had before, as `harness.history.names.fresh` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random

from harness.adapter.adapter import LAST_EVENT, SESSION, Adapter, Channel, Route
from harness.adapter.placeholders import Slot
from harness.history.model import Operation, User
from harness.history.names import fresh, people
from harness.history.semantics import Semantics
from harness.scenario.program import USUAL, Do, Program, RequestOptions, Step
from harness.scenario.repertoire import levels_of, symbol

Group = tuple[Step, ...]
"""Steps that are done at once."""
JOIN = Step(Do.JOIN)
ONCE = "5eed5eed"
"""Stands for what makes names those of one performance, where they are compared before there is one."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a stimulus is fitted to.

    Args:
        adapter: of the service.
        users: at once, at most.
        rounds: how often the busy groups are repeated.
        volume: how many short requests make a volume.
        warm_up_s: how long there is light use only, in the middle of it.
        rtt_s: how long an answer of the service usually takes.
        first: number of the first user.
        seed: of every choice.
    """

    adapter: Adapter
    users: int
    rounds: int
    volume: int
    warm_up_s: float
    rtt_s: float
    first: int
    seed: int
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        """Begin the choices anew: a stimulus does the same whatever came before it."""
        object.__setattr__(self, "random", Random(self.seed))

    def people(self, count: int | None = None) -> tuple[User, ...]:
        """Return that many valid users, with confusable names, of which the service takes no two for one."""
        count = self.users if count is None else min(count, self.users)
        return tuple(replace(user, number=self.first + user.number) for user in people(count, self.same_name))

    def same_name(self, name: str) -> str:
        """Return what the service makes of a user's name before it compares, under which they sign in."""
        return self.adapter.same_name(fresh(name, ONCE))

    def intruders(self, first: User) -> tuple[User, ...]:
        """Return everybody who asks in the name of the first user, without a valid credential."""
        return tuple(replace(first, credential=credential) for credential in sorted(self.adapter.sign_in.invalid))

    # Routes, by what they do

    @cached_property
    def levels(self) -> Sequence[Sequence[Route]]:
        """The routes that make something: those of a level need objects of the levels before only."""
        making = [route.semantics for route in self.adapter.routes if route.makes]
        return [[self.adapter.route(semantics.name) for semantics in level] for level in levels_of(making)]

    @cached_property
    def reading(self) -> Sequence[Route]:
        """The routes that change nothing."""
        return [route for route in self.adapter.routes if route.reads and not route.makes]

    @cached_property
    def changing(self) -> Sequence[Route]:
        """The routes that change something, and neither make nor delete it."""
        return [route for route in self.adapter.routes if not (route.reads or route.makes or self._deletes(route))]

    @cached_property
    def deleting(self) -> Sequence[Route]:
        """The routes that delete."""
        return [route for route in self.adapter.routes if self._deletes(route)]

    @cached_property
    def carrying(self) -> Sequence[Route]:
        """The routes that bring a user's text in, and change something."""
        return [route for route in self.adapter.routes if route.carries and not route.reads]

    @cached_property
    def _known(self) -> Mapping[str, Semantics]:
        return self.adapter.promises.operations

    def _deletes(self, route: Route) -> bool:
        """Return whether a route deletes: stated, or inferred from its request."""
        return self._known[route.name].deletes

    # Steps

    def objects(self, slots: Iterable[Slot], owner: int, nth: int = -1) -> dict[str, str]:
        """Return the symbols of the owner's objects, by argument."""
        return {slot.name: symbol(slot.kind, self.first + owner, nth) for slot in slots}

    def ask(
        self, user: int, route: Route, owner: int | None = None, nth: int = -1, how: RequestOptions = USUAL
    ) -> Step:
        """Return the step in which a user asks a route, on an object of the owner, or on their own."""
        return asking(user, route.name, self.objects(route.slots, user if owner is None else owner, nth), how=how)

    def open(
        self,
        user: int,
        channel: Channel,
        owner: int | None = None,
        session: str = "",
        device: int = 0,
        after: int | None = None,
    ) -> Step:
        """Return the step in which a user opens a channel.

        Args:
            user, channel: who, and which.
            owner: of the objects that it is opened on; the user's own when left out.
            session: names the id that the client chooses.
            device: which of the user's own.
            after: the user whose last event the client says it has seen; None says nothing.
        """
        objects = self.objects(channel.slots, user if owner is None else owner)
        if channel.has_session:
            objects[SESSION] = f"$session:{session or f'{self.first + user}.{device}'}"
        if after is not None and channel.protocol == "sse":
            objects[LAST_EVENT] = symbol(f"event@{channel.name}", self.first + after, -1)
        return asking(user, channel.name, objects, device=device)

    def say_all(self, user: int, owner: int | None = None) -> list[Step]:
        """Return the steps in which a user says every message of every channel, on an object of the owner."""
        owner = user if owner is None else owner
        return [
            asking(user, message.name, self.objects(message.slots, owner))
            for channel in self.adapter.channels
            for message in channel.messages
        ]

    def open_all(self, users: Iterable[int]) -> list[Step]:
        """Return the steps in which each user opens every channel."""
        return [self.open(user, channel) for user in users for channel in self.adapter.channels]

    def any_of(self, user: int, how: RequestOptions = USUAL) -> Step:
        """Return something that a user does: reads half of the time, else writes."""
        making = [route for level in self.levels for route in level]
        drawn = self.random.random()
        routes = self.reading if drawn < 0.5 else making if drawn < 0.8 else self.changing
        route = self.random.choice(list(routes) or making or list(self.adapter.routes))
        return self.ask(user, route, nth=self.random.choice((-1, -1, 0)), how=how)

    # Groups

    def settled(self, users: Sequence[int]) -> Iterator[Group]:
        """Yield the groups after which each user has an object of every kind, and every channel open on it."""
        for level in self.levels:
            yield tuple(self.ask(user, route) for user in users for route in level)
        if self.adapter.channels:
            yield tuple(self.open_all(users))
            yield tuple(step for user in users for step in self.say_all(user))

    def read_all(self, users: Iterable[int], how: RequestOptions = USUAL) -> Group:
        """Return the group in which everybody reads everything of their own."""
        return tuple(self.ask(user, route, how=how) for user in users for route in self.reading)

    def program(self, stimulus: str, users: Sequence[User], groups: Iterable[Group]) -> Program:
        """Return the program of these groups, the empty ones left out."""
        steps = (step for group in groups if group for step in (*group, JOIN))
        return Program(stimulus, tuple(users), tuple(steps))


def asking(user: int, name: str, objects: Mapping[str, str], *, device: int = 0, how: RequestOptions = USUAL) -> Step:
    """Return the step in which a user asks an operation on these objects."""
    return Step(Do.ASK, user, Operation(name, objects), device, how=how)


def one_by_one(groups: Iterable[Group]) -> Iterator[Group]:
    """Yield every step in a group of its own."""
    for group in groups:
        for step in group:
            yield (step,)
