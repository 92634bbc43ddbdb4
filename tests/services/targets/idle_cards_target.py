"""Cards."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="idle_cards",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_card", "POST", "/cards", json={"text": "{canary}"}, makes="card"),
        Route("read_card", "GET", "/cards/{card}"),
        Route("list_cards", "GET", "/cards"),
    ],
)
