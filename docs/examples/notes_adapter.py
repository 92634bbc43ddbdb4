"""The adapters of the notes services: all that a user has to write for every suite."""

from __future__ import annotations

from urllib.parse import quote

from harness.adapter import Adapter, Route, trusted

SIGN_IN = trusted("x-user", lambda user: quote(user.name))
ROUTES = [
    Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note", shows="text"),
    Route("read_note", "GET", "/notes/{note}", shows="text"),
    Route("list_notes", "GET", "/notes", lists="note", shows="text"),
    Route("search_notes", "GET", "/notes", query={"q": "{query}"}, lists="note", shows="text"),
]

leaky = Adapter(name="leaky notes", sign_in=SIGN_IN, routes=ROUTES, app="leaky_notes:create_app")
fixed = Adapter(name="fixed notes", sign_in=SIGN_IN, routes=ROUTES, app="fixed_notes:create_app")
