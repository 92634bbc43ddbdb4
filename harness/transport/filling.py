"""Makes the requests of which an adapter has the templates: everything filled in, and who asks in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from harness.adapter.adapter import LAST_EVENT, Channel, Route, fill
from harness.adapter.sign_in import Headers
from harness.history.model import Value
from harness.transport.answers import kept
from harness.transport.channels import Opening
from harness.transport.exchange import Asked


def split_credentials(credentials: Headers) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query parameters that a user's credentials are."""
    query = {name[1:]: value for name, value in credentials.items() if name.startswith("?")}
    return {name: value for name, value in credentials.items() if not name.startswith("?")}, query


def asked_of(route: Route, given: Mapping[str, Value], credentials: Headers) -> Asked:
    """Return the request that asks a route, with everything filled in."""
    headers = {"content-type": "text/plain; charset=utf-8"} if route.text is not None else {}
    body = b""
    if route.json is not None:
        headers["content-type"] = "application/json"
        body = json.dumps(fill(route.json, given), ensure_ascii=False).encode()
    elif route.form is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(fill(dict(route.form), given)).encode()
    elif route.text is not None:
        body = str(fill(route.text, given)).encode()
    headers |= {name.lower(): str(value) for name, value in fill(dict(route.headers), given).items()}
    path = fill(route.path, _quoted(given))
    own_headers, own_query = split_credentials(credentials)
    query = {**_texts(fill(dict(route.query), given)), **own_query}
    return Asked(route.method.upper(), path, query, {**headers, **own_headers}, body)


def sent_of(asked: Asked, credentials: Headers) -> dict[str, Value]:
    """Return what stands in a history of a request: all but the credentials."""
    _, secret = split_credentials(credentials)
    sent: dict[str, Value] = {"request": f"{asked.method} {asked.path}"}
    if query := {name: text for name, text in asked.query.items() if name not in secret}:
        sent["query"] = query
    return {**sent, "body": kept(asked.body.decode())} if asked.body else sent


def opening_of(channel: Channel, url: str, given: Mapping[str, Value], credentials: Headers) -> Opening:
    """Return the request that opens a channel, with everything filled in."""
    own_headers, own_query = split_credentials(credentials)
    headers = {**own_headers, **_texts(fill(dict(channel.headers), given))}
    if LAST_EVENT in given:
        headers[LAST_EVENT] = str(given[LAST_EVENT])
    query = {**_texts(fill(dict(channel.query), given)), **own_query}
    return Opening(url, fill(channel.path, _quoted(given)), query, headers, channel.subprotocols)


def _quoted(given: Mapping[str, Value]) -> Mapping[str, str]:
    return {name: quote(str(value), safe="") for name, value in given.items()}


def _texts(values: Mapping[str, Value]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
