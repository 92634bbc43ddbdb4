"""Documents of tenants in one table."""

from __future__ import annotations

import jwt

from harness.adapter import Adapter, Route, bearer

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="postgres_tenants",
    sign_in=bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256")),
    routes=[
        Route("write_document", "POST", "/documents", json={"text": "{canary}"}, makes="document"),
        Route("read_document", "GET", "/documents/{document}"),
        Route("list_documents", "GET", "/documents"),
    ],
)
