"""Clients that behave badly: they hang up, read slowly, close one direction, connect again under another's session."""

from __future__ import annotations

from harness.adapter.adapter import Channel
from harness.scenario.script import Act, Deed, Manner, Reading, Script, Wave
from harness.wire.stimuli.setting import Setting

MOMENTS = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.5)
"""When a client hangs up, in usual round-trip times after sending."""


def hang_ups(setting: Setting) -> Script:
    """Half of the users hang up around the time of their answer, or read badly; all others only read."""
    users = setting.people()
    everybody = range(len(users))
    leaving, staying = everybody[::2], everybody[1::2]
    waves: list[Wave] = [*setting.settled(everybody)]
    for number in range(2 * setting.rounds):
        acts = [setting.any_of(user, _badly(setting, number + user)) for user in leaving]
        acts += [setting.any_of(user) for user in staying]
        waves.append(tuple(acts))
        route = setting.random.choice(list(setting.reading) or list(setting.adapter.routes))
        waves.append(tuple(setting.ask(user, route) for user in everybody))
    return setting.script("hang-ups", users, waves)


def _badly(setting: Setting, number: int) -> Manner:
    match number % 6:
        case 3:
            return Manner(reading=Reading.BEGINNING)
        case 4:
            return Manner(reading=Reading.SLOWLY)
        case 5:
            return Manner(half_closed=True)
        case _:
            return Manner(hang_up_s=setting.random.choice(MOMENTS) * setting.rtt_s)


def reconnects(setting: Setting) -> Script | None:
    """Each channel is opened again: with one session and event id by two users, on two devices, and while it closes."""
    if not setting.adapter.channels:
        return None
    users = setting.people(4)
    waves: list[Wave] = []
    for level in setting.levels:
        waves.append(tuple(setting.ask(user, route) for user in range(len(users)) for route in level))
    for first in range(len(users)):
        second = (first + 1) % len(users)
        for channel in setting.adapter.channels:
            waves += _taken_over(setting, channel, first, second)
    return setting.script("reconnects", users, waves)


def _taken_over(setting: Setting, channel: Channel, first: int, second: int) -> list[Wave]:
    session = f"{channel.name}.{setting.first + first}"

    def opened(user: int, after: int | None = None) -> Act:
        return setting.open(user, channel, session=session, after=after)

    def closed(user: int, device: int = 0) -> Act:
        return Act(Deed.CLOSE, user, channel.name, device=device)

    def written(user: int) -> list[Act]:
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
