"""Jobs, and how far they are."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Channel, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="progress_stream",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_job", "POST", "/jobs", json={"text": "{canary}"}, makes="job"),
        Route("read_job", "GET", "/jobs/{job}"),
        Route("list_jobs", "GET", "/jobs"),
    ],
    channels=[Channel("progress", "sse", "/jobs/{job}/progress")],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.progress_stream:{which}") for which in ("leaky", "twin"))
