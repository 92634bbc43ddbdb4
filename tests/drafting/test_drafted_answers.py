"""What the answers of a document say of its routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drafted_files import TEXT, answers, at, document_of, drafted_of, object_of, takes, text_of

NUMBER = {"type": "integer"}
NOTE = object_of(id=TEXT, text=TEXT)
MAKES = {"operationId": "make", **takes(object_of("text", text=TEXT)), **answers(NOTE)}


def described(folder: Path, one: Any, *, all_of: Any = None, parameters: Any = (), edit: Any = None) -> Any:
    """Return the promises of a service of notes: of the answers that show one, and all; and the file."""
    item = {**at("note_id"), "get": {"operationId": "read", **answers(one)}}
    if edit is not None:
        item["put"] = {"operationId": "edit", **takes(edit), **answers(one)}
    every: dict[str, Any] = {"post": {**MAKES, **answers(one)}}
    if all_of is not None:
        every["get"] = {"operationId": "see_all", "parameters": [*parameters], **answers(all_of)}
    adapter = drafted_of(document_of({"/notes": every, "/notes/{note_id}": item}), folder)
    return adapter.promises.operations, text_of(folder / "out")


class TestTexts:
    @pytest.mark.parametrize(
        ("one", "shows"),
        [
            (NOTE, "text"),
            (object_of(id=TEXT, data=NOTE), "data.text"),
            (object_of(note=NOTE), "note.text"),
            (object_of(id=TEXT, summary=TEXT), None),
        ],
    )
    def test_come_out_under_the_name_with_which_they_go_in(self, one: Any, shows: str | None, tmp_path: Path) -> None:
        """At the top, or in what wraps the object; under another name somebody must say so."""
        operations, _ = described(tmp_path, one)
        assert shows == operations["read"].shows

    def test_are_proposed_where_the_document_is_silent(self, tmp_path: Path) -> None:
        """An answer of which nothing is said may have the text: a comment, and no statement."""
        operations, text = described(tmp_path, {"type": "object"})
        assert None is operations["read"].shows
        assert '# if the answer has the text there, add shows="text"' in text


class TestLists:
    @pytest.mark.parametrize(
        ("all_of", "entries"),
        [
            ({"type": "array", "items": NOTE}, ""),
            (object_of(items={"type": "array", "items": NOTE}, total=NUMBER), "items"),
            (object_of(data=object_of(notes={"type": "array", "items": NOTE})), "data.notes"),
        ],
    )
    def test_are_found_in_the_answer(self, all_of: Any, entries: str, tmp_path: Path) -> None:
        """With the text of each entry; that they are complete no document says, so it is proposed."""
        operations, text = described(tmp_path, NOTE, all_of=all_of)
        found = operations["see_all"]
        assert ("note", entries, "text", False) == (found.lists, found.entries, found.shows, found.all)
        assert 1 == text.count('# if this lists all that a user has, add lists="note": what is missing is then lost')

    def test_of_which_there_are_two_are_not_guessed(self, tmp_path: Path) -> None:
        """Which of them has the user's own, nobody says."""
        notes = {"type": "array", "items": NOTE}
        operations, _ = described(tmp_path, NOTE, all_of=object_of(mine=notes, shared=notes))
        assert ("note", "", None) == (
            operations["see_all"].lists,
            operations["see_all"].entries,
            operations["read"].lists,
        )

    @pytest.mark.parametrize("name", ["limit", "cursor", "pageSize"])
    def test_with_pages_need_not_be_whole(self, name: str, tmp_path: Path) -> None:
        """A parameter that asks for a part is named; then there is nothing left to propose."""
        parameters = [{"name": name, "in": "query", "schema": TEXT}]
        operations, text = described(tmp_path, NOTE, all_of={"type": "array", "items": NOTE}, parameters=parameters)
        assert False is operations["see_all"].all
        assert f'lists="note", page="{name}", shows="text"' in text
        assert "lists all that a user has" not in text

    def test_name_their_entries_as_they_do(self, tmp_path: Path) -> None:
        """Where an entry has its id under another name than `id`, that is stated."""
        entry = object_of(note_id=TEXT, text=TEXT)
        operations, _ = described(tmp_path, NOTE, all_of={"type": "array", "items": entry})
        assert ("id", "note_id") == (operations["make"].id, operations["see_all"].id)


class TestVersions:
    VERSIONED = object_of(id=TEXT, text=TEXT, version=NUMBER)

    def test_are_what_answers_have_and_an_edit_gives_back(self, tmp_path: Path) -> None:
        """In both, so each edit raises it."""
        edit = object_of("text", "version", text=TEXT, version=NUMBER)
        operations, text = described(tmp_path, self.VERSIONED, edit=edit)
        assert ["version"] * 3 == [operations[name].version for name in ("make", "read", "edit")]
        assert 'json={"text": "{canary}", "version": "{version}"}' in text
        assert operations["edit"].edits

    @pytest.mark.parametrize(
        ("one", "edit"),
        [
            (VERSIONED, object_of("text", text=TEXT)),
            (object_of(id=TEXT, text=TEXT, version=TEXT), object_of("text", "version", text=TEXT, version=TEXT)),
            (VERSIONED, None),
        ],
    )
    def test_are_nothing_else_of_that_name(self, one: Any, edit: Any, tmp_path: Path) -> None:
        """A number that no edit gives back, or a text, may be the version of anything."""
        operations, _ = described(tmp_path, one, edit=edit)
        assert {""} == {operation.version for operation in operations.values()}
