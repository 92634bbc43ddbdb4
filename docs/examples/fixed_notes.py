"""The notes service, corrected: the user is an argument, and what is cached is cached under its user."""

from __future__ import annotations

import asyncio
import uuid

from fastapi import FastAPI, Header, HTTPException


def create_app() -> FastAPI:
    """Make a service with notes of its own."""
    app = FastAPI()
    notes: dict[str, dict[str, str]] = {}  # by id: id, owner, text
    searches: dict[tuple[str, str], list[dict[str, str]]] = {}

    @app.post("/notes")
    async def write(note: dict[str, str], x_user: str = Header()) -> dict[str, str]:
        await asyncio.sleep(0)  # the database
        kept = {"id": uuid.uuid4().hex, "owner": x_user, "text": note["text"]}
        notes[kept["id"]] = kept
        searches.clear()
        return kept

    @app.get("/notes/{name}")
    async def read(name: str, x_user: str = Header()) -> dict[str, str]:
        if name not in notes or notes[name]["owner"] != x_user:
            raise HTTPException(404, "no such note")
        return notes[name]

    @app.get("/notes")
    async def find(q: str = "", x_user: str = Header()) -> list[dict[str, str]]:
        await asyncio.sleep(0)  # the database
        if (x_user, q) not in searches:
            searches[x_user, q] = [note for note in notes.values() if note["owner"] == x_user and q in note["text"]]
        return searches[x_user, q]

    return app
