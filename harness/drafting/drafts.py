"""From the operations of a document to the routes and channels of an adapter.

Rules:
- A route is drafted when each object that it needs is made by another one; otherwise it is left out, and told why.
- What makes a kind needs no object of that kind: every program can begin with nothing.

How it works. The makers of kinds are drafted first, again and again, each with the kinds that are made so far, until
no more come (a least fixed point). Then everything else is, with all kinds there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.adapter.adapter import Channel, Route
from harness.adapter.placeholders import CANARY
from harness.drafting.document import Content, Document, Operation, Parameter, Schema, Socket
from harness.drafting.examples import SEARCHED, SEARCHES, TEXTS, Examples, snake
from harness.drafting.kinds import (
    Maker,
    in_paths,
    kind_name,
    kinds_of_field,
    kinds_of_parameter,
    maker,
    parameter_in,
    worked_on,
)
from harness.drafting.shown import stated, version_in
from harness.drafting.unasked import why_not_asked
from harness.history.semantics import VERSION

_STREAMS: Mapping[str, Literal["sse", "lines"]] = {
    "text/event-stream": "sse",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/jsonlines": "lines",
}
_OF_CLIENT = frozenset({"session_id", "client_id", "connection_id", "device_id", "session"})
"""Names of ids that a client may choose for itself."""
_OF_USER = frozenset({"user", "username", "user_name", "user_id", "userid", "login"})
"""Names of the user who asks."""
_OF_SIGN_IN = frozenset({"authorization", "cookie", "x_api_key", "api_key", "x_auth_token", "x_access_token"})
"""Headers that signing in gives."""


class LeftOut(Exception):
    """An operation cannot be drafted. Says why."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A route or a channel, and what somebody should look at.

    Args:
        part: of the adapter.
        notes: a sentence each.
        operation: that it was drafted of; None of a socket.
    """

    part: Route | Channel
    notes: tuple[str, ...] = ()
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What an adapter is made of, signing in left out.

    Args:
        routes: and what to look at.
        channels: and what to look at.
        left_out: what was not drafted, and why.
    """

    routes: tuple[Drafted, ...]
    channels: tuple[Drafted, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of objects that are made."""
        made = (item.part.makes for item in self.routes if isinstance(item.part, Route))
        return tuple(dict.fromkeys(kind for kind in made if kind))

    @property
    def carries(self) -> bool:
        """Whether any route brings a user's own text in."""
        return any(isinstance(item.part, Route) and item.part.carries for item in self.routes)


def draft(document: Document, taken: Mapping[tuple[str, str], str], skipped: frozenset[str] = frozenset()) -> Draft:
    """Return the routes and channels of a document.

    Args:
        document: of the service.
        taken: methods and paths that signing in has use for, and what for.
        skipped: parameters that signing in gives, in lower case.
    """
    left_out = []
    asked = []
    for operation in document.operations:
        why = taken.get((operation.method, operation.path)) or why_not_asked(operation)
        if why is None:
            asked.append(operation)
        else:
            left_out.append((operation.title, why))
    work = _Work(document, tuple(asked), skipped)
    drafted, failed = work.drafted()
    sockets, closed = work.sockets()
    channels = [item for item in drafted if isinstance(item.part, Channel)]
    return Draft(
        routes=_with_answers(document, [*_unique(item for item in drafted if isinstance(item.part, Route))]),
        channels=tuple(_unique([*channels, *sockets])),
        left_out=(*left_out, *failed, *closed),
    )


def _with_answers(document: Document, drafted: list[Drafted]) -> tuple[Drafted, ...]:
    """Return the routes with what their answers say of them."""
    pairs = [(item.part, item.operation) for item in drafted]
    routes = [(part, operation) for part, operation in pairs if isinstance(part, Route) and operation is not None]
    said = stated(document, routes)
    return tuple(
        replace(item, part=one.route, notes=(*item.notes, *one.notes)) for item, one in zip(drafted, said, strict=True)
    )


def _unique(items: Iterator[Drafted] | list[Drafted]) -> Iterator[Drafted]:
    """Yield the parts, with a number after a name that was there before."""
    seen: set[str] = set()
    for item in items:
        name, number = item.part.name, 2
        while name in seen:
            name, number = f"{item.part.name}_{number}", number + 1
        seen.add(name)
        yield replace(item, part=replace(item.part, name=name))


class _Work:
    """Drafts the operations of one document."""

    def __init__(self, document: Document, operations: tuple[Operation, ...], skipped: frozenset[str]) -> None:
        self._document = document
        self._operations = operations
        self._skipped = skipped
        self._in_paths = in_paths(operations)
        wanted = worked_on(document, operations)
        found = [(operation, maker(document, operation, wanted)) for operation in operations]
        self._makers = {id(operation): made for operation, made in found if made is not None}
        self._made: dict[str, None] = {}

    def drafted(self) -> tuple[list[Drafted], list[tuple[str, str]]]:
        """Return what could be drafted in the order of the document, and what could not, with the reason."""
        first = self._first_makers()
        drafted, failed = [], []
        for operation in self._operations:
            try:
                drafted += first.get(id(operation)) or self._parts(operation)
            except LeftOut as reason:
                failed.append((operation.title, str(reason)))
        return drafted, failed

    def sockets(self) -> tuple[list[Drafted], list[tuple[str, str]]]:
        """Return the channels of the WebSocket routes, and those that could not be drafted."""
        opened, failed = [], []
        for socket in self._document.sockets:
            try:
                opened.append(self._socket(socket))
            except LeftOut as reason:
                failed.append((f"WebSocket {socket.path}", str(reason)))
        return opened, failed

    def _first_makers(self) -> dict[int, list[Drafted]]:
        first: dict[int, list[Drafted]] = {}
        grew = True
        while grew:
            grew = False
            for operation in self._operations:
                made = self._makers.get(id(operation))
                if made is None or made.kind in self._made:
                    continue
                try:
                    first[id(operation)] = self._parts(operation)
                except LeftOut:
                    continue  # until the kinds that it needs are made
                self._made[made.kind] = None
                grew = True
        return first

    def _parts(self, operation: Operation) -> list[Drafted]:
        request = _Request(self._document, operation, self._made, self._in_paths, self._makers.get(id(operation)))
        route, queries = request.route(self._skipped)
        stream = next((_STREAMS[item.media] for item in operation.answers if item.media in _STREAMS), None)
        if stream and operation.method == "GET":
            channel = Channel(route.name, stream, route.path, query=route.query, headers=route.headers)
            return [Drafted(channel, request.notes, operation)]
        asked = ((f"{route.name}_by_{snake(name)}", {**route.query, name: value}) for name, value in queries)
        further = [Drafted(replace(route, name=name, query=query), (), operation) for name, query in asked]
        return [Drafted(route, request.notes, operation), *further]

    def _socket(self, socket: Socket) -> Drafted:
        names = [name for part in socket.path.split("/") if (name := parameter_in(part))]
        parameters = [Parameter(name, "path", True, {"type": "string"}) for name in names]
        parameters += [Parameter(name, "query", True, {"type": "string"}) for name in socket.required]
        operation = Operation(
            method="GET",
            path=socket.path,
            name=socket.name,
            parameters=parameters,
            bodies=(),
            answers=(),
            sets_cookie=False,
        )
        route, _ = _Request(self._document, operation, self._made, self._in_paths, None).route(self._skipped)
        return Drafted(
            Channel(route.name, "websocket", route.path, query=route.query),
            (
                "if the client speaks first, say what: hello=[Message('subscribe', {'action': 'subscribe'})],",
                "and in messages=[...] what a user can say later; `{canary}` and ids like `{note}` go there, too",
            ),
        )


class _Request:
    """Drafts the request of one operation."""

    def __init__(
        self,
        document: Document,
        operation: Operation,
        made: Mapping[str, None],
        in_paths: Mapping[str, tuple[str, ...]],
        maker: Maker | None,
    ) -> None:
        self._operation = operation
        self._made = tuple(made)
        self._in_paths = in_paths
        self._maker = maker
        self._used: set[str] = set()
        self._where = "query"
        self._examples = Examples(document, self._place)

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should look at."""
        guessed = self._maker is not None and self._maker.guessed
        own = ("the document does not say what it answers: is the new id in `id`?",) if guessed else ()
        return (*dict.fromkeys(self._examples.guesses), *own)

    def route(self, skipped: frozenset[str]) -> tuple[Route, list[tuple[str, str]]]:
        """Return the route, and query parameters with which it could be asked in another way.

        Raises:
            LeftOut: it cannot be asked.
        """
        operation = self._operation
        path = self._path()
        query, further = self._query(skipped)
        headers = {
            item.name: str(self._examples.value(item.name, item.schema))
            for item in operation.parameters
            if item.place == "header"
            and item.required
            and not {item.name.lower(), snake(item.name)} & self._given(skipped)
        }
        self._where = "body"
        return Route(
            name_of(operation),
            operation.method,
            path,
            query=query,
            headers=headers,
            **self._body(operation.bodies),
            makes=self._maker.kind if self._maker else "",
            id=self._maker.id if self._maker else "id",
        ), further

    @staticmethod
    def _given(skipped: frozenset[str]) -> frozenset[str]:
        return skipped | _OF_SIGN_IN

    def _path(self) -> str:
        return re.sub(r"\{([^{}]+)\}", lambda found: self._in_path(found.group(1)), self._operation.path)

    def _in_path(self, name: str) -> str:
        parameter = self._operation.parameter(name, "path")
        schema: Schema = parameter.schema if parameter else {"type": "string"}
        kinds = kinds_of_parameter(self._operation, name)
        for kind in kinds:
            if kind in self._made:
                return self._slot(kind, "path")
        if (given := _given_for(name, schema)) is not None:
            return given
        if "example" in schema:
            return str(schema["example"])
        if "enum" in schema or "const" in schema or schema.get("type") == "boolean":
            return str(self._examples.value(name, schema))
        if snake(name) in SEARCHES or snake(name) in TEXTS[:10]:
            return f"{{{CANARY}}}"
        which = kinds[0] if kinds else snake(name)
        raise LeftOut(f"no route makes any {which}, which {{{name}}} names")

    def _query(self, skipped: frozenset[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
        query: dict[str, str] = {}
        further: list[tuple[str, str]] = []
        for item in self._operation.parameters:
            if item.place != "query" or item.name.lower() in skipped:
                continue
            searches = snake(item.name) in SEARCHES and self._examples.free(item.name, item.schema)
            if item.required:
                query[item.name] = SEARCHED if searches else _as_text(self._examples.value(item.name, item.schema))
            elif self._operation.method == "GET" and searches and not further:
                further.append((item.name, SEARCHED))
            elif self._operation.method == "GET" and (slot := self._place(item.name, item.schema, False)) is not None:
                further.append((item.name, slot))
        return query, further

    def _body(self, bodies: Sequence[Content]) -> dict[str, Any]:
        for content in bodies:
            if content.media == "application/json" or content.media.endswith("+json") or content.media == "*/*":
                return {"json": self._examples.body(content.schema)}
        for content in bodies:
            if content.media == "application/x-www-form-urlencoded":
                return {"form": _fields(self._examples.body(content.schema))}
        for content in bodies:
            if content.media.startswith("text/"):
                return {"text": f"{{{CANARY}}}"}
        if bodies:
            raise LeftOut(f"its body is {bodies[0].media}, and an adapter has json, form and text")
        return {}

    def _place(self, name: str, schema: Schema, required: bool) -> str | None:
        """Return the placeholder of what a field names; None when it names nothing that is known."""
        if not name or schema.get("type") not in ("string", "integer", "") or "enum" in schema or "const" in schema:
            return None
        kinds = [*kinds_of_field(name)]
        if schema.get("format") == "uuid" or schema.get("type") == "integer":
            kinds.append(kind_name(snake(name)))
        for kind in kinds:
            if kind in self._made and (required or self._maker is None):
                return self._slot(kind, snake(name).removesuffix("_id").removesuffix(kind).strip("_") or self._where)
        if not required:
            return None
        if (given := _given_for(name, schema)) is not None:
            return given
        if self._where == "body" and version_in(self._operation, name, schema):
            return f"{{{VERSION}}}"
        if lacking := [kind for kind in kinds if kind in self._in_paths]:
            raise LeftOut(f"no route makes any {lacking[0]}, which the field {name} names")
        return None

    def _slot(self, kind: str, label: str) -> str:
        """Return a placeholder; one with a label where the object is named in another place already."""
        if kind not in self._used:
            self._used.add(kind)
            return f"{{{kind}}}"
        return f"{{{kind}:{label}}}"


def name_of(operation: Operation) -> str:
    """Return what an operation is called: its id, without what FastAPI adds to make it unique."""
    method, name = operation.method.lower(), operation.name
    for cut in (place for place, letter in enumerate(operation.path) if letter == "/"):
        ending = re.sub(r"\W", "_", operation.path[cut:]) + f"_{method}"
        if name.endswith(ending) and len(name) > len(ending):
            name = name.removesuffix(ending)
            break
    if name := snake(name):
        return name if not name[0].isdigit() else f"{method}_{name}"
    words = [snake(parameter_in(part) or part) for part in operation.segments]
    return "_".join([method, *filter(None, words)])


def _given_for(name: str, schema: Schema) -> str | None:
    """Return the placeholder of who asks, or of what the client chooses, where a parameter names that."""
    if schema.get("type") not in ("string", "") or "format" in schema or "enum" in schema:
        return None
    if snake(name) in _OF_CLIENT:
        return "{session}"
    return "{user}" if snake(name) in _OF_USER else None


def _as_text(value: Any) -> str:
    """Return a value as a query has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_as_text, value)) if isinstance(value, list) else str(value)


def _fields(body: Any) -> dict[str, str]:
    return {name: _as_text(value) for name, value in body.items()} if isinstance(body, dict) else {}
