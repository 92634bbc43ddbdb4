"""What the single-user model makes of starts, edits, refusals and ends, in the words of its findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from boards import TEXT, Boards, boards, of, said_of
from stories import ANN, BOB, Story

from harness.history.model import EventKind
from harness.history.semantics import Progress, Semantics, Work

CLONE = Semantics("clone", makes="card", id="data.id", takes="card", argument="card")
RENAME = Semantics("rename", takes="board", argument="board", edits=True, texts=("text",))
STRANGE = (9, "z")
FOUND_STRANGE = "u00: cards shows a card that this user never wrote: 'z'"


def with_card(*more: Semantics) -> Boards:
    """Tell of a card of Ann's."""
    story = boards(*more)
    story.has_board(ANN, 1, 0)
    story.pins(ANN, 1, 7, "a")
    return story


class TestMaking:
    def test_an_answer_without_an_id_is_unexplained(self) -> None:
        """Nobody can say what was made."""
        story = boards()
        story.does(ANN, "pin", {}, board=1, text="a")
        assert ["u00: pin was answered without an id"] == said_of(story)

    def test_two_objects_may_not_have_one_id(self) -> None:
        """The first is still there."""
        story = with_card()
        story.pins(ANN, 1, 7, "b")
        assert ["u00: pin was answered with the id of an older card"] == said_of(story)

    def test_where_makings_are_not_judged_only_that_object_is_lost_sight_of(self) -> None:
        """The other one must still be listed."""
        story = Story(
            of(
                Semantics("write", makes="note", texts=("text",)),
                Semantics("list", lists="note", all=True),
            )
        )
        story.has_fault(BOB)
        for note, text in (("1", "a"), ("2", "b"), ("1", "c")):
            story.does(ANN, "write", {"id": note}, text=text)
        story.does(ANN, "list", [{"id": "3"}])
        assert ["u00: note 2 was acknowledged and is not listed"] == said_of(story)

    @pytest.mark.parametrize("named", [True, False])
    def test_two_requests_may_carry_the_same_text(self, named: bool) -> None:
        """Whether both are done or both are refused."""
        story = boards()
        calls = [story.asks(ANN, "pin", device, board=1, text="a") for device in (0, 1)]
        for card, call in enumerate(calls, 7):
            story.ok(call, {"data": {"id": card}}) if named else story.fail(call, 429)
        story.sees(ANN, *(((7, "a"), (8, "a")) if named else ()))
        assert [] == said_of(story)

    def test_what_was_refused_was_not_made(self) -> None:
        """Its text must not show."""
        story = boards()
        story.is_refused(ANN, "pin", 429, board=1, text="z")
        story.sees(ANN, STRANGE)
        assert [FOUND_STRANGE] == said_of(story)

    @pytest.mark.parametrize(
        ("clones", "ends", "judged"),
        [(1, "o", True), (1, "f", True), (2, "o", False), (2, "oo", True), (2, "of", True)],
    )
    def test_what_may_have_been_made_without_a_text_may_be_anything(self, clones: int, ends: str, judged: bool) -> None:
        """As long as one of them was neither named nor refused."""
        story = with_card(CLONE)
        calls = [story.asks(ANN, "clone", device, card=7) for device in range(clones)]
        shown = [(7, "a")]
        for card, (call, end) in enumerate(zip(calls, ends, strict=False), 20):
            story.ok(call, {"data": {"id": card}}) if end == "o" else story.fail(call, 429)
            shown += [(card, "a")] if end == "o" else []
        story.sees(ANN, *shown, STRANGE)
        assert ([FOUND_STRANGE] if judged else []) == said_of(story)

    def test_a_text_that_goes_anywhere_may_show_anywhere(self) -> None:
        """It is brought in by an operation that makes and edits nothing."""
        story = boards(Semantics("say", texts=("text",), newest_of=("pin",)))
        story.does(ANN, "say", None, text="b")
        story.sees(ANN, (8, "b"))
        assert [] == said_of(story)
        story.sees(ANN, STRANGE)
        assert [FOUND_STRANGE] == said_of(story)

    def test_an_object_of_which_nobody_knew_may_be_made_anew(self) -> None:
        """It was archived, and its id is given again."""
        story = with_card(Semantics("archive", takes="card", argument="card"))
        story.does(ANN, "archive", None, card=7)
        story.pins(ANN, 1, 7, "b")
        story.sees(ANN, (7, "b"), (8, "b"))
        assert [] == said_of(story)

    def test_what_is_made_without_any_text_is_not_judged(self) -> None:
        """A board has none, so no list of boards is held against anybody."""
        story = boards(Semantics("boards", lists="board", all=True))
        story.has_board(ANN, 1)
        story.does(ANN, "boards", [])
        assert [] == said_of(story)


class TestDeletedIds:
    """A database may give the id of what is deleted again."""

    @pytest.mark.parametrize("meanwhile", [True, False])
    def test_a_new_object_may_have_the_id_of_a_deleted_one(self, meanwhile: bool) -> None:
        """It is judged as any other; also while an older request is still open."""
        story = with_card()
        page = story.asks(ANN, "page", 1) if meanwhile else None
        story.does(ANN, "tear", None, card=7)
        story.pins(ANN, 1, 7, "b")
        if page is not None:
            story.ok(page, {"found": [{"id": 7, "attributes": {"text": "a"}}]})
        story.sees(ANN, (7, "b"))
        assert [] == said_of(story)
        story.sees(ANN, (7, "a"))
        assert ["u00: card 7 reads 'a', which its owner never wrote"] == said_of(story)
        story.sees(ANN)
        assert 2 == len(said_of(story))

    def test_a_request_that_is_older_than_the_new_object_may_find_neither(self) -> None:
        """It was carried out in between."""
        story = with_card()
        call = story.asks(ANN, "look", 1, card=7)
        story.does(ANN, "tear", None, card=7)
        story.pins(ANN, 1, 7, "b")
        story.fail(call, 404)
        assert [] == said_of(story)
        story.is_refused(ANN, "look", 404, card=7)
        assert ["u00: look: card 7 was acknowledged and is not there"] == said_of(story)

    @pytest.mark.parametrize(
        ("others", "message"),
        [
            (255, "shows card 7, which its owner had deleted"),
            (256, "shows a card that this user never wrote: 'a'"),
        ],
    )
    def test_the_names_of_the_newest_are_remembered(self, others: int, message: str) -> None:
        """An older one that shows again is a card like any other that nobody wrote."""
        story = with_card()
        story.does(ANN, "tear", None, card=7)
        for card in range(20, 20 + others):
            story.pins(ANN, 1, card, f"text {card}")
            story.does(ANN, "tear", None, card=card)
        story.sees(ANN, (7, "a"))
        assert [f"u00: cards {message}"] == said_of(story)

    @pytest.mark.parametrize(
        "between",
        [("drop", {"board": 1}), ("archive", {"card": 8})],
        ids=["its board is deleted", "another is archived"],
    )
    def test_what_is_deleted_stays_so(self, between: tuple[str, dict[str, int]]) -> None:
        """Whatever is done to what it was on, or to another card."""
        story = with_card(Semantics("archive", takes="card", argument="card"))
        story.pins(ANN, 1, 8, "b")
        story.does(ANN, "tear", None, card=7)
        story.does(ANN, between[0], None, **between[1])
        story.sees(ANN, (7, "a"))
        assert ["u00: cards shows card 7, which its owner had deleted"] == said_of(story)


class TestEditing:
    VERSIONED = of(
        Semantics("write", makes="note", texts=("text",), version="version"),
        Semantics("edit", takes="note", argument="note", texts=("text",), edits=True, version="version"),
        Semantics("read", takes="note", argument="note", reads=True, shows="text"),
    )

    def versioned(self, version: int | None) -> Story:
        """Tell of a note that was made with this version."""
        story = Story(self.VERSIONED)
        story.has_fault(BOB)
        story.does(ANN, "write", {"id": "1"} | ({} if version is None else {"version": version}), text="a")
        return story

    def edits(self, story: Story, text: str, given: int, version: int) -> None:
        """Edit the note of this version; the answer names the next."""
        story.does(ANN, "edit", {"version": version}, id="1", text=text, version=given)

    def test_an_edit_may_not_be_accepted_as_the_version_that_there_is(self) -> None:
        """Nothing was raised: the making, or the edit, is lost."""
        story = self.versioned(1)
        self.edits(story, "b", 1, 1)
        assert ["u00: two edits of note 1 were both accepted as version 1: one is lost"] == said_of(story)

    @pytest.mark.parametrize("made", [1, None])
    def test_an_edit_of_an_older_version_may_be_refused(self, made: int | None) -> None:
        """Of the newest it may not, unless another edit is under way."""
        story = self.versioned(made)
        self.edits(story, "b", 1, 2)
        story.is_refused(ANN, "edit", 409, id="1", text="c", version=1)
        assert [] == said_of(story)
        call = story.asks(ANN, "edit", 1, id="1", text="d", version=2)
        story.is_refused(ANN, "edit", 409, id="1", text="e", version=2)
        story.ok(call, {"version": 3})
        assert [] == said_of(story)
        story.is_refused(ANN, "edit", 409, id="1", text="f", version=3)
        assert ["u00: edit was refused with 409"] == said_of(story)

    def test_for_another_reason_it_may_not_be_refused(self) -> None:
        """However old the version is."""
        story = self.versioned(1)
        self.edits(story, "b", 1, 2)
        story.is_refused(ANN, "edit", 403, id="1", text="c", version=1)
        assert ["u00: edit was refused with 403"] == said_of(story)

    def test_where_nothing_has_a_version_nothing_may_conflict_with_it(self) -> None:
        """The note was made without one, and nobody edits it."""
        story = self.versioned(None)
        story.is_refused(ANN, "edit", 409, id="1", text="b")
        assert ["u00: edit was refused with 409"] == said_of(story)

    def test_a_conflict_without_versions_is_not_judged(self) -> None:
        """It may be about anything."""
        story = with_card(Semantics("swap", takes="card", argument="card", texts=("text",), edits=True))
        story.is_refused(ANN, "swap", 409, card=7, text="b")
        assert [] == said_of(story)

    def test_each_edit_overwrites_the_one_before(self) -> None:
        """Neither the first text nor the second may come back."""
        for old in ("a", "b"):
            story = with_card()
            for text in ("b", "c"):
                story.does(ANN, "change", None, card=7, text=text)
            story.sees(ANN, (7, old))
            assert [f"u00: card 7 reads '{old}', which its owner never wrote"] == said_of(story)

    def test_an_overwritten_text_is_remembered_as_ones_own(self) -> None:
        """Also where nobody says where a text stands, and it was overwritten long ago."""
        story = Story(
            of(
                Semantics("write", makes="note", texts=("text",)),
                Semantics("read", takes="note", argument="note", reads=True),
                Semantics("edit", takes="note", argument="note", texts=("text",), edits=True),
            )
        )
        story.does(ANN, "write", {"id": "1"}, text="first")
        story.does(ANN, "read", {"text": "first"}, id="1")
        for number in range(258):
            story.does(ANN, "edit", None, id="1", text=f"edit {number:03}")
        story.does(ANN, "read", {"text": "edit 000"}, id="1")
        story.does(ANN, "read", {"text": "first"}, id="1")
        assert {"tampered": 1} == story.found("tampering")

    def test_the_text_of_an_edit_is_of_what_was_edited(self) -> None:
        """It must not show elsewhere."""
        story = with_card()
        story.does(ANN, "change", None, card=7, text="z")
        story.sees(ANN, (7, "z"), STRANGE)
        assert [FOUND_STRANGE] == said_of(story)

    def test_what_may_have_any_text_may_be_edited_time_and_again(self) -> None:
        """Accepted or refused."""
        story = with_card(CLONE)
        story.does(ANN, "clone", {"data": {"id": 8}}, card=7)
        for text in ("b", "c"):
            story.does(ANN, "change", None, card=8, text=text)
        story.is_refused(ANN, "change", 429, card=8, text="d")
        story.sees(ANN, (7, "a"), (8, "whatever"))
        assert [] == said_of(story)

    def test_an_edit_of_what_holds_others_leaves_them_there(self) -> None:
        """A board with another name has its cards."""
        story = with_card(RENAME)
        story.does(ANN, "rename", None, board=1, text="b")
        story.sees(ANN)
        assert ["u00: card 7 was acknowledged and is not listed"] == said_of(story)

    @pytest.mark.parametrize("operation", ["change", "tear", "look"])
    @pytest.mark.parametrize("given", [{}, {"card": 99}])
    def test_what_is_not_ones_own_may_be_refused(self, operation: str, given: dict[str, int]) -> None:
        """A request that names nothing, or something that nobody has."""
        story = with_card()
        story.is_refused(ANN, operation, 404, **given, **({"text": "b"} if operation == "change" else {}))  # type: ignore[arg-type]
        story.sees(ANN, (7, "a"))
        assert [] == said_of(story)


class TestJudgedEnds:
    """Of what enough is said, an error or a refusal needs a reason."""

    @pytest.mark.parametrize(
        "says",
        [
            {"lists": "card", "all": True},
            {"newest_of": ("pin",)},
            {"version": "version"},
            {"makes": "job", "starts": Work()},
            {"takes": "job", "progress": Progress()},
            {"takes": "job", "ends": True},
            {"takes": "board", "subscribes": True},
            {"takes": "card", "shows": TEXT},
            {"takes": "card", "reads": True},
            {"takes": "card", "edits": True},
            {"takes": "card", "deletes": True},
        ],
    )
    def test_an_error_is_unexplained(self, says: dict[str, Any]) -> None:
        """Whichever it is that was said."""
        story = with_card(Semantics("act", **says))
        kind = says.get("takes")
        story.info(story.asks(ANN, "act", **({kind: 7} if kind else {})))
        assert ["u00: act ended in an error: 'timeout'"] == said_of(story)

    @pytest.mark.parametrize("says", [{"deletes": True}, {"edits": True}, {"reads": True}])
    def test_of_what_no_answer_shows_an_end_is_not_judged(self, says: dict[str, bool]) -> None:
        """A board: cards are made on it, and shown, and it is not."""
        story = with_card(Semantics("act", takes="board", argument="board", **says))  # type: ignore[arg-type]
        story.info(story.asks(ANN, "act", board=1))
        assert [] == said_of(story)

    def test_a_refusal_names_its_status(self) -> None:
        """Of what takes nothing it has no reason but others."""
        story = boards()
        story.is_refused(ANN, "cards", 503)
        assert ["u00: cards was refused with 503"] == said_of(story)

    def test_an_error_without_a_reason_is_one(self) -> None:
        """The service said nothing more."""
        story = boards()
        call = story.asks(ANN, "cards")
        story.event(EventKind.INFO, ANN, "cards", {"status": 500, "text": ""}, call=call)
        assert ["u00: cards ended in an error: ''"] == said_of(story)

    def test_a_refusal_that_nothing_explains_is_a_fact(self) -> None:
        """Each of them, also where what was asked for is lost."""
        story = with_card()
        for _ in range(2):
            story.is_refused(ANN, "look", 404, card=7)
        before = story.examined("interference", "unexplained-answer")
        story.is_refused(ANN, "look", 404, card=7)
        assert 1 == story.examined("interference", "unexplained-answer") - before

    def test_what_worked_once_is_a_fact_each_time(self) -> None:
        """It could have been an error."""
        note = {"takes": "note", "argument": "note"}
        story = Story(of(Semantics("write", makes="note", texts=("text",)), Semantics("read", reads=True, **note)))  # type: ignore[arg-type]
        story.has_fault(BOB)
        story.does(ANN, "write", {"id": "1"}, text="a")
        for _ in range(4):
            story.does(ANN, "read", {"text": "a"}, id="1")
        assert 3 == story.examined("interference", "unexplained-answer")


@pytest.mark.parametrize("operation", ["socket", "watch"])
def test_to_listen_changes_nothing(operation: str) -> None:
    """A channel, or a message that subscribes; a card must still be there."""
    story = with_card(Semantics("socket", opens=True))
    story.does(ANN, operation, None, **({"board": 1} if operation == "watch" else {}))
    story.sees(ANN)
    assert ["u00: card 7 was acknowledged and is not listed"] == said_of(story)


@pytest.mark.parametrize(("texts", "judged"), [(1_024, True), (1_025, False)])
def test_of_more_texts_than_are_remembered_any_may_show(texts: int, judged: bool) -> None:
    """Nobody knows where they may show."""
    story = boards(replace(CLONE, name="say", makes=None, takes=None, argument="", texts=("text",), newest_of=("pin",)))
    for number in range(texts):
        story.does(ANN, "say", None, text=f"text {number}")
    story.sees(ANN, STRANGE)
    assert ([FOUND_STRANGE] if judged else []) == said_of(story)
