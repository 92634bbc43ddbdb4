"""Users whose names a careless service takes for one another, for placeholders, or for more than one name."""

from __future__ import annotations

from harness.history.model import User
from harness.scenario.script import Script
from harness.wire.stimuli.setting import Setting, one_by_one

ONCE, NUMBER = "{once}", "{number}"
"""Become a text, and a number, that nobody has had in a name before on this service."""
AS_THEY_ARE = frozenset({"", " ", "null", "None"})
"""Names that are what they are: with anything added they would be others."""
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


def fresh(name: str, once: str) -> str:
    """Return a user's name as it is used on a service.

    Args:
        name: as in a script: with a placeholder, or without; then the text is put behind it.
        once: hexadecimal digits that nobody has had in a name before.
    """
    if name in AS_THEY_ARE:
        return name
    filled = name.replace(ONCE, once).replace(NUMBER, str(int(once, 16)))
    return filled if filled != name else f"{name}.{once}"


def names(setting: Setting) -> Script:
    """Each pair does everything one after the other, then at once."""
    users: list[User] = []
    waves = []
    for number, pair in enumerate(PAIRS):
        if setting.adapter.same_name(pair[0]) == setting.adapter.same_name(pair[1]):
            continue
        first = len(users)
        users += [User(setting.first + first + place, _own(name, number)) for place, name in enumerate(pair)]
        both = (first, first + 1)
        waves += [wave for user in both for wave in one_by_one(setting.settled([user]))]
        waves += one_by_one([setting.read_all(both)])
        waves += [tuple(setting.ask(user, route) for user in both for route in setting.carrying)]
        waves += [tuple(act for user in both for act in setting.say_all(user))]
        waves += [setting.read_all(both)]
    return setting.script("names", users, waves)


def _own(name: str, pair: int) -> str:
    """Return the name with something in it that no other pair has."""
    return name.replace(ONCE, f"{ONCE}{pair}").replace(NUMBER, f"{NUMBER}{pair}")
