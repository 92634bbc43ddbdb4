from __future__ import annotations

import asyncio
import difflib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from drafted_files import adapter_in, asked, called, opened, route, text_of
from signed_service import SECRET

from harness.adapter.adapter import Adapter, Channel, fill
from harness.history.model import Unreachable, User
from reference_impl.app import Settings, create_app

SERVICE = Path(__file__).with_name("signed_service.py")
TOKEN = f"""\
    return jwt.encode(
        {{"sub": user.name, "aud": "reference_impl", "exp": time.time() + 3600}}, "{SECRET}", "HS256"
    )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is drafted from the bundled backend."""
    made = tmp_path_factory.mktemp("bearer")
    result = called(f"{SERVICE}:app", "--out", made)
    assert result.exit_code == 0, result.output
    return made


@pytest.fixture
def edited(folder: Path, tmp_path: Path) -> Path:
    """A copy in which somebody has written what only they know."""
    text = text_of(folder)
    text = text.replace("from harness.adapter", "import time\n\nimport jwt\n\nfrom harness.adapter", 1)
    text = re.sub(r"    # TO.*?    \)\n(?=\n\n)", lambda _: TOKEN, text, count=1, flags=re.DOTALL)
    text = text.replace('"agent": "word"', '"agent": "notebook"')
    (tmp_path / "isolation_target.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_scheme_is_found_out_where_the_document_is_silent(folder: Path) -> None:
    """The backend declares no scheme, but refuses with `Bearer`; so a token is what is left to write, and the file
    imports without it."""
    adapter = adapter_in(folder)
    assert adapter.sign_in.invalid
    assert 1 == text_of(folder).count("TO" + "DO")
    with pytest.raises(Unreachable, match=r"write token_for in isolation_target\.py"):
        asyncio.run(_signed_in(adapter))


async def _signed_in(adapter: Adapter) -> None:
    async with httpx.AsyncClient() as http:
        await adapter.sign_in.headers(User(1, "alice"), http)


def test_routes_kinds_and_channels_are_those_of_the_backend(folder: Path) -> None:
    """Threads, runs of threads, and notes are made and worked on; events are pushed over the WebSocket."""
    adapter = adapter_in(folder)
    assert ["thread", "run", "note"] == [one.makes for one in adapter.routes if one.makes]
    assert "run" == route(adapter, "POST", "/threads/{thread}/runs").makes
    assert ("POST", "/runs/{run}/cancel") in asked(adapter)
    assert ("GET", "/healthz") not in asked(adapter)
    assert [Channel("events", "websocket", "/events")] == opened(adapter)


def test_ten_lines_are_enough_to_be_let_in(folder: Path, edited: Path, tmp_path: Path) -> None:
    """With fewer than ten lines changed, a user makes a thread and a run, and every route is answered as asked."""
    before, after = text_of(folder).splitlines(), text_of(edited).splitlines()
    new = [line for line in difflib.unified_diff(before, after, n=0) if re.match(r"\+(?!\+)", line)]
    assert len(new) < 10
    refused = asyncio.run(_refused(adapter_in(edited), tmp_path / "backend.db"))
    assert {} == refused


async def _refused(adapter: Adapter, database: Path) -> dict[str, str]:
    """Perform each route once, makers first, and return what was refused."""
    app = create_app(Settings(database_url=f"sqlite+aiosqlite:///{database}", token_secret=SECRET))
    given: dict[str, Any] = {
        "canary": "note icq7hm2w00010c3f3k2v9q0a",
        "query": "note",
        "version": 1,
        "user": "alice",
        "session": "s",
    }
    refused = {}
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as http,
    ):
        headers = await adapter.sign_in.headers(User(1, "alice"), http)
        for one in sorted(adapter.routes, key=lambda one: (not one.makes, one.method == "DELETE")):
            path, query, body = fill(one.path, given), fill(dict(one.query), given), fill(one.json, given)
            answer = await http.request(one.method, path, params=query, json=body, headers=headers)
            if one.makes:
                given[one.makes] = answer.json()[one.id]
            if answer.status_code >= 300:
                refused[one.name] = answer.text
    return refused
