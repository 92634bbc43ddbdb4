from __future__ import annotations

import ast
import asyncio
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from drafted_files import adapter_in, asked, called, opened, route, text_of
from notes_service import create_app

from harness import extras
from harness.adapter.adapter import Adapter, Channel, Route, fill
from harness.claims.statements import Description, claims_shown
from harness.drafting.files import TRIALS, TRIALS_OF
from harness.history.model import Credential, User

SERVICE = Path(__file__).with_name("notes_service.py")
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is drafted from the service, no line of it edited."""
    made = tmp_path_factory.mktemp("fastapi")
    result = called(f"{SERVICE}:app", "--out", made)
    assert result.exit_code == 0, result.output
    return made


@pytest.fixture
def adapter(folder: Path) -> Adapter:
    """The adapter of the drafted file."""
    return adapter_in(folder)


def test_every_route_for_users_is_asked(adapter: Adapter) -> None:
    """What users do is drafted; signing in, registering, the health check and an unmade kind are not."""
    assert [
        ("GET", "/notes"),
        ("GET", "/notes"),
        ("POST", "/notes"),
        ("GET", "/notes/{note}"),
        ("DELETE", "/notes/{note}"),
        ("POST", "/comments"),
    ] == asked(adapter)


def test_what_is_left_out_is_told_with_its_reason(folder: Path) -> None:
    """The file names each route that is not asked, and why."""
    told = [line for line in text_of(folder).splitlines() if line.startswith("# - ")]
    assert [
        "# - POST /auth/register: users are registered by it",
        "# - POST /auth/token: users sign in by it",
        "# - GET /health: it tells of the service, not of a user's data",
        "# - GET /books/{isbn}: no route makes any book, which {isbn} names",
    ] == told


def test_bodies_are_valid_and_carry_the_users_text(adapter: Adapter) -> None:
    """A free text that is long enough carries the canary; short texts and bounded numbers get valid values."""
    body = route(adapter, "POST", "/notes").json
    assert {"title": "word", "content": "{canary}", "stars": 1} == body


def test_kinds_are_made_and_worked_on(adapter: Adapter) -> None:
    """The POST on the collection makes notes; paths and the field `note_id` take them; DELETE deletes them."""
    assert ("note", "id") == (route(adapter, "POST", "/notes").makes, route(adapter, "POST", "/notes").id)
    assert {"note_id": "{note}", "comment": "{canary}"} == route(adapter, "POST", "/comments").json
    assert ["delete_note"] == [one.name for one in adapter.promises.which(lambda one: one.deletes)]


def test_a_search_is_asked_beside_the_list(adapter: Adapter) -> None:
    """The list is asked as it is, and once more with a word that every text has."""
    assert [{}, {"q": "{query}"}] == [
        one.query for one in adapter.routes if (one.method, one.path) == ("GET", "/notes")
    ]


def test_streams_and_sockets_become_channels(adapter: Adapter) -> None:
    """The event stream, and the WebSockets of an included router and of a mounted application, are opened on notes."""
    assert [
        Channel("follow", "websocket", "/live/ws/{note}"),
        Channel("follow_2", "websocket", "/mounted/ws/{note}"),
        Channel("note_events", "sse", "/notes/{note}/events"),
    ] == opened(adapter)


def test_users_get_in_and_every_route_is_answered(adapter: Adapter) -> None:
    """A user of the unedited file is registered and signed in, and each of their requests succeeds."""
    statuses = asyncio.run(_statuses_of(adapter))
    assert {one.name: statuses[one.name] for one in adapter.routes if statuses[one.name] >= 300} == {}
    assert [200, 201, 204] == sorted({status for name, status in statuses.items() if name != "intruder"})
    assert 401 == statuses["intruder"]


async def _statuses_of(adapter: Adapter) -> dict[str, int]:
    """Perform each route once, the makers first, and one as somebody with a forged token."""
    transport = httpx.ASGITransport(create_app())
    given = {"canary": "note icq7hm2w00010c3f3k2v9q0a", "query": "note", "user": "alice", "session": "s"}
    statuses = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        headers = await adapter.sign_in.headers(User(1, "alice"), http)
        forged = await adapter.sign_in.headers(User(2, "bob", Credential.FORGED), http)
        for one in sorted(adapter.routes, key=lambda one: (not one.makes, one.method == "DELETE")):
            answer = await _ask(http, one, headers, given)
            statuses[one.name] = answer.status_code
            if one.makes:
                given[one.makes] = answer.json()[one.id]
        statuses["intruder"] = (await _ask(http, adapter.route("list_notes"), forged, given)).status_code
    return statuses


async def _ask(http: httpx.AsyncClient, one: Route, headers: Any, given: dict[str, str]) -> httpx.Response:
    path, query, body = fill(one.path, given), fill(dict(one.query), given), fill(one.json, given)
    return await http.request(one.method, path, params=query, json=body, headers=headers)


def test_the_plan_asks_for_what_the_adapter_can_show(folder: Path, adapter: Adapter) -> None:
    """Its claims are those that the description can show, and with each come the planted bugs that it needs."""
    plan = tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))
    assert {
        "name": "notes-more",
        "claims": ["SES-2", "SES-5", "ERR-1", "AUT-1", "AUT-2"],
        "trials": [
            *("memoised-search", "unowned-edit", "lost-update", "held-lock"),
            *("unchecked-signature", "unchecked-run", "telling-refusal", *TRIALS),
        ],
        "wire": {"users": 10},
        "schedules": {"schedules": 200, "trials": 0},
    } == plan
    assert [*claims_shown(Description(promises=adapter.promises))] == plan["claims"]


def test_the_plan_leaves_out_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `load` its first verification would end with an error; CI installs what the plan needs."""
    monkeypatch.setattr(extras, "EXTRAS", {**extras.EXTRAS, "load": "there_is_no_such_module"})
    called(f"{SERVICE}:app", "--out", tmp_path)
    assert tomllib.loads((tmp_path / "plan.toml").read_text(encoding="utf-8"))["load"] is False
    installing = [step.get("run", "") for step in _steps(tmp_path) if "pip install" in step.get("run", "")]
    assert ["pip install isolation-harness -r requirements.txt"] == installing


def test_the_trials_of_the_example_are_those_of_its_claims() -> None:
    """What the documentation requires can be shown by the planted bugs that it names."""
    example = tomllib.loads((EXAMPLES / "notes_plan.toml").read_text(encoding="utf-8"))
    assert {*TRIALS, *(trial for claim in example["claims"] for trial in TRIALS_OF[claim])} == {*example["trials"]}


def test_what_answers_show_is_stated(adapter: Adapter) -> None:
    """The text comes out where it went in; a list that has pages need not be whole, and says so."""
    assert ("content", "content") == (adapter.route("read_note").shows, adapter.route("list_notes").shows)
    assert ("note", "limit") == (adapter.route("list_notes").lists, adapter.route("list_notes").page)
    assert not adapter.promises.operations["list_notes"].all


def test_what_more_could_be_shown_is_told(tmp_path: Path) -> None:
    """The command ends with the lines that would unlock claims, in the names of the draft."""
    said = called(f"{SERVICE}:app", "--out", tmp_path).output
    assert 'add `newest_of=["write_note"]` on read_note, if it shows no older text: FAC-4' in said
    assert "of a target in Python" not in said


def test_the_workflow_serves_the_application_itself(folder: Path) -> None:
    """With an application nothing is started before, and no URL is given."""
    steps = _steps(folder)
    [command] = [step["run"] for step in steps if "harness verify" in step.get("run", "")]
    assert "harness verify isolation_target.py --plan plan.toml --out isolation-report" == command
    assert [] == [step for step in steps if step.get("name") == "Start the service"]


def _steps(folder: Path) -> list[dict[str, Any]]:
    workflow = yaml.safe_load((folder / ".github" / "workflows" / "isolation.yml").read_text(encoding="utf-8"))
    steps: list[dict[str, Any]] = workflow["jobs"]["isolation"]["steps"]
    return steps


def test_a_function_that_makes_an_application_is_called(folder: Path, tmp_path: Path) -> None:
    """Of a function without arguments the same is drafted as of what it returns, and the file names the function."""
    assert 0 == called(f"{SERVICE}:create_app", "--out", tmp_path).exit_code
    assert adapter_in(folder).routes == adapter_in(tmp_path).routes
    assert adapter_in(tmp_path).app.endswith("notes_service.py:create_app")


def test_the_file_needs_no_editing(folder: Path) -> None:
    """It parses, documents what it defines, and leaves nothing to do."""
    text = text_of(folder)
    assert ast.get_docstring(ast.parse(text))
    assert "TO" + "DO" not in text
    assert max(map(len, text.splitlines())) <= 120
