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
