"""Signs in whoever takes part in a script.

Rules:

- Everybody has a name that nobody has had before on this service, but for a few that are what they are; see
  `harness.wire.stimuli.naming`.
- Names are confusable on purpose. A user who is turned away under one comes again under a plain one, of letters and
  digits, and is counted. Who is turned away under that, too, cannot sign in.
- Who asks in the name of a user, without a valid credential, has that user's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from harness.adapter.sign_in import Headers, SignIn, TurnedAway
from harness.history.model import Unreachable, User
from harness.wire.exchange import Exchange
from harness.wire.stimuli.naming import fresh


@dataclass(frozen=True, slots=True)
class Admitted:
    """Everybody who takes part.

    Args:
        users: under the names that the service knows.
        credentials: of each.
        renamed: how many were turned away under a confusable name.
    """

    users: tuple[User, ...]
    credentials: tuple[Headers, ...]
    renamed: int


async def admit(users: Sequence[User], sign_in: SignIn, exchange: Exchange, once: str) -> Admitted:
    """Sign everybody in.

    Args:
        users: of a script.
        sign_in: how they prove who they are.
        exchange: with the service.
        once: hexadecimal digits that nobody has had in a name before.

    Raises:
        Unreachable: somebody cannot sign in, or the service is gone.
    """
    plain: dict[int, str] = {}
    known, credentials = [], []
    for user in users:
        called = replace(user, name=plain.get(user.number) or fresh(user.name, once))
        try:
            given = await _signed_in(called, sign_in, exchange)
        except TurnedAway:
            plain[user.number] = f"u{user.number}x{once}"
            called = replace(user, name=plain[user.number])
            given = await _signed_in(called, sign_in, exchange)
        known.append(called)
        credentials.append(given)
    return Admitted(tuple(known), tuple(credentials), len(plain))


async def _signed_in(user: User, sign_in: SignIn, exchange: Exchange) -> Headers:
    try:
        headers = await sign_in.headers(user, exchange.client("user sign-in"))
    except httpx.HTTPError as error:
        await exchange.check()
        raise Unreachable(f"{user.id} could not sign in ({error!r}): see `sign_in` of the adapter") from error
    for name, value in headers.items():
        if not value.isascii() and not name.startswith("?"):
            raise Unreachable(
                f"{user.id} signs in with the header {name}: {value!r}, which is not ASCII, so no client could "
                "send it: have the adapter quote it (urllib.parse.quote), as your service's clients do"
            )
    return {name.lower(): value for name, value in headers.items()}
