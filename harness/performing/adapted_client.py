"""One connection of one user to a service with an adapter: what is asked becomes requests, answers become values."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.adapter.adapter import CANARY, EMAIL, SESSION, USER, Adapter, Channel, Route, fill
from harness.adapter.sign_in import Headers, email_of
from harness.history.calling import CALLING
from harness.history.model import EventKind, OnPush, Operation, Refused, User, Value
from harness.history.semantics import QUERY, SEEN, VERSION
from harness.performing.conversations import Answered, Channels, Tell
from harness.scenario.program import USUAL, RequestOptions
from harness.scenario.symbols import WORD, texts_of
from harness.transport.answers import Misfit, id_in, recorded
from harness.transport.exchange import Asked, Exchange
from harness.transport.filling import asked_of, opening_of, sent_of

CALL_HEADER = "x-harness-call"
"""Tells the taps of a server process which call a request is."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that is ready to be carried out.

    Args:
        sent: what of it stands in a history.
        carry_out: does it.
    """

    sent: Mapping[str, Value]
    carry_out: Callable[[], Coroutine[Any, Any, Answered]]


class AdaptedClient:
    """One connection of one user: requests, and channels.

    Args:
        adapter: of the service.
        exchange: how requests travel.
        user, credentials: whose it is, and what proves it.
        on_push: called with (topic, frame) for whatever is pushed.
        session: the id that this user chooses where a client does, and keeps when they connect again.
        tell_calls: whether each request says in a header which call it is.
    """

    def __init__(
        self,
        adapter: Adapter,
        exchange: Exchange,
        user: User,
        credentials: Headers,
        on_push: OnPush,
        *,
        session: str,
        tell_calls: bool = False,
    ) -> None:
        self.adapter = adapter
        self._exchange = exchange
        self._user = user
        self._credentials = credentials
        self._own = f"user {user.id}"
        self._session = session
        self._tell_calls = tell_calls
        self.channels = Channels(exchange, self._own, credentials, on_push)

    async def invoke(self, operation: Operation) -> Value:
        """Carry an operation out, and return the body of its answer.

        Raises:
            Refused: the service said no.
            RuntimeError: nobody knows whether it happened.
        """
        answered = await self.prepare(operation).carry_out()
        if answered.kind is EventKind.FAIL:
            raise Refused(answered.value["status"], answered.value["text"])
        if answered.kind is not EventKind.OK:
            raise RuntimeError(answered.value["error"])
        return answered.value.get("body")

    def prepare(
        self, operation: Operation, how: RequestOptions = USUAL, tell: Tell = lambda answered: None
    ) -> Prepared:
        """Return an operation as the call that it will be.

        Args:
            operation: with ids.
            how: how the request travels.
            tell: told what came of a message at once, before whatever comes behind its answer.
        """
        given = self._placeholders(operation)
        part = self.adapter.part(operation.name)
        if isinstance(part, Route):
            asked = asked_of(part, given, self._credentials)
            sent = sent_of(asked, self._credentials) | ({"options": str(how)} if how != USUAL else {})
            return Prepared(sent, lambda: self._ask(part, asked, how))
        if isinstance(part, Channel):
            opening = opening_of(part, self._exchange.url, given, self._credentials)
            sent = {"request": f"OPEN {part.protocol} {opening.target}"}
            return Prepared(sent, lambda: self.channels.open(part, given))
        channel, message = part
        frame = fill(message.send, given)
        if message.seen and SEEN in operation.given:
            frame = {**frame, message.seen: operation.given[SEEN]}
        return Prepared(
            {"request": f"SAY {channel.name}", "body": frame},
            lambda: self.channels.say(channel, message, frame, given, tell),
        )

    async def fence(self) -> None:
        """Return when everything that was sent to this connection before has been received."""
        await self.channels.fence()

    async def close(self) -> None:
        """Drop every channel at once."""
        await self.channels.close()

    # Requests

    def _placeholders(self, operation: Operation) -> dict[str, Value]:
        given: dict[str, Value] = {USER: self._user.name, EMAIL: email_of(self._user), SESSION: self._session}
        given |= {**operation.objects, **texts_of(operation.given)}
        given = {CANARY: "", QUERY: WORD, VERSION: 1} | given
        return given | {name: operation.given[name] for name in (VERSION, QUERY) if name in operation.given}

    def _call(self) -> dict[str, str]:
        calling = CALLING.get() if self._tell_calls else None
        return {CALL_HEADER: f"{calling.call}:{calling.user}"} if calling is not None else {}

    async def _ask(self, route: Route, asked: Asked, how: RequestOptions) -> Answered:
        asked = replace(asked, headers={**asked.headers, **self._call()})
        try:
            answer = await self._exchange.ask(asked, how, self._own)
        except TimeoutError:
            return Answered(EventKind.INFO, {"error": "the client hung up"})
        except ConnectionError as error:
            await self._exchange.check()
            return Answered(EventKind.INFO, {"error": str(error)})
        kind = answer.kind if answer.complete or answer.is_refusal else EventKind.INFO
        value = recorded(answer)
        if kind is EventKind.INFO:
            value.setdefault("error", "the client hung up")
        if kind is EventKind.OK and route.makes:
            try:
                value["id"] = id_in(answer, route)
            except Misfit as misfit:
                value["misfit"] = str(misfit)
        return Answered(kind, value)
