"""What one user and the service say to each other, recorded as it is said.

Rules:

- What is asked is recorded before it is sent, and what is answered as soon as it was read.
- No answer at all is recorded as nothing: `NoAnswer`.
- Each connection is a device of its own; the first are those of the channels that are opened on no object, in the
  adapter's order. Requests are of the first.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from harness.adapter.adapter import CANARY, EMAIL, SESSION, USER, Channel, Message, Route, fill
from harness.adapter.adapter import LAST_EVENT as LAST_EVENT_ID
from harness.adapter.sign_in import Headers, email_of
from harness.history.model import Credential, EventKind, Refused, User, Value
from harness.history.probes import DISCONNECTED
from harness.history.semantics import BODY, GIVEN, OBJECTS, QUERY, SENT, VERSION
from harness.load.abilities import Ability
from harness.load.account import FIRST_EVENT, LAST_EVENT
from harness.load.belongings import Objects
from harness.load.cohort import Cohort
from harness.load.connection import Connection, NoAnswer, Reply, without_ids
from harness.load.http_connection import CALL_S, HttpConnection
from harness.load.work import WorkUnderWay
from harness.scenario.symbols import NOBODYS, WORD, texts_of
from harness.transport.answers import Misfit, id_in, of_refusal, recorded
from harness.transport.channels import Opening
from harness.transport.exchange import Asked
from harness.transport.filling import asked_of, opening_of, sent_of

SILENCE_S = 3.0
"""How long a message may stay without an answer where only silence says that it was refused."""


class Conversation:
    """All that one user asks, and hears.

    Args:
        cohort: where it is recorded.
        user: whose it is.
        session: a FastHttpSession of Locust.
        work: hears of its begin and its end.
        on_closed: called with a connection that the target has closed, and with what it says of that.
    """

    def __init__(
        self,
        cohort: Cohort,
        user: User,
        session: Any,
        work: WorkUnderWay,
        on_closed: Callable[[Connection, str], None],
    ) -> None:
        self.connections: dict[int, Connection] = {}
        self.under_way: tuple[str, int, str, int] | None = None
        """(user, call, operation, device) of the call that is open."""
        self.asked_s = 0.0
        self._cohort, self._user, self._work, self._on_closed = cohort, user, work, on_closed
        self._http = HttpConnection(session, cohort.options.host)
        self._last_ids: dict[str, str] = {}
        self._fixed = {
            CANARY: "",
            USER: user.name,
            EMAIL: email_of(user),
            SESSION: uuid.UUID(int=Random(f"{cohort.options.run} {user.number}").getrandbits(128), version=4).hex,
        }

    def ask(
        self,
        ability: Ability,
        objects: Objects,
        headers: Headers,
        *,
        credential: Credential = Credential.VALID,
        version: int = 1,
        device: int = 0,
        trial_s: float = 0.0,
        measured: bool = True,
    ) -> Reply:
        """Do one thing, and record it.

        Args:
            ability: what.
            objects: on what.
            headers: of who asks.
            credential: theirs.
            version: that an edit replaces.
            device: of the channel that is opened, or over which a message is said.
            trial_s: how long a channel must stay open to count as open.
            measured: whether it counts how long the answer takes.

        Raises:
            NoAnswer: there was no answer.
        """
        asker = User(self._user.number, self._user.name, credential)
        given = self._given(asker, ability, version)
        filling = {**self._fixed, **given, **texts_of(given), **objects}
        record, name = self._cohort.record, ability.name
        call = self._cohort.next_call()
        sent, carry_out = self._prepared(ability, filling, headers, device, trial_s)
        asked = {OBJECTS: dict(objects), GIVEN: given, SENT: sent}
        record(EventKind.INVOKE, name, asked, user=asker.id, device=device, call=call)
        self.under_way = (asker.id, call, name, device)
        self.asked_s = time.monotonic() if measured else 0.0
        kind, value = carry_out()
        self.under_way = None
        record(kind, name, value, user=asker.id, device=device, call=call)
        self._cohort.took(name, self.asked_s, answered=True)
        return kind, value

    def device_of(self, channel: Channel) -> int | None:
        """Return the newest connection of this channel, or None when there is none."""
        devices = [device for device, connection in self.connections.items() if connection.channel is channel]
        return devices[-1] if devices else None

    def drop(self, device: int) -> None:
        """Drop a connection, if it is there."""
        connection = self.connections.pop(device, None)
        if connection is not None:
            self._last_ids[connection.channel.name] = connection.last_id
            self._cohort.record(EventKind.PROBE, DISCONNECTED, user=self._user.id, device=device)
            connection.close()

    def close(self) -> None:
        """Drop every connection, and record nothing more."""
        connections, self.connections = self.connections, {}
        for connection in connections.values():
            connection.close()

    # Hearing

    def heard(self, name: str, value: Value, device: int) -> None:
        """Record a pushed frame."""
        self._cohort.record(EventKind.PUSH, name, value, user=self._user.id, device=device)

    def heard_of_work(self, name: str, begun: bool) -> None:
        """Take in that work has begun, or has ended."""
        known = self._work.pushed.get(name)
        self._cohort.took(FIRST_EVENT if begun else LAST_EVENT, known.since_s if known is not None else self.asked_s)
        if not begun:
            self._work.end(name)

    def closed(self, connection: Connection, reason: str) -> None:
        """Hand on that the target has closed a channel."""
        if self.connections.get(connection.device) is connection:
            self._on_closed(connection, reason)

    # Asking

    def _given(self, asker: User, ability: Ability, version: int) -> Mapping[str, Value]:
        """Return what is given beside objects, by argument."""
        given: dict[str, Value] = {argument: self._text(asker, ability) for argument in ability.semantics.texts}
        if VERSION in ability.placeholders:
            given[VERSION] = version
        if QUERY in ability.placeholders:
            given[QUERY] = WORD
        return given

    def _text(self, asker: User, ability: Ability) -> str:
        if asker.credential is not Credential.VALID:
            return NOBODYS
        text = f"{WORD} {self._cohort.canaries.mint(asker.number)}"
        work = ability.semantics.starts
        return f"{text} that work repeats word by word" if work is not None and work.repeats else text

    def _prepared(
        self, ability: Ability, given: Mapping[str, Value], headers: Headers, device: int, trial_s: float
    ) -> tuple[Value, Callable[[], Reply]]:
        """Return what will be sent, and what carries it out."""
        match ability.part:
            case Route() as route:
                asked = asked_of(route, given, headers)
                return sent_of(asked, headers), lambda: self._requested(route, asked)
            case Channel() as channel:
                last = self._last_ids.get(channel.name)
                given = {**given, LAST_EVENT_ID: last} if last else given
                opening = opening_of(channel, self._cohort.options.host, given, headers)
                sent = {"request": f"OPEN {channel.protocol} {opening.target}"}
                return sent, lambda: self._opened(channel, opening, given, device, trial_s)
            case Message() as message:
                frame = fill(message.send, given)
                return {"request": "SAY", "body": frame}, lambda: self._said(message, frame, given, device)

    def _requested(self, route: Route, asked: Asked) -> Reply:
        answer = self._http.ask(asked, route.name)
        value = recorded(answer)
        if answer.kind is EventKind.OK and route.makes:
            try:
                value["id"] = id_in(answer, route)
            except Misfit:
                self._cohort.doubt(f"{route.name} makes a {route.makes}, and its answer has no {route.id!r}")
        return answer.kind, value

    def _opened(
        self, channel: Channel, opening: Opening, given: Mapping[str, Value], device: int, trial_s: float
    ) -> Reply:
        try:
            connection = Connection(self, channel, device, opening, CALL_S)
        except Refused as refusal:
            return of_refusal(refusal)
        except OSError as error:
            raise NoAnswer(f"the channel {channel.name} cannot be opened: {without_ids(error)}") from error
        self.connections[device] = connection
        for message in channel.hello:
            kind, value = self._said(message, fill(message.send, given), given, device)
            if kind is not EventKind.OK:
                return kind, value
            if value[BODY] is not None:
                self.heard(channel.name, value[BODY], device)
        if trial_s and not connection.stays_open(trial_s):
            return of_refusal(Refused(*(connection.ended or (0, ""))))
        return EventKind.OK, {BODY: {"opened": channel.protocol}}

    def _said(self, message: Message, frame: Value, given: Mapping[str, Value], device: int) -> Reply:
        connection = self.connections.get(device)
        if connection is None:
            raise NoAnswer("a channel is closed over which something was to be said")
        done, refused = fill(message.done, given), fill(message.refused, given)
        most_s = CALL_S if refused is not None else SILENCE_S
        return connection.say(frame, done, refused, most_s)
