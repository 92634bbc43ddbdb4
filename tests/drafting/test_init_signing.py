from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from drafted_files import ID, LOGIN, TEXT, WRITES, answers, asked, document_of, drafted_of, object_of, takes, text_of

from harness.adapter import Adapter
from harness.claims.statements import Description, claims_shown
from harness.drafting.document import Document
from harness.drafting.signing import signing_of
from harness.history.model import User


def test_a_cookie_comes_from_the_login(tmp_path: Path) -> None:
    """With a key in a cookie, the route that takes name and password is asked, after a registration like it."""
    paths = {"/login": {"post": LOGIN}, "/register": {"post": LOGIN}, "/notes": {"post": WRITES}}
    scheme = {"type": "apiKey", "in": "cookie", "name": "sid"}
    adapter = drafted_of(document_of(paths, securitySchemes={"s": scheme}), tmp_path)
    assert [("POST", "/notes")] == asked(adapter)
    assert ("POST", "/login", "", ("POST", "/register")) == _session(adapter.sign_in)


def test_who_signs_in_may_stand_further_in(tmp_path: Path) -> None:
    """Name and password in an object in the body sign in and register all the same; nobody renames themselves."""
    login = object_of("user", user=object_of("email", "password", email=TEXT, password=TEXT))
    account = object_of("user", user=object_of("username", "password", username=TEXT, password=TEXT))
    update = object_of(username=TEXT, bio=TEXT)
    paths = {
        "/users/login": {"post": {**takes(login), **answers(object_of(user=object_of(token=TEXT)))}},
        "/users": {"post": takes(account)},
        "/user": {"put": takes(update)},
    }
    adapter = drafted_of(document_of(paths, securitySchemes={"s": {"type": "http", "scheme": "bearer"}}), tmp_path)
    assert [("PUT", "/user")] == asked(adapter)
    assert {"bio": "{canary}"} == adapter.routes[0].json
    registered: Any = adapter.sign_in
    assert ("POST", "/users/login", "user.token", None) == _session(registered.then)
    assert {"user": {"email": "{email}", "password": "Isolation-7-harness"}} == registered.then.json
    assert 'json={"user": {"username": "{user}", "password": PASSWORD}},' in text_of(tmp_path / "out")


def test_users_are_known_by_the_address_they_registered(tmp_path: Path) -> None:
    """Where a registration asks for an address and no name, that is what the password flow's username is."""
    account = object_of("email", "password", email={"type": "string", "format": "email"}, password=TEXT)
    flow = {"type": "oauth2", "flows": {"password": {"tokenUrl": "auth/jwt/login", "scopes": {}}}}
    paths = {
        "/auth/jwt/login": {"post": {}},
        "/auth/register": {"post": takes(account)},
        "/notes": {"post": WRITES},
    }
    adapter = drafted_of(document_of(paths, securitySchemes={"s": flow}), tmp_path)
    signing: Any = adapter.sign_in
    assert "{email}" == signing.then.form["username"]
    assert 'json={"email": "{email}", "password": PASSWORD},' in text_of(tmp_path / "out")


def test_a_token_comes_from_the_login(tmp_path: Path) -> None:
    """With a declared bearer, a route that answers a token saves its writing, wherever the answer has it."""
    answer = object_of(data=object_of(accessToken=TEXT))
    paths = {"/v1/auth/sign-in": {"post": {**LOGIN, **answers(answer)}}, "/notes": {"post": WRITES}}
    adapter = drafted_of(document_of(paths, securitySchemes={"s": {"type": "http", "scheme": "bearer"}}), tmp_path)
    assert ("POST", "/v1/auth/sign-in", "data.accessToken", None) == _session(adapter.sign_in)
    assert {"name": "{user}", "password": "Isolation-7-harness"} == adapter.sign_in.json  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("scheme", "way"),
    [
        ({"type": "http", "scheme": "Bearer"}, "bearer"),
        ({"type": "http", "scheme": "basic"}, "basic"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "api_key"),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, "cookie"),
        ({"type": "oauth2", "flows": {"implicit": {"scopes": {}}}}, "bearer"),
        ({"type": "openIdConnect", "openIdConnectUrl": "x"}, "bearer"),
    ],
)
def test_what_is_declared_is_used(scheme: Mapping[str, Any], way: str, tmp_path: Path) -> None:
    """Each scheme has its sign-in; what only the user knows is left to write, and the file imports without."""
    document = document_of({"/notes": {"post": WRITES}}, securitySchemes={"s": scheme})
    signing = signing_of(Document(raw=document, source="x"))
    assert way == signing.way
    adapter = drafted_of(document, tmp_path)
    assert adapter.sign_in.invalid
    assert 1 == text_of(tmp_path / "out").count("# TO" + "DO: ")


def test_a_header_that_names_the_user_is_used(tmp_path: Path) -> None:
    """A declared key or a header parameter called like a user is who asks; no route repeats it, and as no credential is
    shown, none is claimed to be checked."""
    header = {"parameters": [{"name": "x-user", "in": "header", "required": True, "schema": TEXT}]}
    key = {"type": "apiKey", "in": "header", "name": "X-User"}
    for name, components in (("parameter", {}), ("key", {"securitySchemes": {"s": key}})):
        (tmp_path / name).mkdir()
        adapter = drafted_of(document_of({"/notes": {"post": {**WRITES, **header}}}, **components), tmp_path / name)
        assert {"x-user": "Zo%C3%AB"} == asyncio.run(_headers(adapter))
        assert {} == adapter.routes[0].headers
        assert ("SES-2", "ERR-1") == claims_shown(Description(promises=adapter.promises))


async def _headers(adapter: Adapter) -> Any:
    async with httpx.AsyncClient() as http:
        return await adapter.sign_in.headers(User(1, "Zoë"), http)


def test_users_who_show_nothing_are_told_apart_by_nothing(tmp_path: Path) -> None:
    """A document without a word of signing in gives `nobody()`, with a comment, and no claim of access."""
    adapter = drafted_of(document_of({"/notes": {"post": WRITES}}), tmp_path)
    assert frozenset() == adapter.sign_in.invalid
    assert ("SES-2", "ERR-1") == claims_shown(Description(promises=adapter.promises))
    assert "says nothing of signing in" in text_of(tmp_path / "out")


def test_a_session_of_work_is_no_login(tmp_path: Path) -> None:
    """A POST on /sessions that asks for no name and no password signs nobody in."""
    paths = {"/sessions": {"post": {**takes(object_of("title", title=TEXT)), **answers(ID)}}}
    assert [("POST", "/sessions")] == asked(drafted_of(document_of(paths), tmp_path))


def _session(signing: Any) -> tuple[Any, ...]:
    """Return what a session asks: method, path, place of the token, registration."""
    return (signing.method, signing.path, signing.token, signing.register)
