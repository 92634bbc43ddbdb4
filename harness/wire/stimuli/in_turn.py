"""Strictly one after the other: leaks through caches, class attributes and ids that come again need no concurrency."""

from __future__ import annotations

from harness.history.model import User
from harness.judging.checkers.interference import BYSTANDER_ASKS
from harness.scenario.program import Program
from harness.wire.stimuli.setting import Setting, one_by_one

USERS = 4


def in_turn(setting: Setting) -> Program:
    """Each user does everything, makes more and reads again, and only then the next; in the end all read once more."""
    users = setting.people(USERS)
    groups = []
    for user in range(len(users)):
        groups += [*setting.settled([user]), tuple(setting.ask(user, route) for route in setting.changing)]
        groups.append(setting.read_all([user]))
        groups += [tuple(setting.ask(user, route) for route in level) for level in setting.levels]
        groups.append(setting.read_all([user]))
    groups.append(setting.read_all(reversed(range(len(users)))))
    return setting.program("in-turn", users, one_by_one(groups))


def with_bystander(program: Program, setting: Setting) -> Program:
    """Return a stimulus at whose end somebody who has done nothing before does what works for one user alone.

    They ask three times, one request after the other, so what fails by chance now and then is no finding.
    """
    bystander = len(program.users)
    user = User(setting.first + bystander, "bystander")
    making = [tuple(setting.ask(bystander, route) for route in level) for level in setting.levels]
    other = tuple(setting.ask(bystander, route) for route in (*setting.changing, *setting.reading))
    coda = setting.program(program.name, (), one_by_one(BYSTANDER_ASKS * [*making, other]))
    return Program(program.name, (*program.users, user), program.steps + coda.steps)


def solo(setting: Setting) -> Program:
    """One user alone does everything once: what must work before anything can be said of many."""
    groups = [*setting.settled([0]), tuple(setting.ask(0, route) for route in setting.changing), setting.read_all([0])]
    groups.append(tuple(setting.ask(0, route) for route in reversed(setting.deleting)))
    return setting.program("solo", setting.people(1), one_by_one(groups))
