"""Texts with an owner, in memory. It makes no mistake: the services do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A text of somebody."""

    id: str
    owner: str
    text: str

    @property
    def shown(self) -> dict[str, str]:
        """What its owner is shown."""
        return {"id": self.id, "text": self.text}


class Notebook:
    """All notes of all users."""

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}

    def add(self, owner: str, text: str) -> Note:
        """Keep a text."""
        note = Note(uuid.uuid4().hex, owner, text)
        self._notes[note.id] = note
        return note

    def get(self, note: str) -> Note | None:
        """Return a note, whoever owns it."""
        return self._notes.get(note)

    def own(self, owner: str, note: str) -> Note | None:
        """Return a note if it is this user's."""
        found = self.get(note)
        return found if found is not None and found.owner == owner else None

    def of(self, owner: str, containing: str = "") -> list[dict[str, str]]:
        """Return what a user is shown of their own notes with this in the text, the oldest first."""
        return [note.shown for note in self._notes.values() if note.owner == owner and containing in note.text]
