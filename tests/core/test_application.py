"""An application in this process is opened as if for the first time, and nothing else is touched."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from board import BOARD, USERS, came, performed

from harness.adapter import Adapter, Route, nobody
from harness.history.model import EventKind, Header, Target
from harness.performing.performance import Performance, lasting
from harness.scenario.program import Do, Program, Step, ask
from harness.targets.application import open_application

APP = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from {store} import NOTES


async def write(request):
    NOTES.append(1)
    return JSONResponse({{"id": len(NOTES)}})


app = Starlette(routes=[Route("/notes", write, methods=["POST"])])
"""
pytestmark = pytest.mark.asyncio


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of which modules can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def adapter(app: str) -> Adapter:
    """Describe an application that counts what is written."""
    write = Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note")
    return Adapter(name="notes", app=app, sign_in=nobody(), routes=[write])


async def first_id(app: str) -> int:
    """Open an application, write, and return the id of the note."""
    async with open_application(adapter(app), "notes") as target:
        return int(came(await performed(target, ask(0, "write")), "write", EventKind.OK)[0]["id"])


@pytest.mark.parametrize("layout", ["file", "module", "package", "deep", "beside"])
async def test_what_it_keeps_in_any_of_its_modules_is_made_anew(folder: Path, layout: str) -> None:
    """In the module beside it or its package, and in another folder of its package, however it is named."""
    deep = {"file": "", "module": "", "package": "notes_pkg", "deep": "notes_pkg.web.api", "beside": "notes_pkg"}[
        layout
    ]
    inside = folder.joinpath(*deep.split(".")) if deep else folder
    inside.mkdir(parents=True, exist_ok=True)
    for package in [inside, *inside.parents]:
        if package.is_relative_to(folder) and package != folder:
            (package / "__init__.py").touch()
    store = "notes_pkg.notes_store" if layout in ("package", "deep") else "notes_store"
    (folder.joinpath(*store.split(".")).with_suffix(".py")).write_text("NOTES = []")
    (inside / "notes_app.py").write_text(APP.format(store=store))
    named = {"file": str(inside / "notes_app.py"), "module": "notes_app"}.get(layout, f"{deep}.notes_app")
    assert [1, 1, 1] == [await first_id(f"{named}:app") for _ in range(3)]


async def test_what_is_the_harness_own_is_not_imported_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an application lies in the folder above it: two classes of one name would not know each other."""
    own = sys.modules["harness.history.model"]
    monkeypatch.setattr(sys.modules["harness"], "__file__", str(folder / "harness" / "__init__.py"))
    monkeypatch.setattr(own, "__file__", str(folder / "harness" / "history" / "model.py"))
    (folder / "notes_store.py").write_text("NOTES = []")
    (folder / "notes_app.py").write_text(APP.format(store="notes_store"))
    assert [1, 1] == [await first_id("notes_app:app") for _ in range(2)]
    assert own is sys.modules["harness.history.model"]


async def test_it_is_opened_for_each_program_under_names_of_its_own() -> None:
    """It does not go on between two programs, and yet a database of its own may know yesterday's users."""

    def open_board() -> object:
        return open_application(replace(BOARD), "board")

    names, notes = set(), []
    async with lasting(open_board) as reopen:  # type: ignore[arg-type]
        for _ in range(2):
            async with reopen() as target:
                names |= await names_of(target)
                notes.append(came(await performed(target, ask(0, "write")), "write", EventKind.OK)[0]["id"])
    assert (2 * len(USERS), [1, 1]) == (len(names), notes)


async def names_of(target: Target) -> set[str]:
    """Return under which names everybody is known."""
    header = Header(target="board", suite="tests", seed=1, users=2)
    async with Performance(target, Program("p", USERS, (Step(Do.SETTLE),)), header, {}) as performance:
        return {user.name for user in performance.users}
