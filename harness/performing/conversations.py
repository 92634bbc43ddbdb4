"""The channels of one connection of one user: opened, watched, spoken over, read to a fence, dropped.

Rules:

- A channel counts as open when it is still open after a while, so that one that is accepted and closed again is a
  refusal.
- A frame that answers a message is that message's answer; every other frame is pushed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.adapter.adapter import Channel, Message, fill
from harness.adapter.sign_in import Headers
from harness.history.calling import CALLING
from harness.history.model import EventKind, OnPush, Refused, Value
from harness.history.semantics import at
from harness.transport.answers import has
from harness.transport.channels import OpenChannel
from harness.transport.exchange import Exchange
from harness.transport.filling import opening_of

MOST_QUIET_S = 3.0
"""A channel without a fence is read until nothing has come for a while, and at most so long."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a call: how it ended, and the value of the event that says so."""

    kind: EventKind
    value: Value


@dataclass(slots=True)
class _Waiting:
    """A message that waits for the frame that answers it."""

    done: Value
    refused: Value
    answer: asyncio.Future[tuple[bool, Value]]


@dataclass(slots=True)
class _Open:
    """An open channel, and the messages over it that wait for an answer."""

    channel: Channel
    stream: OpenChannel | None = None
    waiting: list[_Waiting] = field(default_factory=list)

    def take(self, frame: Value) -> bool:
        """Return whether a message has waited for this frame."""
        for waiting in self.waiting:
            if waiting.answer.done():
                continue
            if waiting.done is not None and has(frame, waiting.done):
                waiting.answer.set_result((True, frame))
                return True
            if waiting.refused is not None and has(frame, waiting.refused):
                waiting.answer.set_result((False, frame))
                return True
        return False

    def give_up(self) -> None:
        """Tell every message that the channel is closed."""
        for waiting in self.waiting:
            if not waiting.answer.done():
                waiting.answer.set_exception(ConnectionError("the channel is closed"))


class Channels:
    """The channels of one connection.

    Args:
        exchange: how they travel.
        own: name of the user's own connections.
        credentials: of the user.
        on_push: called with (topic, frame) for whatever is pushed.
    """

    def __init__(self, exchange: Exchange, own: str, credentials: Headers, on_push: OnPush) -> None:
        self._exchange = exchange
        self._own = own
        self._credentials = credentials
        self._on_push = on_push
        self._channels: dict[str, _Open] = {}
        self._opening: dict[str, asyncio.Future[None]] = {}
        self._refused: dict[str, Refused] = {}
        self._nonces = 0
        self._news = asyncio.Event()
        self.on_made: Callable[[str, str], None] = lambda kind, name: None
        """Told of objects that the service names unasked: (kind, id)."""

    async def fence(self) -> None:
        """Return when everything that was sent to this connection before has been received."""
        await asyncio.gather(*(self._fence(opened) for opened in list(self._channels.values())))

    async def drop(self, channel: str) -> None:
        """Drop one channel at once."""
        opened = self._channels.pop(channel, None)
        if opened is not None and opened.stream is not None:
            opened.give_up()
            await opened.stream.close()

    async def close(self) -> None:
        """Drop every channel at once."""
        for opening in self._opening.values():
            opening.cancel()
        self._opening.clear()
        await asyncio.gather(*(self.drop(channel) for channel in list(self._channels)))

    async def open(self, channel: Channel, given: Mapping[str, Value]) -> Answered:
        """Open a channel anew, and see whether the service closes it again."""
        await self.drop(channel.name)
        try:
            await self._open(channel, given)
        except Refused as refusal:
            return Answered(EventKind.FAIL, {"status": refusal.status, "text": refusal.text})
        except ConnectionError as error:
            await self._exchange.check()
            return Answered(EventKind.INFO, {"error": str(error)})
        opened = self._channels.get(channel.name)
        closed = None
        if opened is not None and opened.stream is not None:
            try:
                closed = await asyncio.wait_for(opened.stream.refusal(), self._exchange.patience_s)
            except TimeoutError:
                closed = None
        if closed is not None:
            return Answered(EventKind.FAIL, {"status": closed.status, "text": closed.text})
        return Answered(EventKind.OK, {"body": {"opened": channel.protocol}})

    async def _open(self, channel: Channel, given: Mapping[str, Value]) -> None:
        """Open a channel, and say its greeting.

        Raises:
            Refused: the service said no.
            ConnectionError: it broke the attempt off.
        """
        opened = _Open(channel)
        opening = opening_of(channel, self._exchange.url, given, self._credentials)
        outside = CALLING.set(None)  # what it pushes later is of no single call
        try:
            opened.stream = await self._exchange.open(channel, opening, self._own, self._listener(opened))
        finally:
            CALLING.reset(outside)
        self._channels[channel.name] = opened
        for message in channel.hello:
            answered = await self.say(channel, message, fill(message.send, given), given)
            if answered.kind is not EventKind.OK:
                raise Refused(403, f"{message.name} was refused")

    async def _opened(self, channel: Channel, given: Mapping[str, Value]) -> _Open | None:
        """Return the channel that a message is said over; one that needs no object is opened for it."""
        if channel.name not in self._channels and not channel.slots:
            if (refusal := self._refused.get(channel.name)) is not None:
                raise refusal
            opening = self._opening.get(channel.name)
            if opening is None:
                opening = self._opening[channel.name] = asyncio.ensure_future(self._open(channel, given))
            try:
                await asyncio.shield(opening)
            except Refused as refused:
                self._refused[channel.name] = refused
                raise
            finally:
                if opening.done():
                    self._opening.pop(channel.name, None)
        return self._channels.get(channel.name)

    def _listener(self, opened: _Open) -> Callable[[Value], None]:
        channel = opened.channel

        def on_frame(frame: Value) -> None:
            self._news.set()
            if isinstance(frame, Mapping) and "closed" in frame and set(frame) <= {"closed", "reason"}:
                opened.give_up()
                if self._channels.get(channel.name) is opened:
                    del self._channels[channel.name]
            if opened.take(frame):
                return
            if channel.protocol == "sse" and isinstance(frame, Mapping) and frame.get("id"):
                self.on_made(events_of(channel), str(frame["id"]))
            kind = at(frame, channel.pushes.type) if channel.pushes is not None and channel.pushes.type else None
            self._on_push(kind if isinstance(kind, str) else channel.name, frame)

        return on_frame

    async def say(self, channel: Channel, message: Message, frame: Value, given: Mapping[str, Value]) -> Answered:
        """Say a message, filled in, and wait for the frame that answers it, where there is one."""
        try:
            opened = await self._opened(channel, given)
        except Refused as refusal:
            return Answered(EventKind.FAIL, {"status": refusal.status, "text": refusal.text})
        if opened is None or opened.stream is None:
            return Answered(EventKind.INFO, {"error": "the channel is closed"})
        if message.done is None:
            try:
                await opened.stream.say(frame)
            except ConnectionError as error:
                return Answered(EventKind.INFO, {"error": str(error)})
            return Answered(EventKind.OK, {"body": None})
        waiting = _Waiting(fill(message.done, given), fill(message.refused, given), _future())
        opened.waiting.append(waiting)
        try:
            await opened.stream.say(frame)
            answers_always = message.refused is not None or message is channel.fence
            patience_s = None if answers_always else self._exchange.patience_s
            done, answer = await asyncio.wait_for(waiting.answer, patience_s)
        except TimeoutError:
            return Answered(EventKind.FAIL, {"status": 0, "text": "no answer"})
        except ConnectionError as error:
            return Answered(EventKind.INFO, {"error": str(error)})
        finally:
            opened.waiting.remove(waiting)
        if done:
            return Answered(EventKind.OK, {"body": answer})
        return Answered(EventKind.FAIL, {"status": 404, "text": str(answer)})

    async def _fence(self, opened: _Open) -> None:
        fence = opened.channel.fence
        if fence is not None:
            self._nonces += 1
            given = {"nonce": f"fence-{self._nonces}"}
            await self.say(opened.channel, fence, fill(fence.send, given), given)
            return
        quiet_s = self._exchange.patience_s / 2
        for _ in range(max(1, int(MOST_QUIET_S / quiet_s))):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), quiet_s)
            except TimeoutError:
                return


def events_of(channel: Channel) -> str:
    """Return the kind of object that the events of a channel are."""
    return f"event@{channel.name}"


def _future() -> asyncio.Future[tuple[bool, Value]]:
    return asyncio.get_running_loop().create_future()
