"""Notes by topic: `c` as `a:b` asks for it, and `b:c` as `a` does."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="redis_cache",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_note", "POST", "/notes", json={"text": "{canary}", "topic": "c"}, makes="note"),
        Route("write_longer", "POST", "/notes", json={"text": "{canary}", "topic": "b:c"}, makes="note"),
        Route("read_note", "GET", "/notes/{note}"),
        Route("list_notes", "GET", "/notes", query={"topic": "c"}),
        Route("list_longer", "GET", "/notes", query={"topic": "b:c"}),
    ],
)
