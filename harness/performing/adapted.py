"""A target made of an adapter and a transport.

Everybody signs in before anything else is asked, under a name that nobody has had before, unless the target starts
empty each time. Names may be confusable: who is turned away under one comes again under a plain one, and is counted.
An intruder who is turned away under both is refused whatever they ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from secrets import token_hex

import httpx

from harness.adapter.adapter import Adapter
from harness.adapter.sign_in import Headers, TurnedAway
from harness.history.model import Credential, OnPush, Refused, Unreachable, User, UserId, Value
from harness.history.names import fresh
from harness.judging.cookies import digest_of, values_in
from harness.performing.adapted_client import AdaptedClient
from harness.performing.log import Log, log_of
from harness.transport.answers import kept
from harness.transport.exchange import Exchange


class AdaptedTarget:
    """A service, by its adapter.

    Args:
        adapter: of it.
        exchange: how requests travel; closed with the target.
        name: of the target; the adapter's when left out.
        lasting: whether it is opened once for all programs; False when it starts empty each time; None when it is
            opened for each program, and keeps something all the same.
        tell_calls: whether each request says in a header which call it is, for the taps of a process of ours.
    """

    def __init__(
        self,
        adapter: Adapter,
        exchange: Exchange,
        name: str = "",
        lasting: bool | None = True,
        tell_calls: bool = False,
    ) -> None:
        self.name = name or adapter.name
        self.adapter = adapter
        self.promises = adapter.promises
        self.exchange = exchange
        self.lasting = lasting
        self.tell_calls = tell_calls
        self.renamed = 0
        self._once = ""
        self._credentials: dict[User, Headers] = {}
        self._turned_away: dict[User, Refused] = {}
        self._log: Log | None = None

    async def admit(self, users: Sequence[User]) -> tuple[User, ...]:
        """Sign everybody in, and return them under the names that the service knows.

        Raises:
            Unreachable: somebody cannot sign in, or the service is gone.
        """
        await self.exchange.check()
        self._once = once = "" if self.lasting is False else token_hex(4)
        plain: dict[int, str] = {}
        known = []
        for user in users:
            called = replace(user, name=plain.get(user.number) or (fresh(user.name, once) if once else user.name))
            try:
                self._credentials[called] = await self._signed_in(called)
            except TurnedAway:
                plain[user.number] = f"u{user.number}x{once}"
                called = replace(user, name=plain[user.number])
                await self._signed_in_or_refused(called)
            known.append(called)
        self.renamed = len(plain)
        if self.adapter.log is not None:
            self._close_log()
            ids = {user.name: user.id for user in known if user.credential is Credential.VALID}
            self._log = log_of(self.adapter.log, ids)
        return tuple(known)

    def cookies_of(self, user: User) -> tuple[str, ...]:
        """Return digests of the cookies that a user was given when they signed in."""
        sent = self._credentials.get(user, {}).get("cookie", "")
        return tuple(digest_of(value) for value in values_in(sent))

    def records(self) -> Iterator[tuple[UserId, Value]]:
        """Yield what the service has written into its log of users since the last call."""
        for user, record in self._log.records() if self._log is not None else ():
            yield user, kept(record)

    async def connect(self, user: User, on_push: OnPush) -> AdaptedClient:
        """Return one connection of this user, over which nothing has been sent yet.

        Raises:
            Refused: this intruder was turned away when they signed in.
        """
        if user not in self._credentials:
            await self._signed_in_or_refused(user)
        if (refusal := self._turned_away.get(user)) is not None:
            raise refusal
        session = blake2b(f"{self._once}/{user.id}/{user.name}".encode(), digest_size=16).hexdigest()
        return AdaptedClient(
            self.adapter,
            self.exchange,
            user,
            self._credentials[user],
            on_push,
            session=session,
            tell_calls=self.tell_calls,
        )

    async def close(self) -> None:
        """Close every connection, and the log."""
        self._close_log()
        await self.exchange.close()

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()

    async def _signed_in_or_refused(self, user: User) -> None:
        try:
            self._credentials[user] = await self._signed_in(user)
        except TurnedAway as error:
            if user.credential is Credential.VALID:
                raise
            self._credentials[user] = {}
            self._turned_away[user] = Refused(401, str(error))

    async def _signed_in(self, user: User) -> Headers:
        try:
            headers = await self.adapter.sign_in.headers(user, self.exchange.client("user sign-in"))
        except httpx.HTTPError as error:
            await self.exchange.check()
            raise Unreachable(f"{user.id} could not sign in ({error!r}): see `sign_in` of the adapter") from error
        for name, value in headers.items():
            if not value.isascii() and not name.startswith("?"):
                raise Unreachable(
                    f"{user.id} signs in with the header {name}: {value!r}, which is not ASCII, so no client could "
                    "send it: have the adapter quote it (urllib.parse.quote), as your service's clients do"
                )
        return {name.lower(): value for name, value in headers.items()}
