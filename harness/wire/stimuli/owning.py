"""Everybody tries everybody else's objects by their ids, beside the owner's success and an id of nobody.

Every route, message and channel that takes an id is tried: by another user, and in the owner's name without a valid
credential. A channel must stay open for its owner, and be refused or closed to others. Of a route that takes several
ids each is swapped alone, too: a service may check the one and use the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.adapter.adapter import SESSION, Channel, Route
from harness.history.model import Operation
from harness.scenario.program import Program, Step
from harness.scenario.repertoire import missing
from harness.wire.stimuli.setting import Group, Setting, asking, one_by_one

USERS = 3
OWN, FOREIGN, MISSING = 1, 2, 3
"""Devices with which channels are tried; with the first of all each user listens to their own."""


def ids(setting: Setting) -> Program:
    """The owner succeeds, the other is refused, and nothing has changed for the owner."""
    users = setting.people(USERS)
    intruders = setting.intruders(users[0])
    groups: list[Group] = [*setting.settled(range(len(users)))]
    for owner in range(len(users)):
        groups += one_by_one(_tried(setting, owner, (owner + 1) % len(users)))
    groups += one_by_one(_intruded(setting, len(users), len(intruders)))
    return setting.program("ids", users + intruders, groups)


def _taking(setting: Setting) -> list[Route]:
    """Return the routes that work on an object; those that delete it last."""
    return sorted((route for route in setting.adapter.routes if route.slots), key=lambda route: bool(route.deletes))


def _own(setting: Setting, owner: int) -> Group:
    return tuple(setting.ask(owner, route) for route in _taking(setting) if not route.deletes)


def _tried(setting: Setting, owner: int, other: int) -> Iterator[Group]:
    yield _own(setting, owner)
    for route in _taking(setting):
        yield (setting.ask(other, route, owner), *_swapped(setting, route, owner, other))
        yield (_nobodys(setting.ask(other, route)),)
    yield _own(setting, owner)
    yield tuple(
        step for channel in setting.adapter.channels if channel.slots for step in _doors(setting, channel, owner, other)
    )
    yield tuple(setting.say_all(other, owner))
    yield tuple(setting.ask(owner, route) for route in setting.carrying)
    yield tuple(setting.say_all(owner))
    yield setting.read_all([owner, other])
    for route in setting.deleting:
        yield (setting.ask(owner, route),)
        yield tuple(setting.ask(user, reading, owner) for user in (owner, other) for reading in setting.reading)
    for level in setting.levels:
        yield tuple(setting.ask(owner, route) for route in level)


def _swapped(setting: Setting, route: Route, owner: int, other: int) -> Iterator[Step]:
    """Yield the steps in which one of several ids is the owner's, and the others are the asking user's own."""
    if len(route.slots) < 2:
        return
    own = setting.objects(route.slots, other)
    for slot in route.slots:
        yield asking(other, route.name, {**own, **setting.objects([slot], owner)})


def _doors(setting: Setting, channel: Channel, owner: int, other: int) -> Iterator[Step]:
    """Yield the steps in which the owner, another, and one who has made the id up each try to open a channel."""
    yield setting.open(owner, channel, device=OWN)
    yield setting.open(other, channel, owner, device=FOREIGN)
    yield _nobodys(setting.open(other, channel, device=MISSING))


def _nobodys(step: Step) -> Step:
    """Return the same step on an object that there is not; of several only the last, which is the innermost."""
    assert step.operation is not None
    objects = step.operation.objects
    last = [name for name in objects if name != SESSION][-1]
    return replace(step, operation=Operation(step.operation.name, {**objects, last: missing(last.partition(":")[0])}))


def _intruded(setting: Setting, first: int, count: int) -> Iterator[Group]:
    """Yield the groups in which each intruder tries everything, beside the first user's success."""
    routes = [route for route in setting.adapter.routes if not route.deletes]
    yield tuple(setting.ask(0, route) for route in routes)
    yield tuple(setting.open(0, channel, device=OWN) for channel in setting.adapter.channels)
    for intruder in range(first, first + count):
        yield tuple(setting.ask(intruder, route, owner=0) for route in [*routes, *setting.deleting])
        for channel in setting.adapter.channels:
            yield (setting.open(intruder, channel, owner=0),)
        yield tuple(setting.say_all(intruder, owner=0))
    yield tuple(setting.ask(0, route) for route in routes)
    yield tuple(setting.say_all(0))
