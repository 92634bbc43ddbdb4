"""What follows from the request of a route: from its method, its path and its placeholders.

    GET /notes/{note}                            reads the note
    PUT /notes/{note}    {"text": "{canary}"}    edits it, where the texts of notes are made in the same fields
    DELETE /notes/{note}                         deletes it
    GET /notes           beside the POST /notes that makes a note: lists notes, perhaps not all of them
    GET /notes?q={query}                         searches them

Rules:

- What is stated counts before what is inferred.
- Nothing is inferred by which an innocent service could be accused: not where a text is shown, not that a list is
  complete, no version, no order and no delivery of what is pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from harness.adapter.placeholders import CANARY, names_in, slots_in
from harness.history.semantics import QUERY, Semantics

if TYPE_CHECKING:
    from harness.adapter.adapter import Route

_SEARCH = "/search"


def inferred(routes: Sequence[Route]) -> Mapping[str, Semantics]:
    """Return what is known of each route, by name: what is stated, and what follows from the requests of all."""
    return {route.name: _of(route, routes) for route in routes}


def differing(stated: Semantics, known: Semantics) -> frozenset[str]:
    """Return the fields that were not stated so."""
    return frozenset(field.name for field in fields(known) if getattr(stated, field.name) != getattr(known, field.name))


def _of(route: Route, routes: Sequence[Route]) -> Semantics:
    stated = route.semantics
    if route.makes or route.ends:
        return stated
    method, at_object = route.method.upper(), _ends_in(route.path, stated.takes)
    if method == "GET" and at_object and not route.lists:
        return replace(stated, reads=True)
    if method == "GET" and not stated.lists and not _shows_one(route) and (kind := _collection(route, routes)):
        searches = any(QUERY in names_in(value) for value in route.query.values())
        return replace(stated, lists=kind, searches=searches)
    if method in ("PUT", "PATCH") and at_object and route.edits is None:
        return replace(stated, edits=_replaces_text(route, stated.takes, routes))
    if method == "DELETE" and at_object and route.deletes is None:
        return replace(stated, deletes=not _is_work(stated.takes, routes))
    return stated


def _ends_in(path: str, kind: str | None) -> bool:
    """Return whether the last segment of a path is the id of an object of this kind."""
    last = path.rstrip("/").rsplit("/", 1)[-1]
    return (
        kind is not None and last.startswith("{") and last.endswith("}") and [s.kind for s in slots_in(last)] == [kind]
    )


def _shows_one(route: Route) -> bool:
    """Return whether a route is stated to show one object, not a list."""
    return bool(route.newest_of or route.version or route.progress)


def _collection(route: Route, routes: Sequence[Route]) -> str | None:
    """Return the kind of the objects that are made where this route reads; None for none or several."""
    asks = any(QUERY in names_in(value) for value in route.query.values())
    path = route.path.rstrip("/").removesuffix(_SEARCH if asks else "")
    kinds = {made.makes for made in routes if made.makes and _posts(made) and made.path.rstrip("/") == path}
    return kinds.pop() if len(kinds) == 1 else None


def _replaces_text(route: Route, kind: str | None, routes: Sequence[Route]) -> bool:
    """Return whether a route brings a text into every field in which objects of this kind are made with one."""
    given = {*_fields(route)}
    made = [{*_fields(maker)} for maker in routes if maker.makes == kind]
    return bool(given) and bool(made) and all(fields and fields <= given for fields in made)


def _is_work(kind: str | None, routes: Sequence[Route]) -> bool:
    """Return whether objects of this kind are work, whose deletion may only end it."""
    return any(
        (route.makes == kind and route.starts) or (route.semantics.takes == kind and (route.ends or route.progress))
        for route in routes
    )


def _posts(route: Route) -> bool:
    return route.method.upper() == "POST"


def _fields(route: Route) -> Iterator[tuple[str, ...]]:
    """Yield where the body has the user's own text."""
    for form, body in (("json", route.json), ("form", route.form), ("text", route.text)):
        yield from _canaries(body, (form,))


def _canaries(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _canaries(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for nth, item in enumerate(value):
            yield from _canaries(item, (*path, str(nth)))
    elif isinstance(value, str) and CANARY in names_in(value):
        yield path
