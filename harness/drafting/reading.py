"""Where a document comes from: a URL, a file, or an ASGI application in this Python.

How it works. An application is imported and asked for its document by `app.openapi()`, or over `/openapi.json`; its
WebSocket routes are found among its routes. A service whose document says nothing of signing in is asked for one path
without credentials, to see with which scheme it refuses: nothing that can be found out is asked of the user.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import yaml
from starlette.routing import Mount, WebSocketRoute

from harness.adapter.importing import TargetError, imported, split
from harness.drafting.document import Document, DraftError, Operation, Socket

TIMEOUT_S = 10.0
"""Seconds for one question."""
MOST_ASKED = 3
"""Paths that are asked without credentials."""
WELL_KNOWN = ("/openapi.json", "/schema/openapi.json")
"""Where an application that has no `openapi()` may have its document."""
STREAMS = frozenset({"text/event-stream", "application/x-ndjson", "application/jsonl"})

Ask = Callable[[str], httpx.Response]
"""GETs a path. Raises httpx.HTTPError, or TimeoutError."""


class _Plain(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML of which only what JSON knows is made: a date stays a text."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_source(source: str) -> Document:
    """Return the document of a URL, a file, or an application.

    Args:
        source: `http://...`, a path, `module:attribute` or `path/to/file.py:attribute`.

    Raises:
        DraftError: there is none.
    """
    if source.startswith(("http://", "https://")):
        return _from_url(source)
    if Path(source).is_file() and not source.endswith(".py"):
        return Document(raw=_parsed(source, _text_of(source)), source=source)
    if split(source)[1].isidentifier():
        return _from_app(source)
    raise DraftError(
        f"there is no file {source!r}: give the URL or file of an OpenAPI document, or an ASGI application as "
        "module:attribute or path/to/file.py:attribute"
    )


def _from_url(source: str) -> Document:
    parts = urlsplit(source)
    place = urljoin(source, "/openapi.json") if parts.path in ("", "/") else source
    try:
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
            answer = client.get(place)
            if answer.status_code >= 400:
                raise DraftError(
                    f"{place} was answered with {answer.status_code}: give the URL of the OpenAPI document itself"
                )
            url = f"{parts.scheme}://{parts.netloc}"
            document = Document(raw=_parsed(place, answer.text), source=source, url=url)
            return _challenged(document, lambda path: client.get(url + path))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DraftError(f"{place} cannot be read ({error}): start the service, or give a file") from error


def is_application(found: object) -> bool:
    """Return whether this is an ASGI application, or a function that says of itself that it makes one.

    A function without arguments does so by the type that it returns, or by its name (`create_app`): it is not called.
    """
    if not callable(found) or inspect.isclass(found):
        return False
    if callable(getattr(found, "openapi", None)) or _parameters(found) == 3:
        return True
    if not _is_factory(found):
        return False
    returned = getattr(found, "__annotations__", {}).get("return")
    named = bool(re.search(r"(^|_)app(lication)?$", getattr(found, "__name__", "")))
    if isinstance(returned, str):  # `from __future__ import annotations`
        returned = getattr(found, "__globals__", {}).get(returned)
    if inspect.isclass(returned) and returned is not Any:
        return _parameters(inspect.getattr_static(returned, "__call__")) == 4
    return named


def document_of(found: object, source: str) -> Document:
    """Return the document of an application, or of what a function makes.

    Args:
        found: an ASGI application, or a function that makes one.
        source: its name, `module:attribute` or `path/to/file.py:attribute`.

    Raises:
        DraftError: there is none.
    """
    try:
        app = found() if callable(found) and _is_factory(found) else found
    except Exception as error:
        raise DraftError(f"{source}() makes no application, it raised {error!r}: mend it, or give a file") from error
    if not callable(app):
        raise DraftError(f"{source} is a {type(app).__name__}, no ASGI application: name one")

    def ask(path: str) -> httpx.Response:
        return asyncio.run(_asked(app, path))

    raw = _described(source, app) if callable(getattr(app, "openapi", None)) else _served(source, ask)
    sockets = tuple(_sockets(getattr(app, "routes", ()) or ()))
    return _challenged(Document(raw=raw, source=source, app=source, sockets=sockets), ask)


def _from_app(source: str) -> Document:
    try:
        found = imported(source)
    except TargetError as error:
        raise DraftError(f"{source} is no ASGI application: {error}") from error
    return document_of(found, source)


async def _asked(app: Any, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with asyncio.timeout(TIMEOUT_S), httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        try:
            return await client.get(path)
        except AssertionError as error:  # as httpx says that an application has returned without an answer
            raise httpx.RemoteProtocolError("it returned without an answer") from error


def _is_factory(found: Any) -> bool:
    """Whether this makes an application, and is none: it takes no arguments. As `harness verify` sees it."""
    return callable(found) and _parameters(found) == 0


def _parameters(found: Callable[..., Any]) -> int | None:
    """Return how many parameters a call has; None when nobody can tell."""
    try:
        return len(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        return None


def _described(source: str, app: Any) -> Any:
    try:
        return app.openapi()
    except Exception as error:
        raise DraftError(f"openapi() of {source} raised {error!r}: mend the application, or give a file") from error


def _served(source: str, ask: Ask) -> Any:
    seen = []
    for path in WELL_KNOWN:
        try:
            answer = ask(path)
        except (httpx.HTTPError, TimeoutError) as error:
            seen.append(f"{path}: {error!r}")
            continue
        if answer.status_code < 400:
            return _parsed(source, answer.text)
        seen.append(f"{path}: {answer.status_code}")
    raise DraftError(
        f"{source} has no openapi(), and no document where one is usual ({', '.join(seen)}): name an application, or "
        "give the document as a file"
    )


def _challenged(document: Document, ask: Ask) -> Document:
    """Return the document with the scheme of the service's refusal, where it says nothing of signing in itself."""
    if document.security:
        return document
    askable = [operation for operation in document.operations if _askable(operation)]
    for operation in askable[:MOST_ASKED]:
        try:
            answer = ask(operation.path)
        except (httpx.HTTPError, TimeoutError):
            continue
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            scheme = answer.headers.get("www-authenticate", "unknown").split()[0].strip(",").lower()
            return replace(document, challenge=scheme)
    return document


def _askable(operation: Operation) -> bool:
    required = any(parameter.required for parameter in operation.parameters)
    streams = any(content.media in STREAMS for content in operation.answers)
    return operation.method == "GET" and not required and not streams


def _sockets(routes: Sequence[Any], prefix: str = "") -> Iterator[Socket]:
    """Yield the WebSocket routes of Starlette, and of FastAPI, which since 0.160 or so includes routers lazily."""
    import fastapi.routing  # half a second, where nobody may ask for the sockets of an application

    flattened = getattr(fastapi.routing, "iter_route_contexts", iter)
    for context in flattened(routes):
        route = getattr(context, "original_route", None) or context
        if isinstance(route, Mount):
            yield from _sockets(route.routes or (), prefix + route.path)
        elif isinstance(route, WebSocketRoute | fastapi.routing.APIWebSocketRoute):
            path = getattr(context, "path_format", None) or getattr(context, "path", "")
            dependant = getattr(route, "dependant", None)
            fields = getattr(dependant, "query_params", ())
            required = tuple(item.alias for item in fields if item.field_info.is_required())
            yield Socket(prefix + str(path), str(getattr(route, "name", "") or "events"), required)


def _text_of(source: str) -> str:
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DraftError(f"{source} cannot be read ({error}): give another file") from error


def _parsed(source: str, text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Plain)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:200]
        raise DraftError(f"{source} is neither JSON nor YAML ({said}): give an OpenAPI document") from error
