"""The channels of one connection of one user: opened, watched, spoken over, read to a fence, dropped.

Rules:

- A channel counts as open when it is still open after a while, so that one that is accepted and closed again is a
  refusal. One whose greeting was refused is heard all the same.
- One channel is opened once at a time: whoever has something to say over it meanwhile waits.
- A frame that answers a message is that message's answer, and is told at once, before the frames behind it; every
  other frame is pushed, and so is the answer to a greeting, which is nobody's call.
- Nothing outlives `close`: what is being opened then is closed as soon as it is open.
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
from harness.scenario.symbols import events_of
from harness.transport.answers import NO_ANSWER, of_answer, of_refusal
from harness.transport.channels import Closing, OpenChannel
from harness.transport.exchange import Exchange
from harness.transport.filling import opening_of

MOST_QUIET_S = 3.0
"""A channel without a fence is read until nothing has come for a while, and at most so long."""
CLOSED = "the channel is closed"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a call: how it ended, and the value of the event that says so."""

    kind: EventKind
    value: Value


Tell = Callable[[Answered], None]
"""Told what came of a message, when the frame comes that answers it."""


def _refused(refusal: Refused) -> Answered:
    return Answered(*of_refusal(refusal))


def _unknown(error: str) -> Answered:
    return Answered(EventKind.INFO, {"error": error})


@dataclass(slots=True)
class _Waiting:
    """A message that waits for the frame that answers it."""

    done: Value
    refused: Value
    tell: Tell
    answer: asyncio.Future[Answered]

    def take(self, frame: Value) -> bool:
        """Return whether this frame is what it waits for."""
        if self.answer.done():
            return False
        if (answer := of_answer(frame, self.done, self.refused)) is None:
            return False
        answered = Answered(*answer)
        self.answer.set_result(answered)
        self.tell(answered)
        return True


@dataclass(slots=True)
class _Open:
    """A channel that is open or being opened, and the messages over it that wait for an answer.

    Args:
        opened: done as soon as it is open, or will not be.
        news: set by each frame.
    """

    channel: Channel
    opened: asyncio.Future[None]
    stream: OpenChannel | None = None
    dropped: bool = False
    waiting: list[_Waiting] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, frame: Value) -> bool:
        """Return whether a message has waited for this frame."""
        return any(waiting.take(frame) for waiting in self.waiting)

    def give_up(self) -> None:
        """Tell every message that the channel is closed."""
        for waiting in self.waiting:
            if not waiting.answer.done():
                waiting.answer.set_result(_unknown(CLOSED))


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
        self._opening: dict[str, _Open] = {}
        self._refused: dict[str, Refused] = {}
        self._nonces = 0
        self._closed = False
        self.on_made: Callable[[str, str], None] = lambda kind, name: None
        """Told of objects that the service names unasked: (kind, id)."""

    # Opening and dropping

    async def open(self, channel: Channel, given: Mapping[str, Value]) -> Answered:
        """Open a channel anew, and see whether the service closes it again."""
        await self.drop(channel.name)
        try:
            opened = await self._open(channel, given)
            closed = await self._closing(opened)
        except Refused as refusal:
            return _refused(refusal)
        except ConnectionError as error:
            await self._exchange.check()
            return _unknown(str(error))
        return (
            _refused(closed) if closed is not None else Answered(EventKind.OK, {"body": {"opened": channel.protocol}})
        )

    async def drop(self, channel: str) -> None:
        """Drop one channel at once."""
        for opened in (self._opening.pop(channel, None), self._channels.pop(channel, None)):
            if opened is not None:
                opened.dropped = True
                opened.give_up()
                if opened.stream is not None:
                    await opened.stream.close()

    async def close(self) -> None:
        """Drop every channel at once."""
        self._closed = True
        names = {*self._opening, *self._channels}
        await asyncio.gather(*(self.drop(channel) for channel in sorted(names)), return_exceptions=True)

    async def _open(self, channel: Channel, given: Mapping[str, Value]) -> _Open:
        """Open a channel, and say its greeting.

        Raises:
            Refused: the service said no.
            ConnectionError: it broke the attempt off, or the user did.
        """
        opened = self._opening[channel.name] = _Open(channel, asyncio.get_running_loop().create_future())
        try:
            await self._connect(opened, given)
            self._channels[channel.name] = opened
            await self._greet(opened, given)
        finally:
            opened.opened.set_result(None)
            if self._opening.get(channel.name) is opened:
                del self._opening[channel.name]
        return opened

    async def _connect(self, opened: _Open, given: Mapping[str, Value]) -> None:
        opening = opening_of(opened.channel, self._exchange.url, given, self._credentials)
        outside = CALLING.set(None)  # what it pushes later is of no single call
        try:
            stream = await self._exchange.open(opened.channel, opening, self._own, self._listener(opened))
        finally:
            CALLING.reset(outside)
        if opened.dropped or self._closed:
            await stream.close()
            raise ConnectionError(CLOSED)
        opened.stream = stream

    async def _greet(self, opened: _Open, given: Mapping[str, Value]) -> None:
        for message in opened.channel.hello:
            answered = await self._said(opened, message, fill(message.send, given), given, self._told(opened.channel))
            if answered.kind is EventKind.FAIL:
                raise Refused(answered.value["status"] or 403, f"{message.name}: {answered.value['text']}")
            if answered.kind is EventKind.INFO:
                raise await self._closing(opened) or ConnectionError(answered.value["error"])

    async def _closing(self, opened: _Open) -> Refused | None:
        """Return with what the service closes a channel again; None when it stays open for a while, or has served."""
        if opened.stream is None:
            return None
        try:
            return await asyncio.wait_for(opened.stream.refusal(), self._exchange.patience_s)
        except TimeoutError:
            return None

    async def _opened(self, channel: Channel, given: Mapping[str, Value]) -> _Open | None:
        """Return the channel that a message is said over; one that needs no object is opened for it."""
        while (under_way := self._opening.get(channel.name)) is not None:
            await asyncio.wait([under_way.opened])
        if (opened := self._channels.get(channel.name)) is not None:
            return opened
        if channel.slots or self._closed:
            return None
        if (refusal := self._refused.get(channel.name)) is not None:
            raise refusal
        try:
            return await self._open(channel, given)
        except Refused as refused:
            self._refused[channel.name] = refused
            raise

    def _listener(self, opened: _Open) -> Callable[[Value], None]:
        channel = opened.channel

        def on_frame(frame: Value) -> None:
            opened.news.set()
            if isinstance(frame, Closing):
                opened.give_up()
                if self._channels.get(channel.name) is opened:
                    del self._channels[channel.name]
            if opened.take(frame):
                return
            if channel.protocol == "sse" and isinstance(frame, Mapping) and frame.get("id"):
                self.on_made(events_of(channel.name), str(frame["id"]))
            self._push(channel, frame)

        return on_frame

    def _push(self, channel: Channel, frame: Value) -> None:
        kind = at(frame, channel.pushes.type) if channel.pushes is not None and channel.pushes.type else None
        self._on_push(kind if isinstance(kind, str) else channel.name, frame)

    def _told(self, channel: Channel) -> Tell:
        return lambda answered: self._push(channel, answered.value.get("body", answered.value.get("text")))

    # Saying

    async def say(
        self, channel: Channel, message: Message, frame: Value, given: Mapping[str, Value], tell: Tell
    ) -> Answered:
        """Say a message, filled in, and wait for the frame that answers it, where there is one."""
        try:
            opened = await self._opened(channel, given)
        except Refused as refusal:
            return _refused(refusal)
        except ConnectionError as error:
            await self._exchange.check()
            return _unknown(str(error))
        return await self._said(opened, message, frame, given, tell) if opened is not None else _unknown(CLOSED)

    async def _said(
        self, opened: _Open, message: Message, frame: Value, given: Mapping[str, Value], tell: Tell
    ) -> Answered:
        """Say a message over an open channel; see `say`."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(fill(message.done, given), fill(message.refused, given), tell, answer)
        opened.waiting.append(waiting)
        try:
            if opened.stream is None or opened.dropped:
                return _unknown(CLOSED)
            await opened.stream.say(frame)
            if message.done is None:
                return Answered(EventKind.OK, {"body": None})
            answers_always = message.refused is not None or message is opened.channel.fence
            patience_s = None if answers_always else self._exchange.patience_s
            return await asyncio.wait_for(answer, patience_s)
        except TimeoutError:
            return _refused(NO_ANSWER)
        except ConnectionError as error:
            return _unknown(str(error))
        finally:
            opened.waiting.remove(waiting)

    # Reading to the end

    async def fence(self) -> None:
        """Return when everything that was sent to this connection before has been received.

        Raises:
            Refused: a fence was not let through.
        """
        await asyncio.gather(*(self._fence(opened) for opened in list(self._channels.values())))

    async def _fence(self, opened: _Open) -> None:
        fence = opened.channel.fence
        if fence is None:
            await self._quiet(opened)
            return
        self._nonces += 1
        given = {"nonce": f"fence-{self._nonces}"}
        answered = await self._said(opened, fence, fill(fence.send, given), given, lambda answered: None)
        if answered.kind is EventKind.FAIL:  # of a channel that is closed meanwhile everything has been received
            raise Refused(answered.value["status"], answered.value["text"])

    async def _quiet(self, opened: _Open) -> None:
        """Return when nothing has come for a while, or after MOST_QUIET_S."""
        clock = asyncio.get_running_loop().time
        until = clock() + MOST_QUIET_S
        while clock() < until:
            opened.news.clear()
            try:
                await asyncio.wait_for(opened.news.wait(), self._exchange.patience_s / 2)
            except TimeoutError:
                return
