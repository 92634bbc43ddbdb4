"""An adapter of an application, in memory: the one that `harness init` writes down."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from drafted_files import LOGIN, WRITES, answers, document_of, drafted, object_of
from fastapi import FastAPI
from notes_service import app, create_app

from harness.drafting import DraftError, drafted_adapter, is_application
from harness.history.model import Credential

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "docs" / "examples"


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module of the examples."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module(name)


class TestDraftedAdapter:
    def test_is_the_one_that_init_writes(self, tmp_path: Path) -> None:
        """Routes, channels and credentials are those of the file."""
        name = f"{HERE / 'notes_service.py'}:app"
        made, _ = drafted_adapter(app, name)
        written = drafted(name, tmp_path)
        assert (name, name) == (made.name, made.app)
        assert (written.routes, written.channels) == (made.routes, made.channels)
        assert written.sign_in == made.sign_in
        assert Credential.FORGED in made.promises.credentials

    @pytest.mark.parametrize("name", ["leaky_notes", "fixed_notes"])
    def test_can_be_made_of_the_examples(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A function that makes an application is called; users are told apart by the header that the routes take."""
        made, assumptions = drafted_adapter(example(name, monkeypatch).create_app, f"{name}:create_app")
        assert {"find", "find_by_q", "write", "read"} == {route.name for route in made.routes}
        assert "users sign in by the header x-user" == assumptions[0]

    def test_says_what_it_assumes(self) -> None:
        """How users get in, what makes objects, what was guessed, and what is not asked."""
        _, assumptions = drafted_adapter(create_app, "notes_service:create_app")
        assert "users sign in by POST /auth/token, registered by POST /auth/register" == assumptions[0]
        assert "POST /notes makes a note, whose id its answer has in 'id'" in assumptions
        assert "not asked: GET /books/{isbn}, as no route makes any book, which {isbn} names" in assumptions

    def test_can_be_made_of_a_document(self) -> None:
        """Whoever has a document and no application has an adapter without one."""
        login = {**LOGIN, **answers(object_of(access_token={"type": "string"}))}
        document = document_of({"/login": {"post": login}, "/notes": {"post": WRITES}})
        made, assumptions = drafted_adapter(document, "notes")
        assert ("notes", "", ["write"]) == (made.name, made.app, [route.name for route in made.routes])
        assert "users sign in by POST /login" == assumptions[0]

    def test_is_refused_where_nobody_could_sign_in(self) -> None:
        """What only the user knows must be written down, and the error says with which command."""
        scheme = {"type": "http", "scheme": "bearer"}
        document = document_of({"/notes": {"post": WRITES}}, securitySchemes={"s": scheme})
        with pytest.raises(
            DraftError, match="does not say the bearer token of a user: write it down once with `harness"
        ):
            drafted_adapter(document, "notes")

    def test_is_refused_where_nothing_carries_a_text(self) -> None:
        """Nobody's data could be told apart."""
        with pytest.raises(DraftError, match="no route of notes takes a text of a user's own"):
            drafted_adapter(document_of({"/notes": {"get": {}}}), "notes")


def make_app() -> Any: ...
def annotated() -> FastAPI: ...  # type: ignore[empty-body]
def target() -> Any: ...
async def application(scope: Any, receive: Any, send: Any) -> None: ...


class Target:
    def connect(self, user: Any, on_push: Any) -> None: ...


def made() -> Target: ...  # type: ignore[empty-body]


@pytest.mark.parametrize("found", [app, create_app, application, make_app, annotated])
def test_an_application_is_known_without_a_call(found: Any) -> None:
    """By `openapi`, by its three parameters, by the type that a function returns, or by the function's name."""
    assert is_application(found)


@pytest.mark.parametrize("found", [target, made, Target, Target(), 7, FastAPI, sys.exit])
def test_a_target_is_no_application(found: Any) -> None:
    """A function that makes a target is left alone, and so is everything else."""
    assert not is_application(found)
