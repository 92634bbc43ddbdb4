"""Many users at once: on connections of their own, on shared ones, in bursts, and in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from harness.scenario.program import Program, RequestOptions
from harness.wire.stimuli.setting import Group, Setting, one_by_one

SHARED = 2
"""TCP connections that all users share, as behind a reverse proxy."""
PER_USER = 2
"""Steps of one user in one busy group."""
BURSTS = (1, 2, 4, 8, 16, 32)
"""How many requests arrive at one instant."""
BEAT_S = 1.0
"""Between two requests of light use."""
FLOOD = 4
"""Steps of one user in one group of a volume."""


def crowd(setting: Setting) -> Program:
    """Everybody writes, reads and changes their own at once, again and again."""
    users = setting.people()
    everybody = range(len(users))
    groups = [*setting.settled(everybody)]
    groups += [
        tuple(setting.any_of(user) for user in everybody for _ in range(PER_USER)) for _ in range(setting.rounds)
    ]
    for route in setting.reading:
        groups.append(tuple(setting.ask(user, route) for user in everybody))
    return setting.program("crowd", users, groups)


def shared_connections(setting: Setting) -> Program:
    """Requests of all users come over the same few kept-alive connections, mixed."""
    users = setting.people()
    everybody = range(len(users))
    groups = [*setting.settled(everybody)]
    for number in range(setting.rounds):
        shared = [RequestOptions(connection=f"shared {(user + number) % SHARED}") for user in everybody]
        groups.append(tuple(setting.any_of(user, shared[user]) for user in everybody))
        groups.append(tuple(step for user in everybody for step in setting.read_all([user], shared[user])))
    return setting.program("shared-connections", users, groups)


def bursts(setting: Setting) -> Program:
    """Requests arrive when they do, not when the last was answered: some alone, some many at one instant."""
    users = setting.people()
    groups = [*setting.settled(range(len(users)))]
    groups += [_arrivals(setting, len(users)) for _ in range(setting.rounds)]
    return setting.program("bursts", users, groups)


def _arrivals(setting: Setting, users: int) -> Group:
    steps, at_s = [], 0.0
    for size in setting.random.sample(BURSTS, len(BURSTS)):
        at_s += setting.random.expovariate(1 / max(setting.rtt_s, 0.001))
        route = setting.random.choice(list(setting.reading) or list(setting.adapter.routes))
        first = setting.random.randrange(users)
        steps += [setting.ask((first + n) % users, route, how=RequestOptions(at_s=at_s)) for n in range(size)]
    return tuple(steps)


def volume(setting: Setting) -> Program:
    """So many short requests that ids, addresses and counters come again, half of them once caches are warm."""
    users = setting.people()
    everybody = range(len(users))
    groups: list[Group] = [*setting.settled(everybody), *_flood(setting, len(users))]
    if setting.warm_up_s:
        groups.append(_light_use(setting, len(users)))
    groups += _flood(setting, len(users))
    groups += one_by_one([setting.read_all(everybody)])
    return setting.program("volume", users, groups)


def _light_use(setting: Setting, users: int) -> Group:
    count = max(1, round(setting.warm_up_s / BEAT_S))
    beat_s = setting.warm_up_s / count
    return tuple(setting.any_of(n % users, RequestOptions(at_s=beat_s * (n + 1))) for n in range(count))


def _flood(setting: Setting, users: int) -> Iterator[Group]:
    left = setting.volume // 2
    while left > 0:
        yield tuple(setting.any_of(user) for user in range(users) for _ in range(FLOOD))
        left -= users * FLOOD
