"""One channel of one user, under gevent: opens it, hears it, says messages over it, reads it to its end.

Rules:

- A frame that answers a message is its answer, and is not pushed; every other frame is.
- The path of a pushed frame is short: whatever is the same for all frames is worked out before.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Protocol

import gevent
from gevent import Timeout
from gevent.event import AsyncResult
from gevent.event import Event as Signal

from harness.adapter.adapter import Channel, fill
from harness.history.model import EventKind, Value
from harness.history.semantics import BODY, at
from harness.load.event_socket import EventSocket
from harness.load.event_stream import IN_ORDER, EventStream, value_of
from harness.transport.answers import NO_ANSWER, of_answer, of_refusal
from harness.transport.channels import Opening

QUIET_S, MOST_QUIET_S = 0.25, 3.0
"""A channel without a fence is read until nothing has come for so long, and at most so long."""


Reply = tuple[EventKind, dict[str, Value]]
"""What came of a call: how it ended, and the value of the event that says so."""


class NoAnswer(Exception):
    """The target gave no answer. Says what happened, without ids."""


class FrameHandler(Protocol):
    """Who hears what a channel pushes."""

    def heard(self, name: str, value: Value, device: int) -> None:
        """Take in a frame."""

    def heard_of_work(self, name: str, begun: bool) -> None:
        """Take in that the work of this id has begun, or has ended."""

    def closed(self, connection: Connection, reason: str) -> None:
        """Take in that the target has closed the channel."""


class Connection:
    """A channel that is open.

    Args:
        handler: of its frames.
        channel: which.
        device: which of the user's connections.
        opening: the request that opens it.
        timeout_s: for that.

    Raises:
        Refused: the target said no.
        ConnectionError: the target broke the attempt off.
    """

    def __init__(
        self, handler: FrameHandler, channel: Channel, device: int, opening: Opening, timeout_s: float
    ) -> None:
        self.channel, self.device = channel, device
        self.ended: tuple[int, str] | None = None
        self.last_id = ""
        self._handler = handler
        self._name = channel.name
        self._sse = channel.protocol == "sse"
        pushes = channel.pushes
        self._type = pushes.type if pushes is not None else ""
        self._id = pushes.id if pushes is not None else ""
        self._of_work: Mapping[str, bool] = (
            {**dict.fromkeys(pushes.last, False), **dict.fromkeys(pushes.begins, True)} if pushes is not None else {}
        )
        self._waiting: list[tuple[Value, Value, AsyncResult]] = []
        self._frames = 0
        self._closing = Signal()
        if channel.protocol == "websocket":
            self._socket: EventSocket | EventStream = EventSocket(opening, self._text, self._closed, timeout_s)
        else:
            self._socket = EventStream(opening, channel.protocol, self._frame, self._closed, timeout_s)

    @property
    def in_order(self) -> bool:
        """Whether the target has ended it in good order, after something was sent."""
        return self.ended is not None and self.ended[0] in (IN_ORDER, IN_ORDER + 1) and self._frames > 0

    def say(self, frame: Value, done: Value, refused: Value, most_s: float) -> Reply:
        """Say a message; return what came of it, with the frame that says so.

        Args:
            frame: what is said.
            done, refused: what stands in the frame that answers. Without `done` no answer is waited for; without
                `refused` silence is one.
            most_s: how long an answer may take.

        Raises:
            NoAnswer: nothing was said to it.
        """
        answer = AsyncResult()
        if done is not None:
            self._waiting.append((done, refused, answer))
        try:
            self._socket.send(frame if isinstance(frame, str) else json.dumps(frame))
            reply: Reply = (EventKind.OK, {BODY: None}) if done is None else answer.get(timeout=most_s)
            return reply
        except OSError as error:
            raise NoAnswer(f"the channel {self._name} cannot be written to: {without_ids(error)}") from error
        except Timeout as error:
            if refused is None:
                return of_refusal(NO_ANSWER)
            raise NoAnswer(f"the channel {self._name} gave no answer within {most_s:.0f} s") from error
        finally:
            self._waiting = [waiting for waiting in self._waiting if waiting[2] is not answer]

    def read_to_fence(self, most_s: float) -> None:
        """Return when everything has been read that was pushed before, as far as the channel lets one know.

        Raises:
            NoAnswer: the fence did not come.
        """
        fence = self.channel.fence
        if fence is not None:
            given = {"nonce": secrets.token_hex(8)}
            if self.say(fill(fence.send, given), fill(fence.done, given), None, most_s)[0] is not EventKind.OK:
                raise NoAnswer(f"the fence of the channel {self._name} did not come within {most_s:.0f} s")
            return
        until_s, before = time.monotonic() + MOST_QUIET_S, -1
        while before != self._frames and self.ended is None and time.monotonic() < until_s:
            before = self._frames
            self._closing.wait(QUIET_S)

    def stays_open(self, for_s: float) -> bool:
        """Wait so long; return whether the target has left it open, or has ended it in good order."""
        self._closing.wait(for_s)
        return self.ended is None or self.in_order

    def close(self) -> None:
        """Drop the connection."""
        for _, _, answer in self._waiting:
            answer.set_exception(NoAnswer(f"the channel {self._name} is closed"))
        self._socket.close()

    def _text(self, text: str) -> None:
        self._frame(value_of(text))

    def _frame(self, value: Value) -> None:
        self._frames += 1
        if self._waiting and self._is_answer(value):
            return
        kind = at(value, self._type) if self._type else None
        name = self._name if kind is None else str(kind)
        self._handler.heard(name, value, self.device)
        if self._sse and value["id"]:
            self.last_id = value["id"]
        if (begun := self._of_work.get(name)) is not None:
            self._handler.heard_of_work(str(at(value, self._id)), begun)

    def _is_answer(self, value: Value) -> bool:
        for done, refused, answer in self._waiting:
            if not answer.ready() and (reply := of_answer(value, done, refused)) is not None:
                answer.set(reply)
                gevent.sleep(0)  # who has waited records it before what comes behind it
                return True
        return False

    def _closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)
        self._closing.set()
        self._handler.closed(self, f"{code} {reason}".strip())


def without_ids(error: object) -> str:
    """Return an error in words that do not differ from user to user."""
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__} {strerror}" if strerror else str(error) or type(error).__name__
