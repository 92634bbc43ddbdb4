"""What is not described is not judged: correct services of which little is said, and what is found all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from stories import ANN, BOB, Story

from harness.adapter import Adapter, Channel, Route, nobody
from harness.adapter.adapter import Message
from harness.history.model import EventKind, Promises
from harness.history.semantics import Pushes, Semantics

NATURAL = Adapter(
    name="natural",
    sign_in=nobody(),
    routes=[
        Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
        Route("read", "GET", "/notes/{note}"),
        Route("comments", "GET", "/notes/{note}/comments"),
        Route("change", "PUT", "/notes/{note}", json={"text": "{canary}"}),
        Route("remove", "DELETE", "/notes/{note}"),
        Route("all", "GET", "/notes"),
        Route("clear", "POST", "/reset"),
        Route("start", "POST", "/notes/{note}/jobs", makes="job"),
        Route("job", "GET", "/jobs/{job}"),
    ],
    channels=[Channel("events", "websocket", "/events", messages=[Message("join", {"join": "{note}"})])],
).promises
"""What a first description says: what is made, and what is named in paths."""

FIVE = ("interference", "tampering", "misdelivery", "limits", "remains")


def of(*operations: Semantics, **promises: Any) -> Promises:
    """Return what a service of these operations promises."""
    return Promises(operations={known.name: known for known in operations}, **promises)


def a_life(story: Story) -> None:
    """Let Ann and Bob do everything there is, on a service that has its ways: none of it is anybody's fault."""
    for user, note, text in ((ANN, "1", "a"), (BOB, "2", "b"), (ANN, "3", "c")):
        story.does(user, "write", {"id": note}, text=text)
    story.does(ANN, "read", {"title": "a", "related": ["c"]}, id="1")
    story.does(ANN, "comments", [{"id": "9", "text": "c"}], id="1")
    story.has_fault(BOB, story.asks(BOB, "all"))
    story.info(story.asks(ANN, "all"), "500")
    story.info(story.asks(ANN, "comments", id="1"), "500")
    story.does(ANN, "all", [{"id": "77", "text": "welcome"}])
    for status in (400, 401, 403, 404, 409, 422, 429, 503):
        story.is_refused(ANN, "read", status, id="1")
        story.is_refused(ANN, "write", status, text=f"refused {status}")
    story.does(ANN, "change", None, id="1", text="d")
    story.does(ANN, "read", {"text": "d"}, id="1")
    story.does(ANN, "remove", None, id="3")
    story.is_refused(ANN, "read", 404, id="3")
    story.does(ANN, "start", {"id": "5"}, id="1")
    story.does(ANN, "job", {"state": "failed"}, id="5")
    story.does(ANN, "events", None)
    story.does(ANN, "join", None, id="1")
    for frame in ({"id": "2", "text": "b"}, {"job": "5", "seq": 4}, {"job": "5", "seq": 4}, ["job", {"id": "5"}], "x"):
        story.event(EventKind.PUSH, ANN, "events", frame)
    story.is_refused(BOB, "start", 429, id="2")
    story.drops(ANN)
    story.does(ANN, "clear", None)
    story.is_refused(ANN, "read", 404, id="1")
    story.settles("5")


class TestNatural:
    @pytest.mark.parametrize("checker", FIVE)
    @pytest.mark.parametrize("limit", [None, 1])
    def test_a_first_description_accuses_nobody(self, checker: str, limit: int | None) -> None:
        """Whatever a service answers, no more is judged than was described: and that is nearly nothing."""
        story = Story(replace(NATURAL, runs_per_user=limit))
        a_life(story)
        assert ({}, ()) == (story.found(checker), story.doubts(checker))
        assert story.judged(checker).examined.keys() <= {"tampered", "lost-write", "unexplained-answer"}

    def test_an_error_where_it_had_worked_before_is_found(self) -> None:
        """A reading changes nothing, so what went well once goes well again, unless somebody else is in the way."""
        story = Story(NATURAL)
        for user, note in ((ANN, "1"), (BOB, "2")):
            story.does(user, "write", {"id": note}, text=note)
            story.does(user, "read", {"text": note}, id=note)
        story.has_fault(BOB)
        story.does(ANN, "read", {"text": "1"}, id="1")
        assert {"unexplained-answer": 1} == story.judged("interference").examined
        story.info(story.asks(ANN, "read", id="1"))
        assert ["u00: read ended in an error: 'timeout'"] == story.messages("interference")

    @pytest.mark.parametrize("checker", FIVE)
    def test_nothing_at_all_accuses_nobody(self, checker: str) -> None:
        """A service that does not describe itself has nothing that could be examined."""
        story = Story(Promises())
        a_life(story)
        assert ({}, {}) == (story.found(checker), story.judged(checker).examined)

    @pytest.mark.parametrize("checker", FIVE)
    def test_frames_of_which_only_the_id_is_known_accuse_their_receiver_alone(self, checker: str) -> None:
        """Of whom a frame is can be judged then, and nothing else."""
        pushes = Pushes(of="job", id="job", seq="seq")
        story = Story(replace(NATURAL, pushes=(pushes,), runs_per_user=1))
        a_life(story)
        assert {} == story.found(checker)
        story.event(EventKind.PUSH, BOB, "events", {"job": "5", "seq": 7})
        assert ({"misdelivered": 1} if checker == "misdelivery" else {}) == story.found(checker)


class TestWithoutShows:
    """Nobody says where a text stands: it is recognised wherever it occurs."""

    MAKE = Semantics("write", makes="note", texts=("text",))
    READ = Semantics("read", takes="note", argument="note", reads=True)
    EDIT = Semantics("edit", takes="note", argument="note", texts=("text",), edits=True)
    LIST = Semantics("list", lists="note", all=True)

    def two_notes(self, *shown: Mapping[str, Any]) -> Story:
        """Tell of two notes of Ann's, and how the first one is read, time after time."""
        story = Story(of(self.MAKE, self.READ, self.EDIT, self.LIST))
        for note, text in (("1", "first"), ("2", "other")):
            story.does(ANN, "write", {"id": note}, text=text)
        for body in shown:
            story.does(ANN, "read", body, id="1")
        return story

    def test_another_text_in_the_place_of_its_own_is_found(self) -> None:
        """Once the operation has shown that it shows the text."""
        story = self.two_notes({"a": {"b": ["first"]}}, {"a": {"b": ["other"]}})
        assert ["u00: note 1 reads 'other', which its owner never wrote"] == story.messages("tampering")

    @pytest.mark.parametrize(
        "shown",
        [
            ({"related": "other"},),
            ({"text": "first"}, {"text": "...", "length": 5}),
            ({"text": "first"}, {"text": "first", "related": "other"}),
            ({"text": "first"}, "<p>first</p>"),
        ],
    )
    def test_what_need_not_show_the_text_is_not_judged(self, shown: tuple[Any, ...]) -> None:
        """What never showed it may show something else; none of the texts may; its own may, among others."""
        assert {} == self.two_notes(*shown).found("tampering")

    def test_an_overwritten_text_must_not_come_back(self) -> None:
        """It is remembered as one of the user's."""
        story = self.two_notes({"text": "first"})
        story.does(ANN, "edit", None, id="1", text="second")
        story.does(ANN, "read", {"text": "second"}, id="1")
        assert {} == story.found("tampering")
        story.does(ANN, "read", {"text": "first"}, id="1")
        assert {"tampered": 1} == story.found("tampering")

    def test_an_escaped_text_is_its_own(self) -> None:
        """Quotes and lines are written otherwise in JSON."""
        story = Story(of(self.MAKE, self.READ))
        story.does(ANN, "write", {"id": "1"}, text='a "b"\nc')
        story.does(ANN, "read", {"text": 'a "b"\nc'}, id="1")
        assert 1 == story.examined("tampering", "tampered")

    @pytest.mark.parametrize(
        ("entries", "found"),
        [
            ([{"id": "1"}], 1),
            ([{"uid": "1", "text": "first"}], 1),
            ([{"uid": "1"}, {"uid": "2"}], 0),
            ([{"id": 1}, {"id": 2}], 0),
            (["first", "other"], 0),
            ([], 2),
        ],
    )
    def test_what_is_missing_from_a_list(self, entries: list[Any], found: int) -> None:
        """Its entries are known by id, or else by text; one that shows neither says nothing."""
        story = self.two_notes()
        story.does(ANN, "list", entries)
        assert found == story.found("tampering").get("lost-write", 0)

    def test_what_nobody_wrote_in_a_list_is_not_judged(self) -> None:
        """A note of the service's own, perhaps."""
        story = self.two_notes()
        story.does(BOB, "list", [{"id": "9", "text": "welcome"}])
        assert {} == story.found("interference")
