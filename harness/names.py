"""Names of users, for every suite."""

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
