"""What the single-user model makes of services with ways of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from boards import boards, of, said_of
from stories import ANN, BOB, Story

from harness.history.model import EventKind
from harness.history.semantics import Progress, Semantics, Work


class TestSilentOperations:
    """Nothing is said of what they do, so they may do anything."""

    ARCHIVE = Semantics("archive", takes="card", argument="card")
    CLEAR = Semantics("clear")

    @pytest.mark.parametrize("operation", ["archive", "clear"])
    def test_what_they_may_have_changed_is_not_judged(self, operation: str) -> None:
        """The one works on the card, the other on everything there is."""
        story = boards(self.ARCHIVE, self.CLEAR)
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, operation, None, **({"card": 7} if operation == "archive" else {}))
        story.sees(ANN, (8, "archived: a"))
        story.is_refused(ANN, "look", 404, card=7)
        assert [] == said_of(story)

    def test_without_an_object_they_may_have_worked_on_anything(self) -> None:
        """The request named no card."""
        story = boards(self.ARCHIVE)
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "archive", None)
        story.sees(ANN)
        assert [] == said_of(story)

    def test_what_they_did_not_work_on_is_judged(self) -> None:
        """Another card must still be there."""
        story = boards(self.ARCHIVE)
        story.pins(ANN, 1, 7, "a")
        story.pins(ANN, 1, 8, "b")
        story.does(ANN, "archive", None, card=7)
        story.sees(ANN)
        assert ["u00: card 8 was acknowledged and is not listed"] == said_of(story)

    @pytest.mark.parametrize("safe", [True, False])
    def test_what_changes_nothing_leaves_everything_to_be_judged(self, safe: bool) -> None:
        """HTTP says of a GET that it changes nothing, whatever else is not said of it."""
        story = boards(replace(self.ARCHIVE, safe=safe))
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "archive", None, card=7)
        story.sees(ANN)
        assert (1 if safe else 0) == len(said_of(story))

    def test_a_deleted_object_may_be_brought_back(self) -> None:
        """By an operation that works on it."""
        story = boards(self.ARCHIVE)
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "tear", None, card=7)
        story.does(ANN, "archive", None, card=7)
        story.sees(ANN, (7, "a"))
        assert [] == said_of(story)

    def test_a_text_that_they_brought_in_may_show_anywhere(self) -> None:
        """Nobody said of what it is the text."""
        story = boards(Semantics("say", texts=("text",)))
        story.does(ANN, "say", None, text="a")
        story.sees(ANN, (9, "a"))
        assert [] == said_of(story)
        story.sees(ANN, (9, "z"))
        assert ["u00: cards shows a card that this user never wrote: 'z'"] == said_of(story)


class TestWithin:
    """What is made within something may go with it, or stay."""

    @pytest.mark.parametrize("shown", [(), (7, "a"), (7, "b")])
    def test_what_was_made_within_what_is_deleted_is_not_judged(self, shown: tuple[Any, ...]) -> None:
        """Neither that it is gone, nor that it is there and can be edited."""
        story = boards()
        story.has_board(ANN, 1)
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "drop", None, board=1)
        story.does(ANN, "change", None, card=7, text="b")
        story.sees(ANN, *([shown] if shown else []))
        assert [] == said_of(story)

    def test_what_was_made_within_another_is_judged(self) -> None:
        """A board takes its own cards with it."""
        story = boards()
        for board, card in ((1, 7), (2, 8)):
            story.has_board(ANN, board)
            story.pins(ANN, board, card, f"text {card}")
        story.does(ANN, "drop", None, board=1)
        story.is_refused(ANN, "look", 404, card=7)
        assert [] == said_of(story)
        story.sees(ANN)
        assert ["u00: card 8 was acknowledged and is not listed"] == said_of(story)

    def test_work_within_what_is_deleted_is_not_judged(self) -> None:
        """Neither what it wrote, nor how it ended."""
        story = boards()
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        story.does(ANN, "echo", {"data": {"id": 6}}, board=1, text="c")
        story.gets(ANN, 1, 5, 0, "done")
        story.does(ANN, "drop", None, board=1)
        story.sees(ANN)
        story.does(ANN, "check", {"state": "bad"}, job=6)
        assert [] == said_of(story)

    def test_what_holds_others_is_itself_judged(self) -> None:
        """A folder with a text: its notes go with it, and it must be gone."""
        story = Story(
            of(
                Semantics("open", makes="folder", texts=("text",)),
                Semantics("write", makes="note", takes="folder", argument="folder", texts=("text",)),
                Semantics("close", takes="folder", argument="folder", deletes=True),
                Semantics("folders", lists="folder", all=True, shows="text"),
                Semantics("notes", lists="note", all=True, shows="text"),
            )
        )
        story.has_fault(BOB)
        story.does(ANN, "open", {"id": "f"}, text="a")
        story.does(ANN, "write", {"id": "n"}, folder="f", text="b")
        story.does(ANN, "close", None, folder="f")
        story.does(ANN, "notes", [])
        assert [] == said_of(story)
        story.does(ANN, "folders", [{"id": "f", "text": "a"}])
        assert ["u00: folders shows folder f, which its owner had deleted"] == said_of(story)

    def test_a_list_within_something_has_what_was_made_within_it(self) -> None:
        """The cards of one board; where work writes its cards, nobody says."""
        listing = Semantics(
            "cards of", lists="card", all=True, takes="board", argument="board", entries="found", shows="text"
        )
        story = boards(listing)
        story.has_board(ANN, 1, 0)
        story.pins(ANN, 1, 7, "a")
        story.pins(ANN, 2, 8, "b")
        story.copies(ANN, 1, 5, "c", "d")
        story.gets(ANN, 1, 5, 0, "done")
        story.does(ANN, "cards of", {"found": [{"id": 7, "text": "a"}]}, board=1)
        assert [] == said_of(story)
        story.does(ANN, "cards of", {"found": []}, board=1)
        assert ["u00: card 7 was acknowledged and is not listed"] == said_of(story)


class TestTexts:
    def test_what_is_made_without_a_text_may_have_any(self) -> None:
        """A copy reads as what it was copied from, also while nobody knows its name, or while it is edited."""
        story = boards(Semantics("clone", makes="card", id="data.id", takes="card", argument="card"))
        story.pins(ANN, 1, 7, "a")
        call = story.asks(ANN, "clone", card=7)
        story.sees(ANN, (7, "a"), (8, "a"))
        story.ok(call, {"data": {"id": 8}})
        story.sees(ANN, (7, "a"), (8, "a"))
        story.asks(ANN, "change", card=8, text="b")
        story.sees(ANN, (7, "a"), (8, "a"))
        assert [] == said_of(story)

    def test_what_is_made_without_a_text_may_show_anothers(self) -> None:
        """Also where nobody says where texts stand."""
        make = Semantics("write", makes="note", texts=("text",))
        story = Story(
            of(make, replace(make, name="copy", texts=()), Semantics("read", takes="note", argument="note", reads=True))
        )
        story.does(ANN, "write", {"id": "1"}, text="a")
        story.does(ANN, "copy", {"id": "2"})
        for note in ("1", "2"):
            story.does(ANN, "read", {"text": "a"}, id=note)
        assert [] == said_of(story)

    EDITABLE = of(
        Semantics("write", makes="note", texts=("text", "text:2"), version="version"),
        Semantics("rename", takes="note", argument="note", texts=("text",), edits=True, version="version"),
        Semantics("read", takes="note", argument="note", reads=True, shows="body"),
    )

    def test_an_edit_of_one_of_two_texts_leaves_the_other(self) -> None:
        """A title is changed, and the body is shown."""
        story = Story(self.EDITABLE)
        story.does(ANN, "write", {"id": "1"}, **{"text": "title", "text:2": "body"})
        story.does(ANN, "rename", None, id="1", text="new title")
        story.does(ANN, "read", {"body": "body"}, id="1")
        assert [] == said_of(story)

    def test_two_texts_of_one_object_are_no_rivals(self) -> None:
        """So a conflict needs another reason than that."""
        story = Story(self.EDITABLE)
        story.has_fault(BOB)
        story.does(ANN, "write", {"id": "1", "version": 1}, **{"text": "title", "text:2": "body"})
        story.is_refused(ANN, "rename", 409, id="1", text="new title", version=1)
        assert ["u00: rename was refused with 409"] == said_of(story)


class TestLists:
    def test_entries_without_a_known_id_are_known_by_their_text(self) -> None:
        """Notes are made under a slug, and listed under a number."""
        story = Story(
            of(
                Semantics("write", makes="note", id="slug", texts=("text",)),
                Semantics("list", lists="note", all=True, shows="text"),
            )
        )
        story.has_fault(BOB)
        for slug, text in (("s-a", "a"), ("s-b", "b")):
            story.does(ANN, "write", {"slug": slug}, text=text)
        story.does(ANN, "list", [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
        assert [] == said_of(story)
        story.does(ANN, "list", [{"id": 1, "text": "a"}])
        assert ["u00: note s-b was acknowledged and is not listed"] == said_of(story)

    def test_where_nobody_says_where_a_list_stands_none_is_missed(self) -> None:
        """`GET /notes` may answer with anything."""
        story = Story(of(Semantics("write", makes="note", texts=("text",)), Semantics("list", lists="note")))
        story.has_fault(BOB)
        story.does(ANN, "list", {"items": []})
        assert [] == said_of(story)

    WORK = Semantics("copy", makes="job", texts=("text", "text:2"), starts=Work(writes="note"))

    def told(self, *shown: list[Any], **listing: Any) -> Story:
        """Tell of work that is over, and the lists of what it wrote."""
        story = Story(
            of(
                self.WORK,
                Semantics("write", makes="note", texts=("text",)),
                Semantics("remove", takes="note", argument="note", deletes=True),
                Semantics("check", takes="job", argument="job", progress=Progress()),
                Semantics("list", lists="note", all=True, **listing),
            )
        )
        story.has_fault(BOB)
        story.does(ANN, "write", {"id": "9"}, text="c")
        story.does(ANN, "copy", {"id": "j"}, **{"text": "a", "text:2": "b"})
        story.does(ANN, "check", {"status": "completed"}, id="j")
        for entries in shown:
            story.does(ANN, "list", entries)
        return story

    def test_what_work_wrote_is_known_where_lists_show_texts(self) -> None:
        """Where they show ids alone it may be there."""
        assert [] == said_of(self.told([{"id": "9"}, {"id": "1"}]))
        assert 1 == len(said_of(self.told([{"id": "9", "text": "c"}, {"id": "1", "text": "a"}])))

    def test_who_deletes_what_no_list_names_may_have_deleted_a_part(self) -> None:
        """One of what the work wrote."""
        entries = [{"id": "9", "text": "c"}, {"id": "1", "text": "a"}, {"id": "2", "text": "b"}]
        story = self.told(entries)
        story.does(ANN, "remove", None, id="1")
        story.does(ANN, "list", [entries[0], entries[2]])
        assert [] == said_of(story)

    @pytest.mark.parametrize("value", [{"body": "text"}, {"body": {"found": []}, "cut": "the client hung up"}])
    @pytest.mark.parametrize("operation", ["cards", "look"])
    def test_an_answer_that_is_not_all_there_is_not_judged(self, operation: str, value: dict[str, Any]) -> None:
        """What was cut off may have been in it."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        call = story.asks(ANN, operation, **({"card": 7} if operation == "look" else {}))
        story.event(EventKind.OK, ANN, operation, value, call=call)
        assert [] == said_of(story)


class TestEnds:
    """How a call may end that was not answered well."""

    @pytest.mark.parametrize(("status", "found"), [(400, 0), (413, 0), (422, 0), (429, 0), (403, 1), (503, 1)])
    def test_a_refusal_for_a_reason_in_the_request_is_not_judged(self, status: int, found: int) -> None:
        """Where something is said of what is asked for, others are."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        story.is_refused(ANN, "tear", status, card=7)
        assert found == len(said_of(story))

    def test_a_conflict_where_nothing_is_said_of_versions_is_not_judged(self) -> None:
        """A name may be taken."""
        story = boards(Semantics("note", makes="note", texts=("text",), shows="text"))
        story.is_refused(ANN, "note", 409, text="a")
        assert [] == said_of(story)

    def test_silence_is_no_refusal(self) -> None:
        """Nothing was answered in time."""
        story = boards(Semantics("follow", takes="card", argument="card", subscribes=True))
        story.pins(ANN, 1, 7, "a")
        call = story.asks(ANN, "follow", card=7)
        story.event(EventKind.FAIL, ANN, "follow", {"done": False}, call=call)
        assert [] == said_of(story)

    @pytest.mark.parametrize(
        ("options", "value", "found"),
        [
            ("hangs up", {"error": "the client hung up"}, 0),
            ("reads beginning", {"status": 200, "cut": "the client hung up", "error": ""}, 0),
            ("hangs up", {"status": 500, "text": ""}, 1),
            (None, {"error": "timeout"}, 1),
        ],
    )
    def test_who_hangs_up_gets_no_answer(self, options: str | None, value: dict[str, Any], found: int) -> None:
        """An error that the service answered is one all the same."""
        story = boards()
        call = len(story.events)
        sent = {"sent": {"options": options}} if options else {}
        story.event(EventKind.INVOKE, ANN, "cards", sent, call=call)
        story.event(EventKind.INFO, ANN, "cards", value, call=call)
        assert found == len(said_of(story))

    def test_what_is_never_acknowledged_is_not_judged(self) -> None:
        """Nobody says whether it was done."""
        story = boards(Semantics("say", takes="board", argument="board", subscribes=True, acknowledged=False))
        story.info(story.asks(ANN, "say", board=1))
        assert [] == said_of(story)

    @pytest.mark.parametrize("between", ["remove", "reset", ""])
    def test_what_had_worked_may_work_no_more_after_a_change(self, between: str) -> None:
        """A service may answer anything for what its user has deleted, or may have."""
        note = {"takes": "note", "argument": "note"}
        story = Story(
            of(
                Semantics("write", makes="note", texts=("text",)),
                Semantics("read", reads=True, **note),  # type: ignore[arg-type]
                Semantics("remove", deletes=True, **note),  # type: ignore[arg-type]
                Semantics("reset"),
            )
        )
        story.does(ANN, "write", {"id": "1"}, text="a")
        story.does(ANN, "read", {"text": "a"}, id="1")
        story.has_fault(BOB)
        if between:
            story.does(ANN, between, None, **({"id": "1"} if between == "remove" else {}))
        story.info(story.asks(ANN, "read", id="1"))
        assert (0 if between else 1) == len(said_of(story))
