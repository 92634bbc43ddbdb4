"""An adapter is data that is checked at once."""

from __future__ import annotations

import pytest

from harness.adapter.adapter import Adapter, AdapterError, Channel, Message, Route, fill, nobody
from harness.adapter.placeholders import Slot
from harness.history.semantics import Pushes

WRITE = Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note")


def adapter(*routes: Route, channels: tuple[Channel, ...] = ()) -> Adapter:
    return Adapter(name="notes", sign_in=nobody(), routes=[WRITE, *routes], channels=channels)


class TestMistakes:
    @pytest.mark.parametrize(
        ("routes", "said"),
        [
            ([Route("read", "GET", "/notes/{note}")], "read needs a {note}, and no route has makes='note'"),
            ([WRITE, WRITE], "two operations are called 'write'"),
            ([Route("list", "GET", "/notes")], "no route and no message carries a {canary}"),
            (
                [WRITE, Route("show", "GET", "/", newest_of=["writes"])],
                "show shows the newest of 'writes', and no route of that name carries a {canary}",
            ),
            ([Route("both", "POST", "/", json={"a": "{canary}"}, text="b")], "both has more than one body"),
            (
                [WRITE, Route("list", "GET", "/", lists="letter")],
                "list lists 'letter', and no route has makes='letter'",
            ),
            (
                [WRITE, Route("end", "POST", "/end", ends=True)],
                "end works on an object, and has no placeholder such as",
            ),
            ([WRITE, Route("edit", "PUT", "/notes/{note}", edits=True)], "edit edits, and carries no {canary}"),
        ],
    )
    def test_each_is_named(self, routes: list[Route], said: str) -> None:
        """What is wrong is said by name, before anything is asked of anybody."""
        with pytest.raises(AdapterError, match="the adapter 'x' is wrong") as raised:
            Adapter(name="x", sign_in=nobody(), routes=routes)
        assert said in str(raised.value)

    def test_all_are_named_at_once(self) -> None:
        """Nobody mends one mistake only to be told of the next."""
        with pytest.raises(AdapterError) as raised:
            adapter(Route("read", "GET", "/notes/{not_e}"), Route("write", "GET", "/"))
        assert ("not_e" in str(raised.value), "two operations" in str(raised.value)) == (True, True)

    def test_what_is_pushed_must_be_made(self) -> None:
        """Frames about objects that nobody makes cannot be anybody's."""
        channel = Channel("events", "websocket", "/events", pushes=Pushes(of="run", within="note"))
        with pytest.raises(AdapterError, match="pushes what is of a 'run', and no route has makes='run'"):
            adapter(channels=(channel,))

    def test_a_channel_needs_its_objects_too(self) -> None:
        """A room that nobody makes cannot be listened to."""
        channel = Channel("events", "websocket", "/events", hello=[Message("join", {"room": "{room}"})])
        with pytest.raises(AdapterError, match=r"events needs a \{room\}"):
            adapter(channels=(channel,))


class TestRoutes:
    def test_objects_are_found_wherever_they_stand(self) -> None:
        """Path, query, headers and the depths of a body."""
        route = Route("move", "POST", "/notes/{note}", query={"to": "{folder}"}, json={"ids": [{"id": "{note:other}"}]})
        assert (Slot("note"), Slot("folder"), Slot("note", "other")) == route.slots

    def test_the_innermost_object_is_what_it_works_on(self) -> None:
        """A note in a folder is a note; a second id of it says nothing else."""
        route = Route("read", "GET", "/folders/{folder}/notes/{note}", headers={"x-note": "{note:again}"})
        assert ("note", "note") == (route.semantics.takes, route.semantics.argument)

    def test_a_second_id_is_the_same_unless_given(self) -> None:
        """`{note:other}` is the note, until somebody puts another there."""
        template = {"path": "/{note}", "body": ["{note:other}"]}
        assert {"path": "/1", "body": ["1"]} == fill(template, {"note": "1"})
        assert {"path": "/1", "body": ["2"]} == fill(template, {"note": "1", "note:other": "2"})

    def test_an_id_that_is_a_number_stays_one_in_a_body(self) -> None:
        """Alone in a JSON value; as part of a text it is text."""
        template = {"id": "{note}", "name": "note {note}"}
        assert {"id": 7, "name": "note 7"} == fill(template, {"note": 7})
        assert {"id": "7", "name": "note 7"} == fill(template, {"note": "7"})
