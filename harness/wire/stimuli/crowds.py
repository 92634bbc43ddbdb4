"""Many users at once: on connections of their own, on shared ones, in bursts, and in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from harness.scenario.script import Manner, Script, Wave
from harness.wire.stimuli.setting import Setting, one_by_one

SHARED = 2
"""TCP connections that all users share, as behind a reverse proxy."""
PER_USER = 2
"""Acts of one user in one busy wave."""
BURSTS = (1, 2, 4, 8, 16, 32)
"""How many requests arrive at one instant."""
BEAT_S = 1.0
"""Between two requests of light use."""
FLOOD = 4
"""Acts of one user in one wave of a volume."""


def crowd(setting: Setting) -> Script:
    """Everybody writes, reads and changes their own at once, again and again."""
    users = setting.people()
    everybody = range(len(users))
    waves = [*setting.settled(everybody)]
    waves += [tuple(setting.any_of(user) for user in everybody for _ in range(PER_USER)) for _ in range(setting.rounds)]
    for route in setting.reading:
        waves.append(tuple(setting.ask(user, route) for user in everybody))
    return setting.script("crowd", users, waves)


def shared_connections(setting: Setting) -> Script:
    """Requests of all users come over the same few kept-alive connections, mixed."""
    users = setting.people()
    everybody = range(len(users))
    waves = [*setting.settled(everybody)]
    for number in range(setting.rounds):
        shared = [Manner(connection=f"shared {(user + number) % SHARED}") for user in everybody]
        waves.append(tuple(setting.any_of(user, shared[user]) for user in everybody))
        waves.append(tuple(act for user in everybody for act in setting.read_all([user], shared[user])))
    return setting.script("shared-connections", users, waves)


def bursts(setting: Setting) -> Script:
    """Requests arrive when they do, not when the last was answered: some alone, some many at one instant."""
    users = setting.people()
    waves = [*setting.settled(range(len(users)))]
    waves += [_arrivals(setting, len(users)) for _ in range(setting.rounds)]
    return setting.script("bursts", users, waves)


def _arrivals(setting: Setting, users: int) -> Wave:
    acts, at_s = [], 0.0
    for size in setting.random.sample(BURSTS, len(BURSTS)):
        at_s += setting.random.expovariate(1 / max(setting.rtt_s, 0.001))
        route = setting.random.choice(list(setting.reading) or list(setting.adapter.routes))
        first = setting.random.randrange(users)
        acts += [setting.ask((first + n) % users, route, manner=Manner(at_s=at_s)) for n in range(size)]
    return tuple(acts)


def volume(setting: Setting) -> Script:
    """So many short requests that ids, addresses and counters come again, half of them once caches are warm."""
    users = setting.people()
    everybody = range(len(users))
    waves: list[Wave] = [*setting.settled(everybody), *_flood(setting, len(users))]
    if setting.warm_up_s:
        waves.append(_light_use(setting, len(users)))
    waves += _flood(setting, len(users))
    waves += one_by_one([setting.read_all(everybody)])
    return setting.script("volume", users, waves)


def _light_use(setting: Setting, users: int) -> Wave:
    count = max(1, round(setting.warm_up_s / BEAT_S))
    beat_s = setting.warm_up_s / count
    return tuple(setting.any_of(n % users, Manner(at_s=beat_s * (n + 1))) for n in range(count))


def _flood(setting: Setting, users: int) -> Iterator[Wave]:
    left = setting.volume // 2
    while left > 0:
        yield tuple(setting.any_of(user) for user in range(users) for _ in range(FLOOD))
        left -= users * FLOOD
