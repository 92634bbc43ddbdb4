"""Clients that behave badly: they hang up, read slowly, close one direction, connect again under another's session."""

from __future__ import annotations

from harness.adapter.adapter import Channel
from harness.history.model import Operation
from harness.scenario.program import Do, Program, Reading, RequestOptions, Step
from harness.wire.stimuli.setting import Group, Setting

MOMENTS = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.5)
"""When a client hangs up, in usual round-trip times after sending."""


def hang_ups(setting: Setting) -> Program:
    """Half of the users hang up around the time of their answer, or read badly; all others only read.

    Then they hang up on each route in turn, so that of every pool behind one more places are left than by chance.
    """
    users = setting.people()
    everybody = range(len(users))
    leaving, staying = everybody[::2], everybody[1::2]
    groups: list[Group] = [*setting.settled(everybody)]
    for number in range(2 * setting.rounds):
        steps = [setting.any_of(user, _badly(setting, number + user)) for user in leaving]
        steps += [setting.any_of(user) for user in staying]
        groups.append(tuple(steps))
        route = setting.random.choice(list(setting.reading) or list(setting.adapter.routes))
        groups.append(tuple(setting.ask(user, route) for user in everybody))
    for route in (*(route for level in setting.levels for route in level), *setting.changing, *setting.reading):
        for _ in range(setting.rounds):
            leaves = RequestOptions(hang_up_s=setting.random.choice(MOMENTS) * setting.rtt_s)
            groups.append(tuple(setting.ask(user, route, how=leaves) for user in leaving))
    return setting.program("hang-ups", users, groups)


def _badly(setting: Setting, number: int) -> RequestOptions:
    match number % 6:
        case 3:
            return RequestOptions(reading=Reading.BEGINNING)
        case 4:
            return RequestOptions(reading=Reading.SLOWLY)
        case 5:
            return RequestOptions(half_closed=True)
        case _:
            return RequestOptions(hang_up_s=setting.random.choice(MOMENTS) * setting.rtt_s)


def reconnects(setting: Setting) -> Program | None:
    """Each channel is opened again: with one session and event id by two users, on two devices, and while it closes."""
    if not setting.adapter.channels:
        return None
    users = setting.people(4)
    groups: list[Group] = []
    for level in setting.levels:
        groups.append(tuple(setting.ask(user, route) for user in range(len(users)) for route in level))
    for first in range(len(users)):
        second = (first + 1) % len(users)
        for channel in setting.adapter.channels:
            groups += _taken_over(setting, channel, first, second)
    return setting.program("reconnects", users, groups)


def _taken_over(setting: Setting, channel: Channel, first: int, second: int) -> list[Group]:
    session = f"{channel.name}.{setting.first + first}"

    def opened(user: int, after: int | None = None) -> Step:
        return setting.open(user, channel, session=session, after=after)

    def closed(user: int, device: int = 0) -> Step:
        return Step(Do.DISCONNECT, user, Operation(channel.name), device)

    def written(user: int) -> list[Step]:
        return [setting.ask(user, route) for route in setting.carrying] + setting.say_all(user)

    return [
        (opened(first),),
        tuple(written(first)),
        (closed(first),),
        tuple(written(first)),
        (opened(second, after=first),),
        tuple(written(second)),
        (opened(first, after=first), setting.open(first, channel, session=f"{session}.other", device=1)),
        (*written(first), *written(second)),
        (closed(first), closed(second), opened(first), opened(second), *written(first)),
        tuple(written(second)),
    ]
