"""What can be asked of a service, sorted by what it does."""

from __future__ import annotations

import pytest

from harness.adapter import Adapter, Channel, Message, Route, nobody

FOLDERS = Adapter(
    name="folders",
    sign_in=nobody(),
    routes=[
        Route("open_folder", "POST", "/folders", json={"title": "{canary}"}, makes="folder"),
        Route("write", "POST", "/folders/{folder}/notes", json={"text": "{canary}"}, makes="note"),
        Route("copy", "POST", "/notes/{note}/copies", json={"by": "{user}"}, makes="note"),
        Route("read", "GET", "/folders/{folder}/notes/{note}", shows="text"),
        Route(
            "edit",
            "PUT",
            "/notes/{note}",
            json={"id": "{note:body}", "text": "{canary}", "version": "{version}"},
            edits=True,
            version="version",
        ),
        Route("list", "GET", "/notes", lists="note", shows="text"),
        Route("search", "GET", "/notes", query={"q": "{query}"}, lists="note", shows="text"),
        Route("drop", "DELETE", "/notes/{note}", deletes=True),
        Route("drop_folder", "DELETE", "/folders/{folder}", deletes=True),
        Route("me", "GET", "/me"),
    ],
    channels=[
        Channel("feed", "sse", "/feed", query={"session": "{session}"}),
        Channel(
            "room",
            "websocket",
            "/folders/{folder}/room",
            messages=[Message("say", {"say": "{canary}"}, done={"type": "said"})],
        ),
    ],
)
"""A plain service of notes in folders: no work, and nothing that it states of what it pushes."""


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("open_folder", ()),
        ("read", (("folder", "folder"), ("note", "note"))),
        ("edit", (("note", "note"), ("note:body", "note"))),
        ("copy", (("note", "note"),)),
        ("search", ()),
        ("feed", ()),
        ("room", (("folder", "folder"),)),
        ("say", ()),
    ],
)
def test_an_operation_needs_an_object_for_each_of_its_arguments(name: str, needs: tuple[tuple[str, str], ...]) -> None:
    """One for each id that it names; what is given beside objects is none."""
    assert needs == FOLDERS.promises.operations[name].needs
