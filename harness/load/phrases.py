"""How the vocabulary is said over HTTP to the bundled backend, and which users say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from harness.model import User, Value

NAMES = ("alice", "Alice", "u", "u_1", "u:1", "org&a", "org$a", "a/b", "1", "bob@example.org", "Zoë", "registry-team")
"""Legitimate user names that careless code takes for one another."""

USERS_PER_PROCESS = 10_000
"""Numbers that one load process may give to its users; a canary can name 167 such processes."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One request.

    Args:
        method, path: of HTTP; the path is quoted.
        body: JSON, or None.
    """

    method: str
    path: str
    body: Mapping[str, Value] | None = None


_ROUTES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "open_thread": ("POST", "/threads", ("title",)),
    "read_thread": ("GET", "/threads/{id}", ()),
    "list_threads": ("GET", "/threads", ()),
    "write_note": ("POST", "/notes", ("text",)),
    "read_note": ("GET", "/notes/{id}", ()),
    "edit_note": ("PUT", "/notes/{id}", ("text", "version")),
    "delete_note": ("DELETE", "/notes/{id}", ()),
    "list_notes": ("GET", "/notes", ()),
    "search_notes": ("GET", "/notes", ()),
    "start_run": ("POST", "/threads/{thread}/runs", ("agent", "text")),
    "read_run": ("GET", "/runs/{id}", ()),
    "cancel_run": ("POST", "/runs/{id}/cancel", ()),
}


def phrase(operation: str, arguments: Mapping[str, Value]) -> Phrase:
    """Return the request that asks for this operation of the vocabulary; `follow` is said over the socket."""
    method, path, body = _ROUTES[operation]
    quoted = {name: quote(str(value), safe="") for name, value in arguments.items()}
    query = f"?{urlencode({'q': arguments['text']})}" if operation == "search_notes" else ""
    return Phrase(method, path.format_map(quoted) + query, {name: arguments[name] for name in body} if body else None)


def principal(number: int, run: str) -> User:
    """Return the user with this number.

    Args:
        number: unique over all processes of a run.
        run: keeps the users of different runs on one lasting target apart.
    """
    return User(number, f"{NAMES[number % len(NAMES)]}-{number // len(NAMES)}.{run}")
