"""Which users a load process has: no two of a run have one number or one name."""

from __future__ import annotations

from harness.history.model import User
from harness.history.names import NAMES

USERS_PER_PROCESS = 10_000
"""Numbers that one load process may give to its users; a canary can name 167 such processes."""


class TooManyUsers(Exception):
    """A process has no number left: the next one is another process's. Says what to do."""

    def __init__(self) -> None:
        super().__init__(
            f"a process enrolled more than {USERS_PER_PROCESS:,} users over all chapters, and two users with one "
            "number would hide a leak: give more --processes, fewer users, or a longer --isolation-chapter"
        )


def principal(process: int, nth: int, run: str) -> User:
    """Return a user of a load run.

    Args:
        process: number of the process, from 0.
        nth: among the users of that process over all chapters, from 0.
        run: keeps the users of different runs on one lasting target apart.

    Raises:
        TooManyUsers: the process has no such number.
    """
    if nth >= USERS_PER_PROCESS:
        raise TooManyUsers
    number = process * USERS_PER_PROCESS + nth
    return User(number, f"{NAMES[number % len(NAMES)]}-{number // len(NAMES)}.{run}")
