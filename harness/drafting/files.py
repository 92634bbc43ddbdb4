"""The three files that `harness init` writes: the adapter, the plan, the workflow.

Rule: nothing that is there already is overwritten unless that is asked for, and then either all is written or nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.adapter.adapter import Route
from harness.claims.statements import claims_shown
from harness.drafting.adapters import described_by
from harness.drafting.document import Document, DraftError
from harness.drafting.drafts import Draft, Drafted
from harness.drafting.examples import PASSWORD
from harness.drafting.signing import Request, Signing
from harness.extras import installed

TARGET, PLAN, WORKFLOW = "isolation_target.py", "plan.toml", ".github/workflows/isolation.yml"
TRIALS = ("cache-by-user", "grant-all", "echo-all")
"""What is put before the checkers of every claim: a safe twin that they must not flag, and null targets."""
TRIALS_OF: Mapping[str, tuple[str, ...]] = {
    "SES-2": ("memoised-search",),
    "AUT-2": ("unchecked-run", "telling-refusal"),
    "ERR-1": ("held-lock",),
    "AUT-1": ("unchecked-signature",),
    "SES-5": ("unowned-edit", "lost-update"),
    "FAC-4": ("kept-notes",),
}
"""Planted bugs that must be seen in the same run for a claim to hold: of each claim that a draft can show."""
PLACEHOLDER_URL = "http://127.0.0.1:8000"
WIDTH = 100
_LOCAL = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::1", ""})


def rendered(document: Document, draft: Draft, signing: Signing, folder: Path) -> Mapping[str, str]:
    """Return the content of each file, by its path in the folder.

    Args:
        document: of the service.
        draft: what its users ask.
        signing: how they sign in.
        folder: where the files will be; an application's file is named from there.
    """
    name = service_name(document)
    app = _app_from(document.app, folder)
    claims = claims_shown(described_by(document, draft, signing))
    known: dict[str, Any] = {
        "name": name,
        "source": document.source,
        "app": app,
        "url": document.url,
        "signing": signing,
        "routes": [{"code": _code(item), "notes": item.notes} for item in draft.routes],
        "channels": [{"code": _code(item), "notes": item.notes} for item in draft.channels],
        "left_out": draft.left_out,
        "kinds": draft.kinds,
        "claims": claims,
        "trials": (*(trial for claim in claims for trial in TRIALS_OF[claim]), *TRIALS),
        "password": PASSWORD,
        "password_said": any(PASSWORD in str(request.body) for request in (signing.login, signing.register) if request)
        or signing.way == "basic",
        "placeholder": PLACEHOLDER_URL,
        "load": installed("load"),
        "package": "'isolation-harness[load]'" if installed("load") else "isolation-harness",
        "starts": not app and urlsplit(document.url).hostname in {*_LOCAL, None},
    }
    environment = Environment(
        loader=PackageLoader("harness.drafting"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Python, TOML and YAML: texts go through `quoted`, or into comments through `line`
    )
    environment.filters |= {"quoted": quoted, "line": _line, "body": _body}
    files = {TARGET: "isolation_target.py.jinja", PLAN: "plan.toml.jinja", WORKFLOW: "isolation.yml.jinja"}
    return {path: environment.get_template(template).render(known) for path, template in files.items()}


def write(folder: Path, contents: Mapping[str, str], force: bool) -> None:
    """Write files into a folder.

    Args:
        folder: made when it is not there.
        contents: by path in it.
        force: whether files that are there may be overwritten.

    Raises:
        DraftError: one is there, or cannot be written.
    """
    there = [path for path in contents if (folder / path).exists()]
    if there and not force:
        raise DraftError(
            f"{', '.join(there)} in {folder} would be overwritten: give --force, or another folder with --out"
        )
    try:
        for path, text in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DraftError(f"cannot write into {folder} ({error}): give another folder with --out") from error


def service_name(document: Document) -> str:
    """Return what the service is called in reports."""
    title = document.title if document.title.lower() not in ("", "fastapi", "api", "openapi") else ""
    where = document.app.rpartition(":")[0] or document.url or document.source
    parts = urlsplit(where)
    named = title or parts.hostname or Path(parts.path).stem.rpartition(".")[2]
    return re.sub(r"[^a-z0-9]+", "-", named.lower())[:60].strip("-") or "service"


def quoted(value: Any, before: int = WIDTH, indent: int = 0) -> str:
    """Return JSON as Python, in the form of ruff and black.

    Args:
        value: JSON.
        before: columns that are taken before it; none are counted by default, so that it stays on one line.
        indent: of the line on which it begins; what is too long is broken, and further in.
    """
    whole = _whole(value)
    if before >= WIDTH or before + len(whole) < WIDTH or not value or isinstance(value, str):
        return whole
    inner = indent + 4
    if isinstance(value, Mapping):
        keys = {key: f"{_whole(key)}: " for key in value}
        lines = [keys[key] + quoted(item, inner + len(keys[key]), inner) for key, item in value.items()]
    else:
        lines = [quoted(item, inner, inner) for item in value]
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    return "\n".join([opening, *(f"{' ' * inner}{line}," for line in lines), " " * indent + closing])


def _whole(value: Any) -> str:
    """Return JSON as Python on one line, with double quotes wherever no text has one."""
    if isinstance(value, str):
        plain = repr(value)
        return plain if plain[0] == '"' or '"' in value else f'"{plain[1:-1]}"'
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_whole(key)}: {_whole(item)}' for key, item in value.items())}}}"
    return f"[{', '.join(map(_whole, value))}]" if isinstance(value, list | tuple) else repr(value)


def _code(item: Drafted) -> str:
    """Return the Python that makes a route or a channel."""
    part = item.part
    if isinstance(part, Route):
        words = [quoted(part.name), quoted(part.method), quoted(part.path)]
        given = {
            "query": part.query or None,
            "headers": part.headers or None,
            "json": part.json,
            "form": part.form,
            "text": part.text,
            "makes": part.makes or None,
            "lists": part.lists or None,
            "page": part.page or None,
            "entries": part.entries or None,
            "id": part.id if part.id != "id" else None,
            "shows": part.shows,
            "version": part.version or None,
        }
    else:
        words = [quoted(part.name), quoted(part.protocol), quoted(part.path)]
        given = {"query": part.query or None, "headers": part.headers or None}
    said = {key: value for key, value in given.items() if value is not None}
    name = type(part).__name__
    whole = f"{name}({', '.join([*words, *(f'{key}={quoted(value)}' for key, value in said.items())])})"
    if len(whole) + 9 <= WIDTH:
        return whole
    words += [f"{key}={quoted(value, 13 + len(key), 12)}" for key, value in said.items()]
    return "\n".join([f"{name}(", *(f"            {word}," for word in words), "        )"])


def _body(request: Request, indent: int) -> str:
    """Return the argument that is a request's body."""
    key = "form" if request.form else "json"
    return f"{key}={quoted(dict(request.body), indent + len(key) + 1, indent)}".replace(f'"{PASSWORD}"', "PASSWORD")


def _line(text: str) -> str:
    """Return a text on one line, that ends no docstring."""
    return " ".join(text.split()).replace('"""', "'''").replace("\\", "/")


def _app_from(app: str, folder: Path) -> str:
    where, _, attribute = app.rpartition(":")
    if not where.endswith(".py"):
        return app
    return f"{Path(os.path.relpath(where, folder)).as_posix()}:{attribute}"
