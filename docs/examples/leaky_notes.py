"""A notes service as it is often written: right for one user at a time. Built from no part of ours.

Two mistakes: the current user is kept where all requests see it, set before an await and read after it; and searches
are cached under their question alone.
"""

from __future__ import annotations

import asyncio
import uuid

from fastapi import FastAPI, Header, HTTPException


def create_app() -> FastAPI:
    """Make a service with notes of its own."""
    app = FastAPI()
    notes: dict[str, dict[str, str]] = {}  # by id: id, owner, text
    searches: dict[str, list[dict[str, str]]] = {}

    @app.middleware("http")
    async def sign_in(request, call_next):
        app.state.user = request.headers["x-user"]
        return await call_next(request)

    @app.post("/notes")
    async def write(note: dict[str, str]) -> dict[str, str]:
        await asyncio.sleep(0)  # the database
        kept = {"id": uuid.uuid4().hex, "owner": app.state.user, "text": note["text"]}
        notes[kept["id"]] = kept
        searches.clear()
        return kept

    @app.get("/notes/{name}")
    async def read(name: str, x_user: str = Header()) -> dict[str, str]:
        if name not in notes or notes[name]["owner"] != x_user:
            raise HTTPException(404, "no such note")
        return notes[name]

    @app.get("/notes")
    async def find(q: str = "") -> list[dict[str, str]]:
        await asyncio.sleep(0)  # the database
        if q not in searches:
            searches[q] = [note for note in notes.values() if note["owner"] == app.state.user and q in note["text"]]
        return searches[q]

    return app
