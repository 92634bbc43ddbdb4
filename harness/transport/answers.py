"""What came back over HTTP, and what of it goes into a history.

Rules:

- Everything that a user receives is kept: status, every header and cookie, the body. Of a long text what lies around
  marks is kept, and its beginning; the rest is counted.
- A refusal is a status from 400 to 499, or a redirect to a page where one signs in. From 500 on nobody knows whether it
  happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.adapter.adapter import Route
from harness.history.canary import may_hold_mark
from harness.history.model import EventKind, Refused, Value

MOST_KEPT = 4_000
"""Characters of a body that are kept in any case."""
MOST_PARSED = 64_000
"""Characters of a body, or a frame, that is kept as JSON."""
WINDOW, OVERLAP = 2_000, 200
"""A longer body is looked at in windows of so many characters, which overlap by more than a mark in any encoding."""
_SIGN_IN = ("login", "signin", "sign-in", "sign_in", "auth")
NOT_FOUND = 404
"""Stands for the status of a refusal that has none: of a message over a channel."""
NO_ANSWER = Refused(0, "no answer")
"""Of a message that nobody answered."""


class Misfit(Exception):
    """An answer is not what the adapter says it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Args:
        status: of HTTP.
        headers: names in lower case, and values, in order; a name may come more than once.
        body: decoded, if its encoding is a known one.
        complete: whether it was read to its end.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool = True

    @property
    def kind(self) -> EventKind:
        """Whether it happened."""
        if self.status >= 500:
            return EventKind.INFO
        return EventKind.FAIL if self.is_refusal else EventKind.OK

    @property
    def is_refusal(self) -> bool:
        """Whether it certainly did not happen."""
        if 400 <= self.status < 500:
            return True
        place = next((value.lower() for name, value in self.headers if name == "location"), "")
        return 300 <= self.status < 400 and any(word in place for word in _SIGN_IN)

    @property
    def text(self) -> str:
        """The body as text; a binary one byte for byte, so that marks in it can still be found."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            return self.body.decode("latin-1")

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)


def recorded(answer: Answer) -> dict[str, Value]:
    """Return what stands in a history of an answer; see `harness.history.semantics.body_of`."""
    value: dict[str, Value] = {"status": answer.status, "headers": [list(pair) for pair in answer.headers]}
    if answer.kind is EventKind.OK:
        value["body"] = _body(answer)
    else:
        value["text"] = kept(answer.text)
    if answer.kind is EventKind.INFO:
        value["error"] = f"status {answer.status}: {answer.text[:500]}"
    return value if answer.complete else value | {"cut": "the client hung up"}


def of_refusal(refusal: Refused) -> tuple[EventKind, dict[str, Value]]:
    """Return whether what was refused happened, and what stands in a history of it."""
    value: dict[str, Value] = {"status": refusal.status, "text": refusal.text}
    if 500 <= refusal.status < 600:
        return EventKind.INFO, {**value, "error": f"status {refusal.status}: {refusal.text[:500]}"}
    return EventKind.FAIL, value


def of_answer(frame: Value, done: Value, refused: Value) -> tuple[EventKind, dict[str, Value]] | None:
    """Return what a frame says of a message that waits for an answer; None when it is about something else.

    Args:
        frame: that came.
        done, refused: what stands in the frame that says so; None where none does.
    """
    if done is not None and has(frame, done):
        return EventKind.OK, {"body": frame}
    if refused is not None and has(frame, refused):
        return EventKind.FAIL, {"status": NOT_FOUND, "text": json.dumps(frame)}
    return None


def _body(answer: Answer) -> Value:
    """Return the body as JSON, where it is JSON and not very long."""
    return json_in(answer.text)


def json_in(text: str) -> Value:
    """Return a text as JSON, where it is JSON and not very long; else the text, as it is kept."""
    if len(text) <= MOST_PARSED:
        try:
            return json.loads(text)
        except ValueError:
            pass  # text, then
    return kept(text)


def has(frame: Value, wanted: Value) -> bool:
    """Return whether a frame has everything in it that is wanted; more may stand there. Ids may be texts or numbers."""
    if isinstance(wanted, Mapping):
        return isinstance(frame, Mapping) and all(key in frame and has(frame[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(frame, list) and len(frame) >= len(wanted) and all(map(has, frame, wanted))
    return str(frame) == str(wanted)


def kept(text: str) -> str:
    """Return a text, or of a long one its beginning and whatever lies around marks, whoever can tell whose they are."""
    if len(text) <= MOST_KEPT:
        return text
    parts, left = [text[:WINDOW]], 0
    for start in range(WINDOW - OVERLAP, len(text), WINDOW - OVERLAP):
        window = text[start : start + WINDOW]
        if may_hold_mark(window):
            parts.append(window)
        else:
            left += len(window)
    return f" ... ({left:,} characters) ... ".join(parts) if len(parts) > 1 else f"{parts[0]} ... ({left:,} characters)"


def id_in(answer: Answer, route: Route) -> str | int:
    """Return the id of the object that was made.

    Raises:
        Misfit: it is not where the adapter says.
    """
    if not route.id:
        return answer.text.strip().strip('"')
    if route.id.startswith("@"):
        return _in_header(answer, route, route.id.removeprefix("@").lower())
    try:
        found = answer.json()
        for part in route.id.split("."):
            found = found[int(part)] if isinstance(found, list) else found[part]
    except (ValueError, LookupError, TypeError) as error:
        raise Misfit(
            f"{route.name} ({route.method} {route.path}) makes a {route.makes}, and its answer has no {route.id!r}: "
            f"{answer.status} {answer.text[:200]!r}. See `id` of that route"
        ) from error
    if not isinstance(found, str | int) or isinstance(found, bool):
        raise Misfit(f"{route.name} answers with {found!r} at {route.id!r}, which is no id. See `id` of that route")
    return found


def _in_header(answer: Answer, route: Route, header: str) -> str:
    value = next((value for name, value in answer.headers if name == header), "")
    if name := unquote(urlsplit(value).path.rstrip("/").rpartition("/")[2]):
        return name
    raise Misfit(f"{route.name} answers without an id in its header {header!r}: {value!r}. See `id` of that route")
