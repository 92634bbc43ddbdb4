"""Notes, and a feed of them."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Channel, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="sse_feed",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
        Route("read_note", "GET", "/notes/{note}"),
        Route("list_notes", "GET", "/notes"),
    ],
    channels=[
        Channel("feed", "sse", "/feed", query={"session": "{session}"}),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.sse_feed:{which}") for which in ("leaky", "twin"))
