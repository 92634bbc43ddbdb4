"""Values that a schema allows: texts that carry a canary where a user's own words go, and plain ones elsewhere.

Rules:
- A value is valid by its schema: its type, enum, format, bounds, length and pattern.
- Of an object, what is required is filled, and one text more where nothing required carries a canary.
- What had to be guessed is told: `Examples.guesses`.

How it works. A text looks free when its type is all that is said of it, and its name is not one of those that mean
something to a program (`status`, `email`, `url`). Which free text is best for a canary, its name says (`TEXTS`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.adapter.placeholders import CANARY, names_in
from harness.drafting.document import Document, Schema
from harness.history.semantics import QUERY

TEXT = f"{{{CANARY}}}"
"""What stands where a user's own words go."""
SAMPLE = "note icq7hm2w00010c3f3k2v9q0a"
"""A text as the harness puts in: its form, by which lengths and patterns are judged."""
SEARCHED = f"{{{QUERY}}}"
"""What stands where a search is for a word that every such text has."""
PASSWORD = "Isolation-7-harness"
DEEPEST = 6
"""Levels of a body that are filled."""

TEXTS = (
    *("text", "content", "body", "message", "note", "comment", "prompt", "question", "query", "input", "description"),
    *("title", "subject", "summary", "name", "label"),
)
"""Names of free texts, the best for a canary first."""
SEARCHES = ("q", "query", "search", "text", "term", "keyword", "keywords", "filter", "s")
"""Names of query parameters with which one searches."""

_FORMATS: Mapping[str, str] = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "bm90ZQ==",
    "password": PASSWORD,
    "json-pointer": "/",
    "regex": ".*",
}
_MEANT: tuple[tuple[str, str], ...] = (
    (r"(^|_)e?mail(_address)?$", "someone@example.com"),
    (r"(^|_)(url|uri|link|href|website|homepage|webhook)$", "https://example.com/"),
    (r"(^|_)(password|passphrase|secret|pass)($|_)", PASSWORD),
    (r"(^|_)(phone|mobile|telephone)(_number)?$", "+41441234567"),
    (r"(^|_)currency(_code)?$", "EUR"),
    (r"(^|_)country(_code)?$", "CH"),
    (r"(^|_)(language|lang|locale)$", "en"),
    (r"(^|_)(timezone|time_zone|tz)$", "UTC"),
    (r"(^|_)colou?r$", "#336699"),
    (r"(^|_)(content_type|mime_type|mimetype|media_type)$", "text/plain"),
    (r"(^|_)(date|day|birthday)$", "2030-01-31"),
    (r"_at$", "2030-01-31T12:00:00Z"),
    (r"^role$", "user"),
)
"""Names whose meaning a program knows, and a value of that meaning."""
_CHOSEN = re.compile(
    r"(^|_)(status|state|type|kind|mode|model|agent|provider|level|priority|visibility|format|version)$"
)
"""Names of what is chosen from a list that the document does not give."""
_OF_USER = re.compile(r"^(username|user_name|login)$")
"""Names of the name of a user: another one would make another user of them."""
_WORDS = (
    "word",
    "Word1",
    "w",
    "W",
    "1",
    "0001",
    "word-1",
    "A1",
    "00000000-0000-4000-8000-000000000001",
    "+41441234567",
)
"""Tried where a pattern is asked for."""

Place = Callable[[str, Schema, bool], str | None]
"""Returns the placeholder of the object that a field of this name names; None when it names none."""


def snake(name: str) -> str:
    """Return a name as Python writes it: `noteId` and `note-id` are `note_id`."""
    parted = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name)
    return re.sub(r"\W+|_+", "_", parted).strip("_").lower()


@dataclass(slots=True)
class Examples:
    """Makes the values of one request.

    Args:
        document: by which references are resolved.
        place: which fields are ids of objects.
        text: what stands where a user's own words go.
        guesses: what had to be guessed, a sentence each; filled as values are made.
    """

    document: Document
    place: Place
    text: str = TEXT
    guesses: list[str] = field(default_factory=list)

    def body(self, schema: Any) -> Any:
        """Return a body, with a canary if any field can carry one."""
        return self._value("", schema, 0, True)

    def value(self, name: str, schema: Any) -> Any:
        """Return the value of one field or parameter."""
        return self._value(name, schema, 0, True)

    def free(self, name: str, schema: Any) -> int:
        """Return how well a field of this name carries a user's own words; 0 when it does not."""
        plain, word = self.document.plain(schema), snake(name)
        if plain.get("type") not in ("string", "") or {"enum", "const", "format", "properties"} & plain.keys():
            return 0
        if not plain.get("type") and not word:
            return 0
        long = plain.get("maxLength", len(SAMPLE)) >= len(SAMPLE)
        if (
            not long
            or not _matches(plain, SAMPLE)
            or _meant(word) is not None
            or _CHOSEN.search(word)
            or _OF_USER.match(word)
        ):
            return 0
        last = word.rsplit("_", 1)[-1]
        return 2 + len(TEXTS) - TEXTS.index(last) if last in TEXTS else 1

    def _value(self, name: str, schema: Any, depth: int, wanted: bool) -> Any:
        plain = self.document.plain(schema)
        if (placeholder := self.place(name, plain, True)) is not None:
            return placeholder
        if "const" in plain:
            return plain["const"]
        if options := [option for option in plain.get("enum", ()) if option is not None]:
            return plain["default"] if plain.get("default") in options else options[0]
        match plain["type"]:
            case "object":
                return self._object(plain, depth, wanted)
            case "array":
                return self._array(name, plain, depth, wanted)
            case "integer" | "number":
                return _number(plain)
            case "boolean":
                return bool(plain.get("default", False))
            case "null":
                return None
        return self._string(name, plain) if plain["type"] or name else self._unsaid()

    def _object(self, plain: Schema, depth: int, wanted: bool) -> dict[str, Any]:
        fields = {key: raw for key, raw in plain.get("properties", {}).items() if not self._given_back(raw)}
        if not fields and plain.get("additionalProperties") is not False and wanted and depth == 0:
            return self._unsaid(plain.get("additionalProperties"))
        if depth >= DEEPEST:
            return {}
        required = [key for key in plain.get("required", ()) if key in fields]
        made = {key: self._value(key, fields[key], depth + 1, False) for key in required}
        for key, raw in fields.items():
            if key not in made and (placeholder := self.place(key, self.document.plain(raw), False)) is not None:
                made[key] = placeholder
        if wanted and CANARY not in names_in(made) and self.text == TEXT:
            made |= self._best(fields, required, depth)
        return made

    def _best(self, fields: Mapping[str, Any], required: list[str], depth: int) -> dict[str, Any]:
        """Return one field more, which carries a canary; none when none can."""
        ranked = sorted(fields, key=lambda key: -self.free(key, fields[key]))
        if ranked and self.free(ranked[0], fields[ranked[0]]):
            return {ranked[0]: self._value(ranked[0], fields[ranked[0]], depth + 1, True)}
        for key in (*required, *(key for key in fields if key not in required)):
            if self.document.plain(fields[key])["type"] in ("object", "array"):
                value = self._value(key, fields[key], depth + 1, True)
                if CANARY in names_in(value):
                    return {key: value}
        return {}

    def _array(self, name: str, plain: Schema, depth: int, wanted: bool) -> list[Any]:
        if depth >= DEEPEST or plain.get("maxItems") == 0:
            return []
        singular = name[:-1] if name.endswith("s") else name
        item = self._value(singular, plain.get("items", {}), depth + 1, wanted)
        return [item] * max(1, int(plain.get("minItems", 1)))

    def _string(self, name: str, plain: Schema) -> str:
        if self.free(name, plain):
            return self.text + " x" * (int(plain.get("minLength", 0)) // 2)
        said = [plain.get("example"), *_listed(plain.get("examples")), plain.get("default")]
        if (value := next((item for item in said if isinstance(item, str) and item), None)) is not None:
            return value
        if plain.get("format") in _FORMATS:
            return _FORMATS[plain["format"]]
        meant = _meant(snake(name))
        if meant is not None and _matches(plain, meant):
            return meant
        word = next((word for word in _WORDS if _matches(plain, word)), "word")
        fitting = (word * max(1, -(-int(plain.get("minLength", 1)) // len(word))))[: plain.get("maxLength")]
        if _CHOSEN.search(snake(name)) or "pattern" in plain:
            self.guesses.append(f"the document does not say which {name} there are: is {fitting!r} one?")
        return fitting

    def _unsaid(self, values: Any = None) -> dict[str, Any]:
        self.guesses.append("the document does not say which fields the body has: is `text` one?")
        return {"text": self._value("text", values, 1, False)}

    def _given_back(self, raw: Any) -> bool:
        """Whether a field is one of answers only."""
        return bool(self.document.plain(raw).get("readOnly"))


def _listed(examples: Any) -> list[Any]:
    """Return the values of `examples`: a list in a schema, a table of values in a parameter."""
    if isinstance(examples, Mapping):
        return [item.get("value") for item in examples.values() if isinstance(item, Mapping)]
    return examples if isinstance(examples, list) else []


def _meant(word: str) -> str | None:
    return next((value for pattern, value in _MEANT if re.search(pattern, word)), None)


def _matches(plain: Schema, text: str) -> bool:
    try:
        return re.search(str(plain.get("pattern", "")), text) is not None
    except re.error:  # a pattern of ECMAScript that Python has not
        return False


def _number(plain: Schema) -> int | float:
    for said in (plain.get("example"), plain.get("default")):
        if isinstance(said, int | float) and not isinstance(said, bool):
            return said
    whole = plain["type"] == "integer"
    step: int | float = plain.get("multipleOf") or (1 if whole else 0.5)
    low, high = _bound(plain, "minimum", "exclusiveMinimum", step), _bound(plain, "maximum", "exclusiveMaximum", -step)
    value: int | float = 1
    if low is not None and value < low:
        value = low
    if high is not None and value > high:
        value = high
    if "multipleOf" in plain:
        value = -(-value // step) * step
    return int(value) if whole else value


def _bound(plain: Schema, key: str, exclusive: str, step: float) -> float | None:
    """Return a bound that is itself allowed; OpenAPI 3.0 says whether it is with a bool, 3.1 with a second number."""
    bound, other = plain.get(key), plain.get(exclusive)
    if other is True and bound is not None:
        return float(bound + step)
    if isinstance(other, int | float) and not isinstance(other, bool):
        return float(other + step)
    return None if bound is None else float(bound)
