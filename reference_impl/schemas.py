"""What goes in and out over HTTP and the socket: typed, bounded, and nothing besides.

Rules:
- An unknown field is refused, never ignored: a misspelt one would otherwise be a silent loss.
- Lengths are bounded.
- What goes out is listed here field by field; no row leaves as it is.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from reference_impl.freezing import freeze_mapping
from reference_impl.hub import Frame
from reference_impl.tables import Note, Run, Thread

MAX_TEXT_LENGTH = 100_000
"""Characters of a note or of a run's text, at most."""

MAX_METADATA_LENGTH = 10_000
"""Characters of a run's metadata as JSON, at most."""

Id = Annotated[str, Field(min_length=1, max_length=200)]
"""An id as a client may send it."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewThread(_Model):
    """What makes a thread."""

    title: str = Field(min_length=1, max_length=200)


class NewRun(_Model):
    """What makes a run."""

    agent: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=MAX_TEXT_LENGTH)
    metadata: dict[str, JsonValue] | None = None

    @field_validator("metadata")
    @classmethod
    def _is_bounded_json(cls, value: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # refuses lone surrogates, which no answer could carry
        if len(text) > MAX_METADATA_LENGTH:
            raise ValueError(f"metadata has {len(text)} characters as JSON; at most {MAX_METADATA_LENGTH} may be")
        try:
            freeze_mapping(value)
        except TypeError as error:
            raise ValueError(str(error)) from error
        return value


class NewNote(_Model):
    """What makes a note."""

    text: str = Field(max_length=MAX_TEXT_LENGTH)


class EditedNote(_Model):
    """A note's new text, and the version it replaces."""

    text: str = Field(max_length=MAX_TEXT_LENGTH)
    version: int = Field(ge=1, le=2**31 - 2)


class ThreadView(_Model):
    """A thread as its owner sees it."""

    id: str
    title: str

    @classmethod
    def of(cls, row: Thread) -> ThreadView:
        """Show a row."""
        return cls(id=row.id, title=row.title)


class RunView(_Model):
    """A run as its owner sees it."""

    id: str
    thread: str
    agent: str
    status: str
    result: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, row: Run) -> RunView:
        """Show a row."""
        return cls(
            id=row.id,
            thread=row.thread_id,
            agent=row.agent,
            status=row.status,
            result=row.result,
            error=row.error,
        )


class AcceptedRun(_Model):
    """A run that was just accepted."""

    id: str
    thread: str
    agent: str
    status: str

    @classmethod
    def of(cls, row: Run) -> AcceptedRun:
        """Show a row."""
        return cls(id=row.id, thread=row.thread_id, agent=row.agent, status=row.status)


class NoteView(_Model):
    """A note as its owner sees it."""

    id: str
    text: str
    version: int

    @classmethod
    def of(cls, row: Note) -> NoteView:
        """Show a row."""
        return cls(id=row.id, text=row.text, version=row.version)


class FrameView(_Model):
    """An event as its owner sees it, the same over HTTP and over the socket."""

    type: str
    user: str
    thread: str
    run: str
    seq: int
    data: dict[str, JsonValue]

    @classmethod
    def of(cls, frame: Frame) -> FrameView:
        """Show a frame."""
        return cls.model_validate_json(frame.to_json())


class ClientMessage(_Model):
    """What a client says over the socket. `after` is the last seq it saw, by run."""

    action: Literal["follow", "unfollow"]
    thread: Id
    after: dict[Id, Annotated[int, Field(ge=-1, strict=True)]] = Field(default_factory=dict, max_length=10_000)
