"""Letters, over HTTP/2."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="multiplexed_inbox",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_letter", "POST", "/letters", json={"text": "{canary}"}, makes="letter"),
        Route("read_letter", "GET", "/letters/{letter}"),
        Route("list_letters", "GET", "/letters"),
    ],
    http2=True,
)
