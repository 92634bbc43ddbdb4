"""Uploads of plain text."""

from __future__ import annotations

from dataclasses import replace

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="chunked_upload",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_upload", "POST", "/uploads", text="{canary}", makes="upload"),
        Route("read_upload", "GET", "/uploads/{upload}"),
        Route("list_uploads", "GET", "/uploads"),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.chunked_upload:{which}") for which in ("leaky", "twin"))
