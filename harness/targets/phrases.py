"""Which request asks for which operation of the vocabulary, at the bundled backend. No transport, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from harness.history.model import Value


@dataclass(frozen=True, slots=True)
class Phrase:
    """One request.

    Args:
        method: of HTTP.
        path: quoted, with the query.
        body: JSON, or None.
    """

    method: str
    path: str
    body: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """Where an operation is asked for, and which of its arguments go into the body and the query."""

    method: str
    path: str
    body: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()


_ROUTES = {
    "open_thread": _Route("POST", "/threads", ("title",)),
    "read_thread": _Route("GET", "/threads/{id}"),
    "list_threads": _Route("GET", "/threads"),
    "write_note": _Route("POST", "/notes", ("text",)),
    "read_note": _Route("GET", "/notes/{id}"),
    "edit_note": _Route("PUT", "/notes/{id}", ("text", "version")),
    "delete_note": _Route("DELETE", "/notes/{id}"),
    "list_notes": _Route("GET", "/notes"),
    "search_notes": _Route("GET", "/notes", query=(("q", "text"),)),
    "start_run": _Route("POST", "/threads/{thread}/runs", ("agent", "text")),
    "read_run": _Route("GET", "/runs/{id}"),
    "cancel_run": _Route("POST", "/runs/{id}/cancel"),
}


def phrase(operation: str, arguments: Mapping[str, Value]) -> Phrase:
    """Return the request that asks for this operation; `follow` is said over the socket instead.

    Raises:
        KeyError: there is no such route, or an argument of its path or query is missing.
    """
    route = _ROUTES[operation]
    path = route.path.format_map({name: quote(str(value), safe="") for name, value in arguments.items()})
    query = urlencode({key: arguments[name] for key, name in route.query})
    body = {name: arguments[name] for name in route.body if name in arguments}
    return Phrase(route.method, f"{path}?{query}" if query else path, body if route.body else None)
