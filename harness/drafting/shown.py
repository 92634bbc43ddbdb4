"""What the answers of a document say: where a text comes out again, which object has a version, which list has pages.

Rules:

- A text is shown where an answer has a field of the name with which it was brought in.
- A version is a number that the answers of a kind have and that an edit of it must give back.
- No document says that a list is complete, unless it has pages: then it need not be. That is left to say to somebody
  who knows, as a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.adapter.adapter import Route
from harness.adapter.inference import inferred
from harness.adapter.placeholders import CANARY, names_in
from harness.drafting.document import Document, Operation, Schema
from harness.drafting.examples import snake
from harness.drafting.kinds import id_in, named_in
from harness.history.semantics import VERSION

PAGES = (
    *("cursor", "page_token", "next", "after", "before", "starting_after", "page", "page_number", "offset", "skip"),
    *("start", "limit", "per_page", "page_size", "size", "first", "count", "top", "max_results"),
)
"""Names of parameters that ask for a part of a list, those that ask for another part first."""
VERSIONS = frozenset({"version", "revision", "rev", "lock_version", "row_version", "version_id"})
"""Names of numbers that each edit raises."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What answers say of a route.

    Args:
        route: with what they say.
        notes: what somebody who knows the service could add.
    """

    route: Route
    notes: tuple[str, ...] = ()


def stated(document: Document, drafted: Sequence[tuple[Route, Operation]]) -> list[Stated]:
    """Return the routes with what the answers of their operations say."""
    routes = [route for route, _ in drafted]
    known = inferred(routes)
    work = _Work(document, _texts_of(routes))
    said = []
    for route, operation in drafted:
        semantics = known[route.name]
        if semantics.lists:
            said.append(work.of_list(route, operation, semantics.lists))
        elif kind := semantics.makes or (semantics.takes if semantics.reads or semantics.edits else None):
            said.append(work.of_object(route, operation, kind))
        else:
            said.append(Stated(route))
    return [*_versioned(said)]


def version_in(operation: Operation, name: str, schema: Schema) -> bool:
    """Return whether a field of a body is the version that an edit replaces."""
    return operation.method in ("PUT", "PATCH") and _is_version(name, schema)


class _Work:
    """Reads the answers of one document."""

    def __init__(self, document: Document, texts: Mapping[str, tuple[str, ...]]) -> None:
        self._document = document
        self._texts = texts

    def of_object(self, route: Route, operation: Operation, kind: str) -> Stated:
        """Return what an answer says of the object that it shows."""
        schema = self._answer(operation)
        if schema is None:
            return Stated(route)
        route = replace(route, version=self._version(schema))
        if route.makes or route.method != "GET":
            return Stated(route)
        shows = named_in(self._document, schema, self._texts.get(kind, ()), (kind,))
        if shows is None and not schema.get("properties"):
            field = next(iter(self._texts.get(kind, ())), "text")
            return Stated(route, (f'if the answer has the text there, add shows="{field}"',))
        return Stated(replace(route, shows=shows, id=id_in(self._document, schema, kind, ()) or "id"))

    def of_list(self, route: Route, operation: Operation, kind: str) -> Stated:
        """Return what an answer says of the list that it has."""
        page = _page_of(operation)
        found = self._entries(self._answer(operation) or {})
        if found is None:
            return Stated(route)
        entries, entry = found
        shows = named_in(self._document, entry, self._texts.get(kind, ()), (kind,))
        name = id_in(self._document, entry, kind, ()) or "id"
        route = replace(route, entries=entries, shows=shows, id=name)
        if page:
            return Stated(replace(route, lists=kind, page=page))
        hint = f'if this lists all that a user has, add lists="{kind}": what is missing is then lost'
        return Stated(route, () if route.query else (hint,))

    def _answer(self, operation: Operation) -> Schema | None:
        """Return the schema of the JSON with which an operation is answered; None when it has none."""
        found = (content.schema for content in operation.answers if "json" in content.media or content.media == "*/*")
        schema = next(found, None)
        return None if schema is None else self._document.plain(schema)

    def _entries(self, schema: Schema, deep: int = 1) -> tuple[str, Schema] | None:
        """Return where an answer has its one list of objects, and what each is; None when it has none or several."""
        if schema.get("type") == "array":
            entry = self._document.plain(schema.get("items", {}))
            return ("", entry) if entry.get("type") in ("object", "") else None
        found = []
        for key, raw in schema.get("properties", {}).items():
            inner = self._document.plain(raw)
            if inner.get("type") == "array" or deep:
                further = self._entries(inner, deep - 1)
                found += [(f"{key}.{further[0]}".rstrip("."), further[1])] if further is not None else []
        return found[0] if len(found) == 1 else None

    def _version(self, schema: Schema) -> str:
        """Return where an answer has a version, or `""`."""
        fields = schema.get("properties", {})
        return next((name for name, raw in fields.items() if _is_version(name, self._document.plain(raw))), "")


def _is_version(name: str, schema: Schema) -> bool:
    return snake(name) in VERSIONS and schema.get("type") in ("integer", "number")


def _texts_of(routes: Iterable[Route]) -> Mapping[str, tuple[str, ...]]:
    """Return, of each kind, the names of the fields in which its texts are brought in."""
    return {route.makes: (*_fields(route.json or route.form),) for route in routes if route.makes}


def _fields(body: Any) -> Iterable[str]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            if isinstance(value, str) and CANARY in names_in(value):
                yield str(key)
            else:
                yield from _fields(value)


def _page_of(operation: Operation) -> str:
    """Return the parameter that asks for another part of a list, or `""`."""
    optional = {snake(item.name): item.name for item in operation.parameters if item.place == "query"}
    return next((optional[name] for name in PAGES if name in optional), "")


def _versioned(said: Iterable[Stated]) -> Iterable[Stated]:
    """Yield the routes, those with versions only where an edit of the kind gives one back."""
    kept = [*said]
    edited = {route.semantics.takes for route in (one.route for one in kept) if VERSION in names_in(route.json)}
    for one in kept:
        known = one.route.makes or one.route.semantics.takes
        yield one if known in edited else replace(one, route=replace(one.route, version=""))
