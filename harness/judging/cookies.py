"""Whose cookie an answer sets: the credentials that a service gave a user when they signed in are theirs alone.

Rules:

- A value is a user's where no other user was given it, and where it is too long to be chosen from a few: a language or
  the name of a server says nothing.
- Histories hold digests of credentials, never credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie

from harness.history.model import Event, EventKind, UserId
from harness.judging.ownership import Bounded

SHORTEST = 16
"""Characters of a value that can be a credential."""


def digest_of(value: str) -> str:
    """Return what stands in a history for a credential."""
    return blake2b(value.encode(), digest_size=16).hexdigest()


def values_in(cookies: str) -> Iterator[str]:
    """Yield the values in a `Cookie` or a `Set-Cookie` header that can be credentials."""
    parsed = SimpleCookie()
    try:
        parsed.load(cookies)
    except CookieError:
        return
    yield from (morsel.value for morsel in parsed.values() if len(morsel.value) >= SHORTEST)


class Cookies:
    """Knows the cookies of every user who has signed in."""

    __slots__ = ("_owners",)

    def __init__(self) -> None:
        self._owners: Bounded[str, frozenset[UserId]] = Bounded()

    def signed_in(self, event: Event) -> None:
        """Take in that a user has signed in."""
        for digest in event.value["cookies"]:
            self._owners.set(digest, (self._owners.get(digest) or frozenset()) | {event.value["user"]})

    def owner_of(self, event: Event) -> UserId | None:
        """Return another user, one of whose cookies an answer sets; None when it sets nobody else's.

        What is pushed is no answer, whatever a service calls the parts of its frames.
        """
        answered = event.kind is not EventKind.PUSH and isinstance(event.value, dict)
        headers = event.value.get("headers", ()) if answered else ()
        for value in (value for name, cookie in headers if name == "set-cookie" for value in values_in(cookie)):
            owners = self._owners.get(digest_of(value)) or frozenset()
            if len(owners) == 1 and event.user not in owners:
                return next(iter(owners))
        return None
