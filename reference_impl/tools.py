"""What an agent may do to the world: write and find its user's notes, within its request.

Rules:
- A tool is bound to one repository, hence to one owner and one session; it takes no user from its caller.
- A tool never commits: the request's scope does, once, so a failed run leaves no partial write.
- After the scope has closed, a tool raises `ScopeClosed` and does nothing.

How it works: each call is announced by tool_executing and followed by tool_completed.
"""

from __future__ import annotations

from reference_impl.emitter import ScopeClosed, UserWebSocketEmitter
from reference_impl.repository import Repository


class Tools:
    """The tools of one request."""

    def __init__(self, repository: Repository, emitter: UserWebSocketEmitter) -> None:
        """Bind to the request's repository and emitter."""
        self._repository = repository
        self._emitter = emitter

    async def write_note(self, text: str) -> str:
        """Add a note of the request's user to the request's transaction and return its id.

        Raises:
            ScopeClosed: the request is over.
        """
        await self._begin("write_note")
        note = self._repository.add_note(text)
        await self._emitter.emit("tool_completed", {"tool": "write_note", "note": note.id})
        return note.id

    async def find_notes(self, text: str) -> tuple[str, ...]:
        """Return the texts of the user's committed notes that contain `text`, oldest first.

        Raises:
            ScopeClosed: the request is over.
            ValueError: the text is too long to search for.
        """
        await self._begin("find_notes")
        notes = await self._repository.search_notes(text)
        await self._emitter.emit("tool_completed", {"tool": "find_notes", "found": len(notes)})
        return tuple(note.text for note in notes)

    async def _begin(self, tool: str) -> None:
        if self._emitter.closed:
            raise ScopeClosed(
                f"Tool {tool} was not run: its request is over, and so is its session. "
                "Await all work before execute() returns."
            )
        await self._emitter.emit("tool_executing", {"tool": tool})
