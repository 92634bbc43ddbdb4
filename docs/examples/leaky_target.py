"""A target in Python: how the harness signs in to the notes services, and asks. For what no adapter can say.

`notes_adapter.py` says the same in an adapter, which is shorter and is verified over the wire, too.
"""

from __future__ import annotations

from urllib.parse import quote

import fixed_notes
import httpx
import leaky_notes
from fastapi import FastAPI

from harness.history.model import OnPush, Operation, Promises, Refused, User, Value
from harness.history.semantics import Semantics

ROUTES = {  # method and path of each operation
    "write_note": ("POST", "/notes"),
    "read_note": ("GET", "/notes/{note}"),
    "list_notes": ("GET", "/notes"),
    "search_notes": ("GET", "/notes?q={query}"),
}
OPERATIONS = (  # and what is known of it
    Semantics("write_note", makes="note", texts=("text",), shows="text"),
    Semantics("read_note", takes="note", argument="note", reads=True, shows="text"),
    Semantics("list_notes", lists="note", all=True, shows="text"),
    Semantics("search_notes", lists="note", all=True, searches=True, shows="text"),
)


class NotesTarget:
    """One application in this process."""

    promises = Promises(operations={known.name: known for known in OPERATIONS})

    def __init__(self, name: str, app: FastAPI) -> None:
        self.name = name
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app, False), base_url="http://notes")

    async def connect(self, user: User, on_push: OnPush) -> NotesClient:
        return NotesClient(self._http, {"x-user": quote(user.name)})

    async def close(self) -> None:
        await self._http.aclose()


class NotesClient:
    """One user of it. `Refused` is a definite no; any other error may or may not have happened."""

    def __init__(self, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._http, self._headers = http, headers

    async def invoke(self, operation: Operation) -> Value:
        method, path = ROUTES[operation.name]
        named = {**operation.objects, **operation.given}
        url = path.format_map({name: quote(str(value)) for name, value in named.items()})
        answer = await self._http.request(method, url, json=dict(operation.given), headers=self._headers)
        if 400 <= answer.status_code < 500:
            raise Refused(answer.status_code, answer.text)
        return answer.raise_for_status().json()

    async def close(self) -> None: ...


def leaky() -> NotesTarget:
    return NotesTarget("leaky notes", leaky_notes.create_app())


def fixed() -> NotesTarget:
    return NotesTarget("fixed notes", fixed_notes.create_app())
