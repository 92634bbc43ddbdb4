"""Posts on a board."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="fastapi_board",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_post", "POST", "/posts", json={"text": "{canary}"}, makes="post"),
        Route("read_post", "GET", "/posts/{post}"),
        Route("list_posts", "GET", "/posts"),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.fastapi_board:{which}") for which in ("leaky", "twin"))
