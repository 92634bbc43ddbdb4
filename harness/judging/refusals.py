"""Answers held against each other, where a refusal need not have the status of one: `200 {"data": {"note": null}}`.

What differs by chance is left out: ids, numbers, and the texts that were asked with.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from harness.history.model import Call, Value
from harness.history.semantics import GIVEN, body_of

_VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|\d+", re.IGNORECASE)
_DEPTH = 3
"""Levels of JSON whose keys are compared."""


@dataclass(frozen=True, slots=True)
class ComparableAnswer:
    """An answer without what differs by chance.

    Args:
        status: of HTTP, or None.
        text: the body, or what a refusal says.
        structure: of the body: keys, and where there is nothing, without values.
    """

    status: Value
    text: str
    structure: str = ""


def comparable(call: Call, name: str | None) -> ComparableAnswer:
    """Return what a call was answered with.

    Args:
        call: that is completed.
        name: the id that it was asked with, or None.
    """
    value = call.completion.value if isinstance(call.completion.value, dict) else {}
    body = body_of(value)
    text = str(value.get("text", "")) if body is None else json.dumps(body, sort_keys=True)
    given = call.invocation.value.get(GIVEN) if isinstance(call.invocation.value, dict) else None
    for sent in (given or {}).values():
        if isinstance(sent, str) and sent:
            text = text.replace(json.dumps(sent)[1:-1], "<given>").replace(sent, "<given>")
    if name:
        text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", "<id>", text)
    return ComparableAnswer(value.get("status"), _VARIABLE.sub("<id>", text), _structure(body, _DEPTH))


def _structure(body: Any, depth: int) -> str:
    if isinstance(body, dict):
        return f"{{{','.join(f'{key}:{_structure(body[key], depth - 1)}' for key in sorted(body))}}}" if depth else "{}"
    if isinstance(body, list):
        return "[]"
    return "null" if body is None else "value"
