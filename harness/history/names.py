"""Names of users, for every suite."""

from __future__ import annotations

from harness.history.model import User

NAMES = (
    "alice",
    "Alice",
    "default_user",
    "registry-team",
    "org&a",
    "org$a",
    "u",
    "u_1",
    "u:1",
    "1",
    "a/b@example.org",
    "Zoë",
)
"""Legitimate user names that careless code takes for one another, for placeholders, or for more than one name."""


def people(count: int) -> tuple[User, ...]:
    """Return that many users, with confusable names."""
    return tuple(
        User(number, NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else f"-{number}"))
        for number in range(count)
    )


ONCE, NUMBER = "{once}", "{number}"
"""Become a text, and a number, that nobody has had in a name before on this service."""
AS_THEY_ARE = frozenset({"", " ", "null", "None"})
"""Names that are what they are: with anything added they would be others."""


def fresh(name: str, once: str) -> str:
    """Return a user's name as it is used on a service.

    Args:
        name: as in a program: with a placeholder, or without; then the text is put behind it.
        once: hexadecimal digits that nobody has had in a name before.
    """
    if name in AS_THEY_ARE:
        return name
    filled = name.replace(ONCE, once).replace(NUMBER, str(int(once, 16)))
    return filled if filled != name else f"{name}.{once}"
