"""What stimuli are made of: who takes part, and the acts that every service allows.

Rules:

- Acts name users by their position; a valid user's number is `first` more than that. No two stimuli have a number in
  common, so that a mark of one is known in the next: a cache keeps what it has.
- An object is asked for by symbol; which one exists is found out when the script is performed.
- Users sign in under names that nobody has had before, as `naming.fresh` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from harness.adapter.adapter import LAST_EVENT, Adapter, Channel, Route
from harness.history.model import Credential, User
from harness.history.names import NAMES
from harness.scenario.script import USUAL, Act, Deed, Manner, Script, Wave


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a stimulus is fitted to.

    Args:
        adapter: of the service.
        users: at once, at most.
        rounds: how often the busy waves are repeated.
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
        """Return that many valid users, with confusable names."""
        count = self.users if count is None else min(count, self.users)
        return tuple(User(self.first + place, NAMES[place % len(NAMES)]) for place in range(count))

    def intruders(self, first: User) -> tuple[User, ...]:
        """Return everybody who asks in the name of the first user, without a valid credential."""
        return tuple(User(first.number, first.name, credential) for credential in sorted(self.adapter.sign_in.invalid))

    # Routes, by what they do

    @cached_property
    def levels(self) -> Sequence[Sequence[Route]]:
        """The routes that make something: those of a level need objects of the levels before only."""
        left = [route for route in self.adapter.routes if route.makes]
        known: set[str] = set()
        levels: list[list[Route]] = []
        while level := [route for route in left if {slot.kind for slot in route.slots} <= known]:
            levels.append(level)
            known |= {route.makes for route in level}
            left = [route for route in left if route not in level]
        return levels

    @cached_property
    def reading(self) -> Sequence[Route]:
        """The routes that change nothing."""
        return [route for route in self.adapter.routes if route.reads and not route.makes]

    @cached_property
    def changing(self) -> Sequence[Route]:
        """The routes that change something, and neither make nor delete it."""
        return [r for r in self.adapter.routes if not r.reads and not r.makes and not r.deletes]

    @cached_property
    def deleting(self) -> Sequence[Route]:
        """The routes that delete."""
        return [route for route in self.adapter.routes if route.deletes]

    @cached_property
    def carrying(self) -> Sequence[Route]:
        """The routes that bring a user's text in, and change something."""
        return [route for route in self.adapter.routes if route.carries and not route.reads]

    # Acts

    def object(self, kind: str, owner: int, nth: int = -1) -> str:
        """Return the symbol of an object of this owner."""
        return f"${kind}:{self.first + owner}:{nth}"

    def ask(self, user: int, route: Route, owner: int | None = None, nth: int = -1, manner: Manner = USUAL) -> Act:
        """Return the act in which a user asks a route, on an object of the owner, or on their own."""
        owner = user if owner is None else owner
        given = {slot.name: self.object(slot.kind, owner, nth) for slot in route.slots}
        return Act(Deed.ASK, user, route.name, given, manner)

    def open(
        self,
        user: int,
        channel: Channel,
        owner: int | None = None,
        session: str = "",
        device: int = 0,
        deed: Deed = Deed.OPEN,
        after: int | None = None,
    ) -> Act:
        """Return the act in which a user opens a channel.

        Args:
            user, channel: who, and which.
            owner: of the objects that it is opened on; the user's own when left out.
            session: names the id that the client chooses.
            device: which of the user's own.
            deed: OPEN or ATTEMPT.
            after: the user whose last event the client says it has seen; None says nothing.
        """
        given = {slot.name: self.object(slot.kind, user if owner is None else owner) for slot in channel.slots}
        if channel.has_session:
            given["session"] = f"$session:{session or f'{self.first + user}.{device}'}"
        if after is not None and channel.protocol == "sse":
            given[LAST_EVENT] = self.object(events_of(channel), after)
        return Act(deed, user, channel.name, given, device=device)

    def say_all(self, user: int, owner: int | None = None) -> list[Act]:
        """Return the acts in which a user says every message of every channel, on an object of the owner."""
        owner = user if owner is None else owner
        return [
            Act(Deed.SAY, user, message.name, {slot.name: self.object(slot.kind, owner) for slot in message.slots})
            for channel in self.adapter.channels
            for message in channel.messages
        ]

    def open_all(self, users: Iterable[int]) -> list[Act]:
        """Return the acts in which each user opens every channel."""
        return [self.open(user, channel) for user in users for channel in self.adapter.channels]

    def any_of(self, user: int, manner: Manner = USUAL) -> Act:
        """Return something that a user does: reads half of the time, else writes."""
        making = [route for level in self.levels for route in level]
        drawn = self.random.random()
        routes = self.reading if drawn < 0.5 else making if drawn < 0.8 else self.changing
        route = self.random.choice(list(routes) or making or list(self.adapter.routes))
        return self.ask(user, route, nth=self.random.choice((-1, -1, 0)), manner=manner)

    # Waves

    def settled(self, users: Sequence[int]) -> Iterator[Wave]:
        """Yield the waves after which each user has an object of every kind, and every channel open on it."""
        for level in self.levels:
            yield tuple(self.ask(user, route) for user in users for route in level)
        if self.adapter.channels:
            yield tuple(self.open_all(users))
            yield tuple(act for user in users for act in self.say_all(user))

    def read_all(self, users: Iterable[int], manner: Manner = USUAL) -> Wave:
        """Return the wave in which everybody reads everything of their own."""
        return tuple(self.ask(user, route, manner=manner) for user in users for route in self.reading)

    def script(self, stimulus: str, users: Sequence[User], waves: Iterable[Wave]) -> Script:
        """Return the script of these waves, the empty ones left out."""
        return Script(stimulus=stimulus, users=tuple(users), waves=tuple(wave for wave in waves if wave))


def events_of(channel: Channel) -> str:
    """Return the kind of object that the events of a channel are."""
    return f"event@{channel.name}"


def one_by_one(waves: Iterable[Wave]) -> Iterator[Wave]:
    """Yield every act in a wave of its own."""
    for wave in waves:
        for act in wave:
            yield (act,)


def is_valid(user: User) -> bool:
    """Return whether a user has a valid credential."""
    return user.credential is Credential.VALID
