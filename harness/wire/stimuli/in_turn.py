"""Strictly one after the other: leaks through caches, class attributes and ids that come again need no concurrency."""

from __future__ import annotations

from harness.scenario.script import Script
from harness.wire.stimuli.setting import Setting, one_by_one

USERS = 4


def in_turn(setting: Setting) -> Script:
    """Each user does everything, makes more and reads again, and only then the next; in the end all read once more."""
    users = setting.people(USERS)
    waves = []
    for user in range(len(users)):
        waves += [*setting.settled([user]), tuple(setting.ask(user, route) for route in setting.changing)]
        waves.append(setting.read_all([user]))
        waves += [tuple(setting.ask(user, route) for route in level) for level in setting.levels]
        waves.append(setting.read_all([user]))
    waves.append(setting.read_all(reversed(range(len(users)))))
    return setting.script("in-turn", users, one_by_one(waves))


def solo(setting: Setting) -> Script:
    """One user alone does everything once: what must work before anything can be said of many."""
    waves = [*setting.settled([0]), tuple(setting.ask(0, route) for route in setting.changing), setting.read_all([0])]
    waves.append(tuple(setting.ask(0, route) for route in reversed(setting.deleting)))
    return setting.script("solo", setting.people(1), one_by_one(waves))
