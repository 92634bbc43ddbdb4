from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from drafted_files import (
    ID,
    LOGIN,
    TEXT,
    WRITES,
    answers,
    asked,
    at,
    document_of,
    drafted,
    drafted_of,
    object_of,
    opened,
    route,
    takes,
    text_of,
)

from harness.adapter import Channel
from harness.drafting.kinds import singular


def written(schema: Mapping[str, Any], folder: Path, **components: Any) -> Any:
    """Return the body that is drafted for this schema."""
    document = document_of({"/notes": {"post": takes(schema)}, "/other": {"post": WRITES}}, **components)
    return route(drafted_of(document, folder), "POST", "/notes").json


class TestBodies:
    def test_references_are_followed(self, tmp_path: Path) -> None:
        """A body, and a schema in it, may stand elsewhere in the document."""
        document = document_of(
            {"/notes": {"post": {"requestBody": {"$ref": "#/components/requestBodies/New~1Note"}}}},
            requestBodies={"New/Note": takes({"$ref": "#/components/schemas/Note"})["requestBody"]},
            schemas={"Note": object_of("text", text={"$ref": "#/components/schemas/Text"}), "Text": TEXT},
        )
        assert {"text": "{canary}"} == route(drafted_of(document, tmp_path), "POST", "/notes").json

    def test_all_of_is_both(self, tmp_path: Path) -> None:
        """Fields and requirements of all parts count."""
        schema = {"allOf": [object_of("count", count={"type": "integer"}), object_of("text", text=TEXT)]}
        assert {"count": 1, "text": "{canary}"} == written(schema, tmp_path)

    @pytest.mark.parametrize(
        "nullable",
        [
            {"anyOf": [{"type": "null"}, TEXT]},
            {"oneOf": [TEXT, {"type": "null"}]},
            {"type": ["null", "string"]},
            {"type": "string", "nullable": True},
        ],
    )
    def test_a_text_that_may_be_null_carries_the_canary(self, nullable: Mapping[str, Any], tmp_path: Path) -> None:
        """Null is no value that shows anything."""
        assert {"text": "{canary}"} == written(object_of("text", text=nullable), tmp_path)

    def test_the_chosen_form_says_which_it_is(self, tmp_path: Path) -> None:
        """A discriminator has the name that stands for the first form."""
        forms = {"Plain": object_of("kind", "text", kind=TEXT, text=TEXT), "Rich": object_of("html", html=TEXT)}
        schema = {
            "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in forms],
            "discriminator": {"propertyName": "kind", "mapping": {"plain": "#/components/schemas/Plain"}},
        }
        assert {"kind": "plain", "text": "{canary}"} == written(schema, tmp_path, schemas=forms)

    @pytest.mark.parametrize(
        ("schema", "value"),
        [
            ({"type": "integer", "minimum": 7}, 7),
            ({"type": "integer", "exclusiveMinimum": 7}, 8),
            ({"type": "integer", "minimum": 7, "exclusiveMinimum": True}, 8),
            ({"type": "integer", "maximum": -3}, -3),
            ({"type": "integer", "minimum": 6, "multipleOf": 5}, 10),
            ({"type": "integer", "default": 4}, 4),
            ({"type": "number", "exclusiveMaximum": 1}, 0.5),
            ({"type": "boolean"}, False),
            ({"enum": [None, "a", "b"]}, "a"),
            ({"enum": ["a", "b"], "default": "b"}, "b"),
            ({"const": "x"}, "x"),
            ({"type": "string", "format": "date"}, "2030-01-31"),
            ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
            ({"type": "string", "format": "email"}, "someone@example.com"),
            ({"type": "string", "pattern": "^[A-Z]\\d$"}, "A1"),
            ({"type": "string", "maxLength": 3}, "wor"),
            ({"type": "string", "maxLength": 9, "minLength": 6}, "wordword"),
            ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ],
    )
    def test_values_are_valid(self, schema: Mapping[str, Any], value: Any, tmp_path: Path) -> None:
        """What is no free text gets a value that its schema allows."""
        assert {"x": value, "text": "{canary}"} == written(object_of("x", x=schema, text=TEXT), tmp_path)

    def test_long_texts_are_long_enough(self, tmp_path: Path) -> None:
        """A free text with a least length is filled up behind the canary."""
        body = written(object_of("text", text={"type": "string", "minLength": 100}), tmp_path)
        assert body["text"].startswith("{canary}")
        assert 100 <= len(body["text"].removeprefix("{canary}")) + len("note icq7hm2w00010c3f3k2v9q0a")

    def test_the_best_text_is_added(self, tmp_path: Path) -> None:
        """Of optional fields only the one is filled that is most likely a user's own words."""
        schema = object_of("count", count={"type": "integer"}, nickname=TEXT, content=TEXT, status=TEXT)
        assert {"count": 1, "content": "{canary}"} == written(schema, tmp_path)

    def test_a_text_further_in_counts(self, tmp_path: Path) -> None:
        """A message in a list in the body carries the canary, and its role is one that a chat knows."""
        message = object_of("role", "content", role=TEXT, content=TEXT)
        schema = object_of("messages", messages={"type": "array", "items": message})
        assert {"messages": [{"role": "user", "content": "{canary}"}]} == written(schema, tmp_path)

    def test_a_schema_in_itself_ends(self, tmp_path: Path) -> None:
        """A tree of nodes is filled no deeper than required."""
        node = object_of("text", text=TEXT, children={"type": "array", "items": {"$ref": "#/components/schemas/Node"}})
        schema = {"$ref": "#/components/schemas/Node"}
        assert {"text": "{canary}"} == written(schema, tmp_path, schemas={"Node": node})

    def test_forms_are_forms(self, tmp_path: Path) -> None:
        """A form is sent as one, its values as texts; a file cannot be, and is left out."""
        form = takes(object_of("text", "n", text=TEXT, n={"type": "integer"}), "application/x-www-form-urlencoded")
        upload = takes(object_of("file", file={"type": "string", "format": "binary"}), "multipart/form-data")
        adapter = drafted_of(document_of({"/notes": {"post": form}, "/files": {"post": upload}}), tmp_path)
        assert [("POST", "/notes")] == asked(adapter)
        assert {"text": "{canary}", "n": "1"} == adapter.routes[0].form
        assert "# - POST /files: its body is multipart/form-data" in text_of(tmp_path / "out")


class TestKinds:
    @pytest.mark.parametrize(
        ("answer", "where"),
        [
            (ID, "id"),
            (object_of(note_id=TEXT, other=TEXT), "note_id"),
            (object_of(noteId=TEXT), "noteId"),
            (object_of(uuid=TEXT), "uuid"),
            (object_of(data=ID), "data.id"),
            (object_of(data=object_of(note=ID)), "data.note.id"),
            ({"type": "string"}, ""),
            ({}, "id"),
        ],
    )
    def test_an_id_is_found_in_the_answer(self, answer: Mapping[str, Any], where: str, tmp_path: Path) -> None:
        """At its top, under several names, further in, or as the whole; where nothing is said, as `id`."""
        paths = {"/notes": {"post": {**WRITES, **answers(answer)}}, "/notes/{note_id}": {"get": at("note_id")}}
        made = route(drafted_of(document_of(paths), tmp_path), "POST", "/notes")
        assert ("note", where) == (made.makes, made.id)
        assert ("is the new id in `id`?" in text_of(tmp_path / "out")) == (answer == {})

    def test_what_an_answer_names_is_made(self, tmp_path: Path) -> None:
        """An upload that answers `note_id` makes a note; sharing a note answers that, too, and makes none."""
        named = answers(object_of(note_id=TEXT))
        paths = {
            "/upload": {"post": {**WRITES, **named}},
            "/notes/{note_id}/share": {"post": {**at("note_id"), **named}},
        }
        adapter = drafted_of(document_of(paths), tmp_path)
        assert [("/upload", "note", "note_id"), ("/notes/{note}/share", "", "id")] == [
            (one.path, one.makes, one.id) for one in adapter.routes
        ]

    def test_what_nobody_makes_is_left_out(self, tmp_path: Path) -> None:
        """With its maker goes everything that needs it: a thread cannot be made, so its runs cannot either."""
        paths = {
            "/notes": {"post": WRITES},
            "/threads/{thread_id}/runs": {"post": {**at("thread_id"), **takes(object_of(text=TEXT)), **answers(ID)}},
            "/runs/{run_id}": {"get": at("run_id")},
        }
        assert [("POST", "/notes")] == asked(drafted_of(document_of(paths), tmp_path))
        told = text_of(tmp_path / "out")
        assert "# - POST /threads/{thread_id}/runs: no route makes any thread, which {thread_id} names" in told
        assert "# - GET /runs/{run_id}: no route makes any run, which {run_id} names" in told

    def test_what_is_made_of_itself_is_left_out(self, tmp_path: Path) -> None:
        """A note that needs a note can never be the first one."""
        copied = {**at("note_id"), **answers(ID)}
        paths = {"/notes/{note_id}/notes": {"post": copied}, "/other": {"post": WRITES}}
        assert [("POST", "/other")] == asked(drafted_of(document_of(paths), tmp_path))

    def test_ids_in_queries_and_bodies_are_taken(self, tmp_path: Path) -> None:
        """`note_id` names a note wherever it stands; a second place has a label, for it could be another one."""
        paths = {
            "/notes": {"post": {**WRITES, **answers(ID)}},
            "/notes/{note_id}/links": {
                "post": {
                    **at("note_id"),
                    **takes(object_of("note_id", "target_note_id", note_id=TEXT, target_note_id=TEXT)),
                }
            },
            "/comments": {"get": {"parameters": [{"name": "note_id", "in": "query", "schema": TEXT}]}},
        }
        adapter = drafted_of(document_of(paths), tmp_path)
        linked = route(adapter, "POST", "/notes/{note}/links").json
        assert {"note_id": "{note:body}", "target_note_id": "{note:target}"} == linked
        listed = [one.query for one in adapter.routes if one.path == "/comments"]
        assert [{}, {"note_id": "{note}"}] == listed

    def test_a_kind_called_like_a_placeholder_has_another_name(self, tmp_path: Path) -> None:
        """`{session}` is what the client chooses, so a session that the service makes is called otherwise."""
        paths = {
            "/sessions": {"post": {**takes(object_of(title=TEXT)), **answers(ID)}},
            "/sessions/{session_id}": {"get": at("session_id")},
        }
        assert [("POST", "/sessions"), ("GET", "/sessions/{session_object}")] == asked(
            drafted_of(document_of(paths), tmp_path)
        )

    def test_a_parameter_that_names_no_object_has_a_value(self, tmp_path: Path) -> None:
        """One of a list, the user's own name, an id that the client chooses, a text to look for."""
        paths = {
            "/other": {"post": WRITES},
            "/colours/{colour}": {"get": at("colour", {"enum": ["red", "blue"]})},
            "/people/{username}": {"get": at("username")},
            "/chats/{session_id}": {"get": at("session_id")},
            "/find/{query}": {"get": at("query")},
        }
        wanted = ["/other", "/colours/red", "/people/{user}", "/chats/{session}", "/find/{canary}"]
        assert wanted == [one.path for one in drafted_of(document_of(paths), tmp_path).routes]

    @pytest.mark.parametrize(
        ("many", "one"),
        [
            ("notes", "note"),
            ("categories", "category"),
            ("boxes", "box"),
            ("classes", "class"),
            ("people", "person"),
            ("status", "status"),
            ("chat-messages", "chat_message"),
            ("userNotes", "user_note"),
        ],
    )
    def test_one_of_many(self, many: str, one: str) -> None:
        """A collection is called in the plural, one of it in the singular."""
        assert one == singular(many)


class TestStreams:
    def test_streams_become_channels(self, tmp_path: Path) -> None:
        """What is got as a stream is opened; what is sent and answered as one stays a route."""
        paths = {
            "/notes": {"post": WRITES},
            "/feed": {"get": {"operationId": "feed", **answers({}, "text/event-stream")}},
            "/lines": {"get": {"operationId": "lines", **answers({}, "application/x-ndjson; charset=utf-8")}},
            "/chat": {"post": {**takes(object_of("prompt", prompt=TEXT)), **answers({}, "text/event-stream")}},
            "/rooms/{room_id}/feed": {"get": {**at("room_id"), **answers({}, "text/event-stream")}},
        }
        adapter = drafted_of(document_of(paths), tmp_path)
        assert [Channel("feed", "sse", "/feed"), Channel("lines", "lines", "/lines")] == opened(adapter)
        assert [("POST", "/notes"), ("POST", "/chat")] == asked(adapter)


YAML = """\
openapi: 3.0.3
info: {title: Diary, version: "1"}
servers:
  - url: https://example.com/{version}
    variables: {version: {default: v2}}
paths:
  /entries:
    post:
      operationId: EntriesController_createEntry
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [day, text]
              properties:
                day: {type: string, pattern: '^\\d{4}-', default: 2020-01-02}
                text: {type: string}
      responses:
        201: {description: made}
"""


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    """A YAML file with numbers for statuses, a date for a text, and a server with a prefix."""
    (tmp_path / "diary.yaml").write_text(YAML, encoding="utf-8")
    adapter = drafted(tmp_path / "diary.yaml", tmp_path / "out")
    [entry] = adapter.routes
    assert ("entries_controller_create_entry", "POST", "/v2/entries") == (entry.name, entry.method, entry.path)
    assert {"day": "2020-01-02", "text": "{canary}"} == entry.json
    assert "" == adapter.url
    assert "diary" == adapter.name


def test_one_document_gives_one_file(tmp_path: Path) -> None:
    """The same document gives the same text, byte for byte."""
    document = document_of({"/notes": {"post": WRITES}, "/notes/{note_id}": {"get": at("note_id")}})
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    drafted_of(document, tmp_path / "one")
    drafted_of(copy.deepcopy(document), tmp_path / "two")
    one, two = (text_of(tmp_path / name / "out").replace(f"/{name}/", "/") for name in ("one", "two"))
    assert one == two


def test_the_file_is_formatted(tmp_path: Path) -> None:
    """Ruff would change nothing, even where bodies are long and users are registered."""
    deep = object_of("text", *"abcdef", text=TEXT, **{name: {"type": "array", "items": TEXT} for name in "abcdef"})
    account = object_of("name", "password", "mail", name=TEXT, password=TEXT, mail=TEXT)
    paths = {
        "/notes": {"post": {**takes(object_of("note", note=deep)), **answers(ID)}},
        "/notes/{note_id}": {"get": at("note_id")},
        "/login": {"post": LOGIN},
        "/register": {"post": takes(account)},
    }
    drafted_of(document_of(paths, securitySchemes={"s": {"type": "http", "scheme": "bearer"}}), tmp_path)
    command = [Path(sys.executable).with_name("ruff"), "format", "--isolated", "--line-length", "120", "--diff"]
    result = subprocess.run([*command, tmp_path / "out"], capture_output=True, text=True, check=False)
    assert "" == result.stdout
    assert 0 == result.returncode, result.stderr
