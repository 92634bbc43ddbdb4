"""Names of users, for every suite."""

from __future__ import annotations

from collections.abc import Callable

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
MOST_TRIED = 10
"""So many times as many names are tried as there are users."""


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


def people(count: int, same_name: Callable[[str], str] = str) -> tuple[User, ...]:
    """Return that many users, with confusable names, of which no two come to the same.

    Args:
        count: how many.
        same_name: what a service makes of a user's name before it compares.

    Raises:
        ValueError: it takes so many names for one that there are not as many users.
    """
    names: dict[str, str] = {}
    for number in range(MOST_TRIED * (count + len(NAMES))):
        if len(names) == count:
            break
        name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else f"-{number}")
        names.setdefault(same_name(name), name)
    if len(names) < count:
        raise ValueError(f"same_name leaves {len(names)} users of {count}: the service takes the others for these")
    return tuple(User(number, name) for number, name in enumerate(names.values()))
