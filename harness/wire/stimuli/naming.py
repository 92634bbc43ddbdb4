"""Users whose names a careless service takes for one another, for placeholders, or for more than one name."""

from __future__ import annotations

from harness.model import User
from harness.script import Script
from harness.wire.stimuli.setting import Setting, one_by_one

ONCE = "{once}"
"""Becomes a text that nobody has had before on this service."""
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
    ("{once}null", "{once}None"),
    ("{once}%2e", "{once}."),
)
"""Names that must stay two: joined with a separator, sanitised, folded, normalised, cut off, decoded twice."""


def names(setting: Setting) -> Script:
    """Each pair does everything one after the other, then at once."""
    users: list[User] = []
    waves = []
    for number, pair in enumerate(PAIRS):
        if setting.adapter.same_name(pair[0]) == setting.adapter.same_name(pair[1]):
            continue
        first = len(users)
        own = f"{ONCE}{number}"
        users += [User(setting.first + first + place, name.replace(ONCE, own)) for place, name in enumerate(pair)]
        both = (first, first + 1)
        waves += [wave for user in both for wave in one_by_one(setting.settled([user]))]
        waves += one_by_one([setting.read_all(both)])
        waves += [tuple(setting.ask(user, route) for user in both for route in setting.carrying)]
        waves += [tuple(act for user in both for act in setting.say_all(user))]
        waves += [setting.read_all(both)]
    return setting.script("names", users, waves)
