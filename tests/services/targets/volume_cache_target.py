"""Notes, asked for often."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="volume_cache",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
        Route("read_note", "GET", "/notes/{note}"),
        Route("list_notes", "GET", "/notes"),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.volume_cache:{which}") for which in ("leaky", "twin"))
