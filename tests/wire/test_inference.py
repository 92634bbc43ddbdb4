"""What method, path and placeholders tell of a route, and what they do not."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from harness.adapter.adapter import Adapter, Route, nobody
from harness.history.semantics import Progress, Work

WRITE = Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note")
TEXT = {"text": "{canary}"}


def inferred(route: Route, *others: Route) -> dict[str, Any]:
    """Return what is known of a route beyond what is stated, beside the one that makes notes."""
    adapter = Adapter(name="x", sign_in=nobody(), routes=[WRITE, route, *others])
    stated, known = route.semantics, adapter.promises.operations[route.name]
    pairs = {field.name: (getattr(stated, field.name), getattr(known, field.name)) for field in fields(stated)}
    return {name: known for name, (stated, known) in pairs.items() if stated != known}


class TestInferred:
    @pytest.mark.parametrize(
        ("route", "known"),
        [
            (Route("x", "GET", "/notes/{note}"), {"reads": True}),
            (Route("x", "GET", "/notes/{note}/"), {"reads": True}),
            (Route("x", "PUT", "/notes/{note}", json=TEXT), {"edits": True}),
            (Route("x", "PATCH", "/notes/{note}", json={**TEXT, "version": "{version}"}), {"edits": True}),
            (Route("x", "DELETE", "/notes/{note}"), {"deletes": True}),
            (Route("x", "GET", "/notes"), {"lists": "note"}),
            (Route("x", "GET", "/notes", query={"q": "{query}"}), {"lists": "note", "searches": True}),
            (Route("x", "GET", "/notes/search", query={"q": "{query}"}), {"lists": "note", "searches": True}),
        ],
    )
    def test_a_request_tells_what_it_does(self, route: Route, known: dict[str, Any]) -> None:
        """From method, path and placeholders alone; a list is never taken for a whole one."""
        assert known == inferred(route)

    @pytest.mark.parametrize(
        "route",
        [
            Route("x", "GET", "/notes/{note}/lines"),
            Route("x", "DELETE", "/notes/{note}/pin"),
            Route("x", "PUT", "/notes/{note}/tags", json=TEXT),
            Route("x", "PUT", "/notes/{note}", json={"title": "{canary}"}),
            Route("x", "PUT", "/notes/{note}", form=TEXT),
            Route("x", "PUT", "/notes/{note}", json={"text": "as it was"}),
            Route("x", "POST", "/notes/{note}", json=TEXT),
            Route("x", "GET", "/letters"),
            Route("x", "GET", "/notes", newest_of=["write"]),
        ],
    )
    def test_what_may_mean_something_else_tells_nothing(self, route: Route) -> None:
        """A part of a note, another field of it, another collection, one text where a list might be."""
        assert {} == inferred(route)

    def test_what_is_stated_counts(self) -> None:
        """A DELETE that only archives, a PUT that appends, a list that is whole."""
        assert {} == inferred(Route("x", "DELETE", "/notes/{note}", deletes=False))
        assert {} == inferred(Route("x", "PUT", "/notes/{note}", json=TEXT, edits=False))
        assert {} == inferred(Route("x", "GET", "/notes", lists="note"))

    @pytest.mark.parametrize(
        "other",
        [
            Route("run", "POST", "/runs", json=TEXT, makes="run", starts=Work()),
            Route("run", "GET", "/runs/{run}", progress=Progress()),
            Route("run", "POST", "/runs/{run}/cancel", ends=True),
        ],
    )
    def test_work_that_is_deleted_may_only_end(self, other: Route) -> None:
        """Whether anything is left of it, somebody must say."""
        start = Route("start", "POST", "/runs", json=TEXT, makes="run")
        assert {} == inferred(Route("x", "DELETE", "/runs/{run}"), start, other)

    def test_two_kinds_made_in_one_place_are_not_told_apart(self) -> None:
        """Of which kind a list is, its path does not say."""
        letter = Route("letter", "POST", "/notes", json=TEXT, makes="letter")
        assert {} == inferred(Route("x", "GET", "/notes"), letter)

    def test_a_text_in_two_fields_is_edited_in_both(self) -> None:
        """Who makes notes of a title and a text and changes the title only, leaves the text as it was."""
        both = Route("both", "POST", "/notes", json={"text": "{canary}", "title": "{canary}"}, makes="note")
        assert {} == inferred(Route("x", "PATCH", "/notes/{note}", json=TEXT), both)
        whole = {"text": "{canary}", "title": "{canary}", "tags": ["a"]}
        assert {"edits": True} == inferred(Route("x", "PATCH", "/notes/{note}", json=whole), both)


class TestStated:
    def test_a_list_is_whole_unless_it_has_pages(self) -> None:
        """Only of a whole one anything can be called lost."""
        assert Route("x", "GET", "/notes", lists="note").semantics.all
        assert not Route("x", "GET", "/notes", lists="note", page="cursor").semantics.all
