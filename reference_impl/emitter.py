"""The voice of one request: events it emits carry its owner, thread and run, and nothing can retarget it.

Rules:
- An emitter is bound to one context at construction, for good.
- Events leave in the order of emission, numbered without gaps from 0 per run.
- After `close()` nothing is emitted: an agent that outlives its scope gets `ScopeClosed`.

How it works: `emit` makes a frame numbered by the run's log and hands it to the hub in the same step of the
event loop, so two tasks of one run cannot swap. The run's last event is made by `last`, which closes the
emitter first; the engine publishes it once everything it announces is committed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, get_args

from reference_impl.context import UserExecutionContext
from reference_impl.hub import ConnectionHub, Frame

EventType = Literal[
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
    "agent_error",
]
"""What an event may be."""

EVENT_TYPES: tuple[str, ...] = get_args(EventType)
"""The same, as strings."""


class ScopeClosed(RuntimeError):
    """Something outlived its request and was used after the request's scope had ended."""


class UserWebSocketEmitter:
    """Emits the events of one request to the connections of its user that follow its thread."""

    def __init__(self, hub: ConnectionHub, context: UserExecutionContext) -> None:
        """Bind to one context and hold its run's log until closed."""
        self._hub = hub
        self._context = context
        self._closed = False
        self._log = hub.open_run(context.user_id, context.thread_id, context.run_id)
        hub.emitter_opened(self)

    @property
    def context(self) -> UserExecutionContext:
        """The context this emitter is bound to."""
        return self._context

    @property
    def closed(self) -> bool:
        """Whether emitting is over."""
        return self._closed

    async def emit(self, type: EventType, data: Mapping[str, object] | None = None) -> None:
        """Emit one event. Never waits for a consumer.

        Args:
            type: what happened.
            data: plain data that JSON can carry.

        Raises:
            ScopeClosed: the request is over; nothing is emitted.
            ValueError: the type is unknown.
            TypeError: the data is not JSON.
        """
        if self._closed:
            raise ScopeClosed(
                f"{type} of run {self._context.run_id} was not emitted: its request is over, and the event could "
                "reach a later run. Await all work before execute() returns."
            )
        self._hub.publish(self.frame(type, data))

    def frame(self, type: EventType, data: Mapping[str, object] | None = None) -> Frame:
        """Make the run's next frame without publishing it.

        Raises:
            ValueError: the type is unknown.
            TypeError: the data is not JSON.
        """
        if type not in EVENT_TYPES:
            raise ValueError(f"{type!r} is no event type, so no client would know it. Use one of {EVENT_TYPES}.")
        context = self.context
        return Frame(
            type=type,
            user=context.user_id,
            thread=context.thread_id,
            run=context.run_id,
            seq=self._log.next_seq,
            payload=json.dumps({} if data is None else dict(data), default=_plain),
        )

    def last(self, type: EventType, data: Mapping[str, object] | None = None) -> Frame:
        """Close the emitter and make the run's last frame, to be published once it is committed.

        Raises:
            ValueError: the type is unknown.
            TypeError: the data is not JSON.
        """
        self.close()
        return self.frame(type, data)

    def close(self) -> None:
        """End emission and let go of the run's log; harmless when done before."""
        if not self._closed:
            self._closed = True
            self._hub.close_run(self._log)
            self._hub.emitter_closed(self)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):  # read-only mappings from a context's metadata
        return dict(value)
    raise TypeError(f"Event data holds a {type(value).__name__}, which JSON cannot carry. Pass plain data.")
