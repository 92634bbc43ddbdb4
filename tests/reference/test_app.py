"""Truths of the HTTP application: AUT-1, AUT-2, SES-2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from reference_impl.app import MissingSetting, Settings, create_app

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.state.backend.running():
        yield app


def client(app: FastAPI, user: str | None) -> httpx.AsyncClient:
    headers = {} if user is None else {"Authorization": f"Bearer {app.state.backend.tokens.issue(user)}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)


async def test_a_users_day(settings: Settings) -> None:
    """Threads, runs and notes do what they say."""
    async with running(settings) as app, client(app, "alice") as alice:
        thread = (await alice.post("/threads", json={"title": "t"})).json()
        assert [thread] == (await alice.get("/threads")).json()
        assert thread == (await alice.get(f"/threads/{thread['id']}")).json()
        ask = {"agent": "notebook", "text": "remember: 50% | b", "metadata": {"k": [1]}}
        accepted = await alice.post(f"/threads/{thread['id']}/runs", json=ask)
        assert (202, "accepted") == (accepted.status_code, accepted.json()["status"])
        await asyncio.wait(app.state.backend.engine._tasks() or {asyncio.ensure_future(asyncio.sleep(0))})
        run = (await alice.get(f"/runs/{accepted.json()['id']}")).json()
        assert ("completed", thread["id"]) == (run["status"], run["thread"])
        assert [run] == (await alice.get(f"/threads/{thread['id']}/runs")).json()
        assert [4, 5] == [e["seq"] for e in (await alice.get(f"/runs/{run['id']}/events?after=3")).json()]
        assert ["50%"] == [note["text"] for note in (await alice.get("/notes", params={"q": "%"})).json()]
        note = (await alice.post("/notes", json={"text": "n"})).json()
        edit = {"text": "m", "version": 1}
        answers = [await alice.put(f"/notes/{note['id']}", json=edit) for _ in range(2)]
        assert [200, 409] == [answer.status_code for answer in answers]
        assert {**note, "text": "m", "version": 2} == (await alice.get(f"/notes/{note['id']}")).json()
        assert 204 == (await alice.delete(f"/notes/{note['id']}")).status_code
        assert 404 == (await alice.get(f"/notes/{note['id']}")).status_code


async def test_not_yours_and_does_not_exist_are_one_answer(settings: Settings) -> None:
    """For each route: the owner succeeds, the observer gets byte for byte what a missing id gives."""
    async with running(settings) as app, client(app, "owner") as owner, client(app, "observer") as observer:
        thread = (await owner.post("/threads", json={"title": "t"})).json()["id"]
        note = (await owner.post("/notes", json={"text": "n"})).json()["id"]
        ask = {"agent": "narrator", "text": "x"}
        run = (await owner.post(f"/threads/{thread}/runs", json=ask)).json()["id"]
        routes = [
            ("GET", "/threads/{}", thread, None),
            ("GET", "/threads/{}/runs", thread, None),
            ("POST", "/threads/{}/runs", thread, ask),
            ("GET", "/runs/{}", run, None),
            ("GET", "/runs/{}/events", run, None),
            ("POST", "/runs/{}/cancel", run, None),
            ("GET", "/notes/{}", note, None),
            ("PUT", "/notes/{}", note, {"text": "m", "version": 1}),
            ("DELETE", "/notes/{}", note, None),
        ]
        for method, path, mine, body in routes:
            denied = [await observer.request(method, path.format(i), json=body) for i in (mine, "0" * 32)]
            granted = await owner.request(method, path.format(mine), json=body)
            assert 1 == len({(a.status_code, a.content, a.headers["content-type"]) for a in denied}), path
            assert (404, True) == (denied[0].status_code, granted.is_success), path
        assert ([], [], []) == tuple(
            [(await observer.get(path)).json() for path in ("/threads", "/notes", "/notes?q=n")]
        )


async def test_nobody_gets_in_without_a_token(settings: Settings) -> None:
    """Without a token in the header each route, known or not, answers 401; only health is open."""
    async with running(settings) as app, client(app, None) as nobody, client(app, "alice") as alice:
        token = app.state.backend.tokens.issue("alice")
        assert {"status": "ok"} == (await nobody.get("/healthz")).json()
        paths = [
            "/threads",
            "/notes",
            "/runs/x",
            "/nothing",
            "/openapi.json",
            "/docs",
            f"/notes?token={token}",
        ]
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE"):
                assert 401 == (await nobody.request(method, path, content=b"{")).status_code
        wrong = ["", token, f"Basic {token}", "Bearer ", f"Bearer {token}x", f"Bearer {token} {token}"]
        for header in wrong:
            answer = await nobody.post("/notes", json={"text": "n"}, headers={"Authorization": header})
            assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"])
        assert [] == (await alice.get("/notes")).json()


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b"{}", b'{"text": 1}', b'{"text": "n", "user": "bob"}', b'{"text": "\\ud800"}', b"\xff",
        b'{"text": "' + b"x" * 100_001 + b'"}', b'{"text": "n", "\\ud800": 1}', b"[" * 100_000,
    ],
)  # fmt: skip
async def test_what_is_malformed_is_refused_without_echo(settings: Settings, body: bytes) -> None:
    """Malformed bodies are the client's error, and the answer is short."""
    async with running(settings) as app, client(app, "alice") as alice:
        answer = await alice.post("/notes", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
        assert len(answer.content) < 500
        assert [] == (await alice.get("/notes")).json()


async def test_wrong_runs_are_refused(settings: Settings) -> None:
    """An unknown agent and metadata that cannot be kept are the client's error."""
    async with running(settings) as app, client(app, "alice") as alice:
        thread = (await alice.post("/threads", json={"title": "t"})).json()["id"]
        deep = b'{"agent":"narrator","text":"x","metadata":{"a":' + b"[" * 60 + b"]" * 60 + b"}}"
        for body in (b'{"agent":"nobody","text":"x"}', deep, deep.replace(b"[" * 60 + b"]" * 60, b"NaN")):
            answer = await alice.post(
                f"/threads/{thread}/runs", content=body, headers={"content-type": "application/json"}
            )
            assert 422 == answer.status_code
        assert [] == (await alice.get(f"/threads/{thread}/runs")).json()


async def test_settings_come_from_the_environment_and_secrets_have_no_default() -> None:
    """All that is missing is named at once; what is given is read."""
    with pytest.raises(MissingSetting, match="DATABASE_URL and REFERENCE_IMPL_TOKEN_SECRET"):
        Settings.from_environment({})
    given = {"DATABASE_URL": "u", "TOKEN_SECRET": "hush", "ALLOWED_ORIGINS": "a, b", "RUNS_PER_USER": "5"}
    read = Settings.from_environment({f"REFERENCE_IMPL_{name}": text for name, text in given.items()})
    assert (("a", "b"), 5, 30.0, "hush") == (
        read.allowed_origins,
        read.runs_per_user,
        read.run_timeout_s,
        read.token_secret,
    )
    assert "hush" not in repr(read)
