"""`harness describe`: what is known of a target, and what can be shown by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness_command import called

from harness.claims.catalogue import CLAIMS

ADAPTER = """
from harness.adapter import Adapter, Route, nobody

adapter = Adapter(
    name="notes",
    sign_in=nobody(),
    routes=[
        Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
        Route("read", "GET", "/notes/{note}"),
        Route("all", "GET", "/notes", lists="note"),
        Route("drop", "DELETE", "/notes/{note}"),
    ],
)
"""
OWN = """
from harness.history.model import Promises
from harness.history.semantics import Semantics

class Own:
    name = "own"
    promises = Promises(operations={"write": Semantics("write", makes="note", texts=("text",))})
    async def connect(self, user, on_push): ...
    async def close(self): ...
    async def resources(self): return {}
"""


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A file with an adapter."""
    path = tmp_path / "isolation_target.py"
    path.write_text(ADAPTER, encoding="utf-8")
    return path


def described(target: object) -> Any:
    """Return what is printed for programs."""
    result = called("describe", target, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_what_is_inferred_is_marked(adapter: Path) -> None:
    """To people and to programs; what is stated is not."""
    said = called("describe", adapter).output
    assert "  read                 works on a note; reads it (inferred)\n" in said
    assert "  drop                 works on a note; deletes it (inferred)\n" in said
    assert "  all                  lists the user's notes, all of them\n" in said
    operations = described(adapter)["operations"]
    assert [[], ["reads"], [], ["deletes"]] == [operations[name]["inferred"] for name in operations]


def test_each_claim_is_there_with_the_line_that_unlocks_it(adapter: Path) -> None:
    """In the order of the catalogue; what can be shown names its suites."""
    claims = described(adapter)["claims"]
    assert [*CLAIMS] == [*claims]
    assert {"can_be_shown": True, "suites": ["wire", "load"], "lacking": {}} == {
        key: claims["SES-2"][key] for key in ("can_be_shown", "suites", "lacking")
    }
    assert {'`shows="text"` on read'} == {*claims["SES-5"]["lacking"].values()}
    assert 'add `shows="text"` on read\n' in called("describe", adapter).output


def test_a_target_in_python_is_opened_and_asked(tmp_path: Path) -> None:
    """Its promises are its own, and what it offers inside counts."""
    (tmp_path / "described_target.py").write_text(OWN, encoding="utf-8")
    known = described(f"{tmp_path / 'described_target.py'}:Own")
    assert (["write"], ["Resources"]) == ([*known["operations"]], known["protocols"])
    assert ["properties", "schedules"] == known["claims"]["FAC-2"]["suites"]


def test_an_application_is_described_by_its_draft() -> None:
    """What was assumed is said."""
    service = Path(__file__).parents[1] / "drafting" / "notes_service.py"
    known = described(f"{service}:app")
    assert "users sign in by POST /auth/token, registered by POST /auth/register" == known["assumptions"][0]
    assert known["claims"]["SES-5"]["can_be_shown"]
    assert "Assumed:\n  users sign in by" in called("describe", f"{service}:app").output


@pytest.mark.parametrize("arguments", [["nobody"], ["--target", "nobody"]])
def test_a_wrong_target_is_one_clear_error(arguments: list[str]) -> None:
    """Exit code 2, one sentence."""
    result = called("describe", *arguments)
    assert (2, 1) == (result.exit_code, len(result.output.splitlines()))
    assert "Error: there is no target 'nobody': give reference, service" in result.output


@pytest.mark.parametrize("command", ["verify", "explore", "describe"])
def test_a_target_is_given_once(command: str) -> None:
    """As an argument, or with --target as it used to be; both are one too many."""
    result = called(command, "one", "--target", "two")
    assert (2, "Error: two targets are given, one and --target two: give one of them") == (
        result.exit_code,
        result.output.splitlines()[-1],
    )
