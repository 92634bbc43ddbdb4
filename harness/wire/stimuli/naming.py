"""Users whose names a careless service takes for one another, for placeholders, or for more than one name."""

from __future__ import annotations

from harness.history.model import User
from harness.history.names import NUMBER, ONCE
from harness.scenario.program import Program
from harness.wire.stimuli.setting import Group, Setting, one_by_one

PAIRS = (
    ("{once}", "{once}:b"),
    ("{once}", "{once}/b"),
    ("{once}", "{once}_b"),
    ("org&{once}", "org${once}"),
    ("{once}.a", "{once}-a"),
    ("{once} a", "{once}a"),
    ("Alice{once}", "alice{once}"),
    ("{once}", "{once} "),
    ("{once}Zo\u00eb", "{once}Zoe\u0308"),
    ("{once}K", "{once}\u212a"),
    ("{once}a", "{once}\u0430"),
    ("{once}\u200b", "{once}"),
    ("{once}" + "x" * 300, "{once}" + "x" * 299 + "y"),
    ("0{once}", "{once}"),
    ("{number}", "0{number}"),
    ("{number}", "{number}.0"),
    ("", " "),
    ("null", "None"),
    ("{once}%2e", "{once}."),
)
"""Names that must stay two: joined with a separator, sanitised, folded, normalised, cut off, decoded twice, taken for
numbers, for no name at all, for a reserved word."""


def names(setting: Setting) -> Program | None:
    """Each pair does everything one after the other, then at once."""
    users: list[User] = []
    groups: list[Group] = []
    known: set[str] = set()
    for number, pair in enumerate(PAIRS):
        called = [_own(name, number) for name in pair]
        meant = {setting.same_name(name) for name in called}
        if len(meant) < len(pair) or meant & known:
            continue
        known |= meant
        first = len(users)
        users += [User(setting.first + first + place, name) for place, name in enumerate(called)]
        both = (first, first + 1)
        groups += [group for user in both for group in one_by_one(setting.settled([user]))]
        groups += one_by_one([setting.read_all(both)])
        groups += [tuple(setting.ask(user, route) for user in both for route in setting.carrying)]
        groups += [tuple(step for user in both for step in setting.say_all(user))]
        groups += [setting.read_all(both)]
    return setting.program("names", users, groups) if users else None


def _own(name: str, pair: int) -> str:
    """Return the name with something in it that no other pair has."""
    return name.replace(ONCE, f"{ONCE}{pair}").replace(NUMBER, f"{NUMBER}{pair}")
