"""Planted bugs of section E: objects without a check of their owner, and tokens that prove nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from sqlalchemy import select, update

from harness.mutants.subject import mutant
from reference_impl.app import Parts
from reference_impl.auth import ALGORITHM, Tokens
from reference_impl.operations import Service
from reference_impl.repository import Conflict, NotFound, Repository
from reference_impl.schemas import NoteView
from reference_impl.tables import Note, Run, Thread


class UncheckedRun(Repository):
    """Finds a run by its id, whoever asks."""

    async def get_run(self, run_id: str) -> Run | None:
        """Return the run."""
        return await self._session.get(Run, run_id)


class UnownedEdit(Repository):
    """Writes to a note by its id and version, whoever asks."""

    async def edit_note(self, note_id: str, text: str, version: int) -> int | None:
        """Replace the text of a note."""
        statement = (
            update(Note)
            .where(Note.id == note_id, Note.version == version)
            .values(text=text, version=version + 1)
            .execution_options(synchronize_session=False)
        )
        if await self._changed(statement) == 1:
            return version + 1
        return await super().edit_note(note_id, text, version)


class UnfilteredThreads(Repository):
    """Lists the threads of everybody: the client knows which are its own."""

    async def list_threads(self) -> Sequence[Thread]:
        """Return all threads, oldest first."""
        rows = await self._session.scalars(select(Thread).order_by(Thread.created_ns, Thread.id))
        return rows.all()


class TellingRefusal(Service):
    """Refuses another's note in other words than one that does not exist."""

    async def get_note(self, user_id: str, note_id: str) -> NoteView:
        """Return a note of the user.

        Raises:
            Conflict: the note is somebody else's.
            NotFound: there is no such note.
        """
        try:
            return await super().get_note(user_id, note_id)
        except NotFound as error:
            async with self.storage.session() as session:
                if await session.get(Note, note_id) is not None:
                    raise Conflict("This note is somebody else's.") from error
            raise


class _LaxTokens(Tokens):
    """Checks a token, but for one thing."""

    unchecked: str

    def decoded(self, token: str) -> Mapping[str, object]:
        """Return a token's claims."""
        checks: Any = {f"verify_{name}": name != self.unchecked for name in ("signature", "exp", "aud")}
        checks["require"] = ["sub", "aud", "exp"]
        claims: Mapping[str, object] = jwt.decode(
            token,
            self._secret,
            algorithms=[ALGORITHM],
            audience=self._audience if checks["verify_aud"] else None,
            options=checks,
        )
        return claims


class UncheckedSignature(_LaxTokens):
    """Takes any signature, and none."""

    unchecked = "signature"


class UncheckedExpiry(_LaxTokens):
    """Takes a token for ever."""

    unchecked = "exp"


class UncheckedAudience(_LaxTokens):
    """Takes a token that was meant for another service."""

    unchecked = "aud"


OPEN_DOORS = (
    mutant(
        "unchecked-run",
        "E1",
        "access",
        "a run is found by its id without a check of its owner, on this route alone",
        shows_on="access",
        parts=lambda: Parts(repository=UncheckedRun),
    ),
    mutant(
        "unowned-edit",
        "E1",
        "tampering",
        "an edit finds the note by its id without a check of its owner, and writes over it",
        shows_on="access",
        parts=lambda: Parts(repository=UnownedEdit),
    ),
    mutant(
        "telling-refusal",
        "E3",
        "access",
        "another's note is refused in other words than one that does not exist",
        shows_on="access",
        parts=lambda: Parts(service=TellingRefusal),
    ),
    mutant(
        "unchecked-signature",
        "E5",
        "access",
        "a token counts whatever its signature, or without one",
        shows_on="intruders",
        parts=lambda: Parts(tokens=UncheckedSignature),
    ),
    mutant(
        "unchecked-expiry",
        "E5",
        "access",
        "a token counts when it has expired",
        shows_on="intruders",
        parts=lambda: Parts(tokens=UncheckedExpiry),
    ),
    mutant(
        "unchecked-audience",
        "E5",
        "access",
        "a token counts that was issued for another service",
        shows_on="intruders",
        parts=lambda: Parts(tokens=UncheckedAudience),
    ),
    mutant(
        "unfiltered-threads",
        "E7",
        "leak",
        "a list holds the rows of all users, and the client is to filter them",
        shows_on="in-turn",
        parts=lambda: Parts(repository=UnfilteredThreads),
    ),
)
"""Planted bugs of authentication and access."""
