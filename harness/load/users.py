"""Which users a load process has: no two of a run have one number or one name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.history.model import User
from harness.history.names import NAMES

USERS_PER_PROCESS = 10_000
"""Numbers that one load process may give to its users; a canary can name 167 such processes."""


class TooManyUsers(Exception):
    """A process has no number left: the next one is another process's. Says what to do."""

    def __init__(self) -> None:
        super().__init__(
            f"a process enrolled more than {USERS_PER_PROCESS:,} users over all its histories, and two users with one "
            "number would hide a leak: give more --processes, fewer users, or a longer --isolation-history-s"
        )


def distinct_names(same_name: Callable[[str], str]) -> tuple[str, ...]:
    """Return the confusable names that the service takes for different ones; see `Adapter.same_name`."""
    return tuple({same_name(name): name for name in reversed(NAMES)}.values())


def load_user(process: int, nth: int, run: str, names: Sequence[str] = NAMES) -> User:
    """Return a user of a load run.

    Args:
        process: number of the process, from 0.
        nth: among the users of that process over all histories, from 0.
        run: keeps the users of different runs on one lasting target apart.
        names: what users are called.

    Raises:
        TooManyUsers: the process has no such number.
    """
    if nth >= USERS_PER_PROCESS:
        raise TooManyUsers
    number = process * USERS_PER_PROCESS + nth
    return User(number, f"{names[number % len(names)]}-{number // len(names)}.{run}")


def plainly_named(user: User, run: str) -> User:
    """Return the user under a name of letters and digits, for services that do not take the other."""
    return replace(user, name=f"u{user.number}x{run}")
