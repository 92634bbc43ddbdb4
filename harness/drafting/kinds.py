"""Which kinds of objects a service has, and where requests and answers name them.

    POST /notes                answers {"id": ...}: it makes a `note`
    GET  /notes/{note_id}      works on one
    POST /comments             {"note_id": ...}: works on one, too

Rules:
- A kind is what a path names, by its collection (`/notes/{id}`) or its parameter (`{note_id}`), and a POST makes.
- Where the document does not say what that POST answers, `id` is guessed, and told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.adapter.placeholders import GIVEN
from harness.drafting.document import Document, Operation, Schema
from harness.drafting.examples import snake

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_NAMED_ID = re.compile(r"^(?P<kind>.+)_(?:id|uuid|guid|pk)$")
_MAKING = frozenset({"create", "new", "add", "start", "upload", "import"})
"""Last parts of a path that are no collection."""
_INSIDE = ("data", "result", "item", "object", "payload", "response", "attributes")
"""Where an answer may have an object inside."""
_IRREGULAR = {"people": "person", "children": "child", "statuses": "status", "indices": "index", "matrices": "matrix"}
_UNCHANGED = frozenset({"news", "series", "status", "data", "media", "address", "analysis", "access"})


@dataclass(frozen=True, slots=True)
class Maker:
    """An operation that makes an object.

    Args:
        kind: of it.
        id: where the answer has its id.
        guessed: whether the document does not say so.
    """

    kind: str
    id: str
    guessed: bool = False


def singular(word: str) -> str:
    """Return what one of a collection is called: `notes` are made of a `note`."""
    whole, _, last = snake(word).rpartition("_")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("ies") and len(last) > 4:
        last = last[:-3] + "y"
    elif re.search(r"(ss|x|sh|ch)es$", last):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")) and last not in _UNCHANGED:
        last = last[:-1]
    return f"{whole}_{last}" if whole else last


def kind_name(word: str) -> str:
    """Return a kind that can be written as a placeholder, and is none of those that mean something else."""
    name = re.sub(r"\W", "_", word)
    name = f"a_{name}" if not name or name[0].isdigit() else name
    return f"{name}_object" if name in GIVEN else name


def parameter_in(segment: str) -> str | None:
    """Return the name of the parameter that a part of a path is."""
    found = _PARAMETER.fullmatch(segment)
    return found.group(1) if found else None


def kinds_of_parameter(operation: Operation, name: str) -> tuple[str, ...]:
    """Return the kinds that a path parameter may name, the likeliest first."""
    segments = operation.segments
    place = next((nth for nth, part in enumerate(segments) if f"{{{name}}}" in part), 0)
    before = segments[place - 1] if place else ""
    collection = [singular(before)] if before and not _PARAMETER.search(before) else []
    own = [*kinds_of_field(name)] if _NAMED_ID.match(snake(name)) else []
    return tuple(dict.fromkeys(kind_name(kind) for kind in (*own, *collection) if kind))


def kinds_of_field(name: str) -> Iterator[str]:
    """Yield the kinds whose id a field of this name may be: of `parent_note_id`, `parent_note` and `note`."""
    if found := _NAMED_ID.match(snake(name)):
        words = found.group("kind").split("_")
        for start in range(len(words)):
            yield kind_name("_".join(words[start:]))


def in_paths(operations: Sequence[Operation]) -> Mapping[str, tuple[str, ...]]:
    """Return the kinds that paths name, and the names of the parameters that do so."""
    names: dict[str, list[str]] = {}
    for operation in operations:
        for parameter in operation.parameters:
            for kind in kinds_of_parameter(operation, parameter.name) if parameter.place == "path" else ():
                names.setdefault(kind, []).append(parameter.name)
    return {kind: tuple(dict.fromkeys(found)) for kind, found in names.items()}


def worked_on(document: Document, operations: Sequence[Operation]) -> Mapping[str, tuple[str, ...]]:
    """Return the kinds that paths, queries and bodies name, and the names of the fields that do so."""
    names = {kind: [*found] for kind, found in in_paths(operations).items()}
    for operation in operations:
        fields = [parameter.name for parameter in operation.parameters if parameter.place == "query"]
        for content in operation.bodies:
            fields += document.plain(content.schema).get("properties", {})
        for name in fields:
            for kind in kinds_of_field(name):
                names.setdefault(kind, []).append(name)
    return {kind: tuple(dict.fromkeys(found)) for kind, found in names.items()}


def maker(document: Document, operation: Operation, wanted: Mapping[str, tuple[str, ...]]) -> Maker | None:
    """Return what an operation makes; None when that is nothing that anybody works on.

    Args:
        document: that it is of.
        operation: that may make an object.
        wanted: the kinds that are worked on, as `worked_on` returns them.
    """
    segments = operation.segments
    if operation.method != "POST" or not segments:
        return None
    collection = segments[-2] if segments[-1].lower() in _MAKING and len(segments) > 1 else segments[-1]
    answers = [content.schema for content in operation.answers if "json" in content.media or content.media == "*/*"]
    schema = document.plain(answers[0]) if answers else {}
    if not parameter_in(collection) and (kind := kind_name(singular(collection))) in wanted:
        where = id_in(document, schema, kind, wanted[kind])
        if where is not None:
            return Maker(kind, where)
        if answers and _says_nothing(schema):
            return Maker(kind, "id", guessed=True)
    taken = {kind for part in segments if (name := parameter_in(part)) for kind in kinds_of_parameter(operation, name)}
    for kind, names in wanted.items():
        own = [name for name in (*names, f"{kind}_id", f"{kind}Id") if _NAMED_ID.match(snake(name))]
        where = named_in(document, schema, own)
        if kind not in taken and where is not None:
            return Maker(kind, where)
    return None


def _says_nothing(schema: Schema) -> bool:
    """Whether a schema allows any object."""
    return schema.get("type") in ("", "object") and not schema.get("properties")


def id_in(document: Document, schema: Schema, kind: str, names: Sequence[str]) -> str | None:
    """Return where an answer has the id of an object of this kind; None when it has none."""
    if schema.get("type") in ("string", "integer"):
        return ""
    likely = (*names, "id", f"{kind}_id", f"{kind}Id", "uuid", f"{kind}_uuid", "_id", "guid", "pk", "key", "slug")
    return named_in(document, schema, likely, (kind,))


def named_in(document: Document, schema: Schema, names: Sequence[str], inside: Sequence[str] = ()) -> str | None:
    """Return where an answer has the first of these names, at its top or one or two levels further in."""
    return _found(document, schema, tuple(dict.fromkeys(names)), (*inside, *_INSIDE), 2)


def _found(document: Document, schema: Schema, names: Sequence[str], inside: Sequence[str], deep: int) -> str | None:
    fields = schema.get("properties", {})
    for name in names:
        if name in fields and document.plain(fields[name])["type"] in ("string", "integer", ""):
            return name
    for key in inside if deep else ():
        if key in fields:
            further = _found(document, document.plain(fields[key]), names, inside, deep - 1)
            if further is not None:
                return f"{key}.{further}"
    return None
