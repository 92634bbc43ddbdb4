"""Questions, and what an agent makes of each."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="kept_agents",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_question", "POST", "/questions", json={"text": "{canary}"}, makes="question"),
        Route("read_question", "GET", "/questions/{question}", newest_of=["write_question"]),
        Route("list_questions", "GET", "/questions"),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.kept_agents:{which}") for which in ("leaky", "twin"))
