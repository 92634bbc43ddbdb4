"""An OpenAPI 3 document, as the other parts of this package want it: without references, unions or nulls.

Rules:
- What a document says is kept; what it does not say is not made up here.
- References lead to places in the same document. Another file is refused, with the way to bring both together.

How it works. `Document.plain` takes one level of a schema and returns it without `$ref`, `allOf`, `anyOf` and `oneOf`;
whoever walks on asks again, so that schemas which contain themselves do no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

Schema = Mapping[str, Any]
"""A JSON Schema, or a part of an OpenAPI document."""

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 12
"""How many references and unions may lead to one another before a schema counts as one that says nothing."""
_UNIONS = ("allOf", "anyOf", "oneOf")


class DraftError(ValueError):
    """Nothing can be drafted. Says what, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a request carries outside its body.

    Args:
        name: of it.
        place: `path`, `query`, `header` or `cookie`.
        required: whether requests without it are refused.
        schema: of its value.
    """

    name: str
    place: str
    required: bool
    schema: Schema


@dataclass(frozen=True, slots=True)
class Content:
    """A body of a request or an answer.

    Args:
        media: its type, in lower case, without parameters.
        schema: of it.
    """

    media: str
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Args:
        method: in upper case.
        path: with the prefix of the server.
        name: its operation id, or `""`.
        parameters: of path, query, headers and cookies.
        bodies: the forms that its body may have; empty for none.
        answers: the bodies with which it may succeed.
        sets_cookie: whether it says that it sets one when it succeeds.
    """

    method: str
    path: str
    name: str
    parameters: Sequence[Parameter]
    bodies: Sequence[Content]
    answers: Sequence[Content]
    sets_cookie: bool

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path."""
        return tuple(part for part in self.path.split("/") if part)

    @property
    def title(self) -> str:
        """How it is named in a sentence."""
        return f"{self.method} {self.path}"

    def parameter(self, name: str, place: str) -> Parameter | None:
        """Return the parameter of this name in this place."""
        found = (item for item in self.parameters if item.name == name and item.place == place)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Socket:
    """A WebSocket route.

    Args:
        path: of it.
        name: of the function that serves it.
        required: the query parameters that it must be given.
    """

    path: str
    name: str
    required: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a service says of itself.

    Args:
        raw: the OpenAPI document.
        source: where it came from, as the user wrote it.
        url: where the service is, when that is known.
        app: the ASGI application that it is, `module:attribute`, when it is one.
        sockets: its WebSocket routes, of which OpenAPI knows nothing.
        challenge: the scheme with which it refuses those who do not say who they are: `bearer`, `basic`, ... in lower
            case; `""` when it refused nobody, or was not asked.

    Raises:
        DraftError: this is no OpenAPI 3 document.
    """

    raw: Any
    source: str
    url: str = ""
    app: str = ""
    sockets: Sequence[Socket] = ()
    challenge: str = ""

    def __post_init__(self) -> None:
        """Say at once when it is none."""
        version = self.raw.get("openapi", self.raw.get("swagger")) if isinstance(self.raw, Mapping) else None
        if version is None or not isinstance(self.raw.get("paths", {}), Mapping):
            raise DraftError(
                f"{self.source} is no OpenAPI document (it has no `openapi` and `paths`): give the URL or file of one"
            )
        if not str(version).startswith("3"):
            raise DraftError(
                f"{self.source} is OpenAPI {version}: convert it to OpenAPI 3 (converter.swagger.io does it)"
            )

    @property
    def title(self) -> str:
        """What it calls the service, or `""`."""
        return str(self._at("info").get("title", ""))

    @property
    def prefix(self) -> str:
        """What the server's URL puts before each path."""
        servers = self.raw.get("servers") or [{}]
        address = str(servers[0].get("url", ""))
        for name, variable in servers[0].get("variables", {}).items():
            address = address.replace(f"{{{name}}}", str(variable.get("default", "")))
        return urlsplit(address).path.rstrip("/")

    @property
    def security(self) -> Mapping[str, Schema]:
        """The ways to sign in that it names."""
        schemes = self._at("components").get("securitySchemes", {})
        return {name: self.resolved(scheme) for name, scheme in schemes.items()}

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What can be asked of it, in the order of the document."""
        return tuple(self._operations())

    def resolved(self, node: Any) -> Schema:
        """Return a part of the document without a reference at its top.

        Raises:
            DraftError: the reference leads nowhere, or to another file.
        """
        for _ in range(DEEPEST):
            if not isinstance(node, Mapping):
                return {}
            if "$ref" not in node:
                return node
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = self._target(str(node["$ref"]))
            node = {**target, **beside} if isinstance(target, Mapping) else {}
        return {}

    def plain(self, schema: Any, depth: int = 0) -> Schema:
        """Return a schema whose top level has no reference, no union and no null; of a union, the first that counts."""
        whole = self.resolved(schema)
        if depth > DEEPEST:
            return {}
        merged: Schema = {key: value for key, value in whole.items() if key not in _UNIONS}
        for part in whole.get("allOf", ()):
            merged = _both(merged, self.plain(part, depth + 1))
        for union in ("anyOf", "oneOf"):
            for option in whole.get(union, ()):
                chosen = self.plain(option, depth + 1)
                if chosen.get("type") != "null":
                    merged = _both(_discriminated(merged, whole, option), chosen)
                    break
        return {**merged, "type": _type_of(merged)}

    def _at(self, key: str) -> Schema:
        found = self.raw.get(key)
        return found if isinstance(found, Mapping) else {}

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise DraftError(
                f"{self.source} refers to another file ({reference}): bundle it into one file first, for instance with "
                "`npx @redocly/cli bundle`, and give that"
            )
        node: Any = self.raw
        for part in reference.lstrip("#/").split("/") if reference != "#" else ():
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key)] if isinstance(node, list) else node[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise DraftError(f"{self.source} refers to {reference}, which it has not: mend the document") from None
        return node

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.raw.get("paths", {}).items():
            shared = self.resolved(item)
            for method in METHODS:
                if isinstance(shared.get(method), Mapping):
                    yield self._operation(method, str(path), shared, shared[method])

    def _operation(self, method: str, path: str, shared: Schema, said: Schema) -> Operation:
        parameters = {
            (item.name, item.place): item
            for raw in (*shared.get("parameters", ()), *said.get("parameters", ()))
            if (item := self._parameter(self.resolved(raw)))
        }
        responses = said.get("responses", {})
        good = [self.resolved(answer) for status, answer in responses.items() if str(status).startswith("2")]
        headers = {str(name).lower() for answer in good for name in answer.get("headers", {})}
        return Operation(
            method=method.upper(),
            path=self.prefix + path,
            name=str(said.get("operationId", "")),
            parameters=tuple(parameters.values()),
            bodies=self._contents(self.resolved(said.get("requestBody", {}))),
            answers=tuple(content for answer in good for content in self._contents(answer)),
            sets_cookie="set-cookie" in headers,
        )

    def _parameter(self, said: Schema) -> Parameter | None:
        if "name" not in said or "in" not in said:
            return None
        [*contents] = self._contents(said)
        schema = said.get("schema") or (contents[0].schema if contents else {})
        beside = {key: said[key] for key in ("example", "examples") if key in said}
        required = bool(said.get("required")) or said["in"] == "path"
        return Parameter(str(said["name"]), str(said["in"]), required, {**self.plain(schema), **beside})

    def _contents(self, said: Schema) -> tuple[Content, ...]:
        content = said.get("content", {})
        return tuple(
            Content(str(media).split(";")[0].strip().lower(), self.resolved(item).get("schema", {}))
            for media, item in content.items()
        )


def _type_of(schema: Schema) -> str:
    """Return the one type that counts, `""` when the schema does not say."""
    said = schema.get("type")
    if isinstance(said, list):
        return next((str(one) for one in said if one != "null"), "null")
    if isinstance(said, str):
        return said
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema else ""


def _both(one: Schema, other: Schema) -> Schema:
    """Return what satisfies both; where they say different things, what the first says."""
    merged = {**other, **{key: value for key, value in one.items() if not (key == "type" and not value)}}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**other["properties"], **one["properties"]}
    if "required" in one or "required" in other:
        merged["required"] = [*dict.fromkeys([*one.get("required", ()), *other.get("required", ())])]
    return merged


def _discriminated(merged: Schema, whole: Schema, option: Any) -> Schema:
    """Return the schema with the property that says which of several forms is meant."""
    told = whole.get("discriminator")
    reference = option.get("$ref", "") if isinstance(option, Mapping) else ""
    if not isinstance(told, Mapping) or not reference:
        return merged
    last = reference.rsplit("/", 1)[-1]
    value = next((key for key, to in told.get("mapping", {}).items() if to.rsplit("/", 1)[-1] == last), last)
    name = str(told["propertyName"])
    said = {"properties": {name: {"type": "string", "const": value}}, "required": [name]}
    return _both(said, merged)
