"""How answers that show objects are held against what their user has."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from boards import TEXT, Boards, boards, of, said_of
from stories import ANN, BOB, Story

from harness.history.semantics import Semantics, Work

WRITE = Semantics("write", makes="note", texts=("text",))
READ = Semantics("read", takes="note", argument="note", reads=True)


def looks(story: Boards, card: int, text: str, told: int | None = None) -> int:
    """Read a card; `told` is the id in the answer."""
    return story.does(ANN, "look", {"data": {"id": told or card, "attributes": {"text": text}}}, card=card)


class TestReading:
    def test_an_answer_about_another_object_is_unexplained(self) -> None:
        """Its id is not the one that was asked for, whatever it shows."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        looks(story, 7, "a", told=8)
        assert ["u00: look was answered with another card"] == said_of(story)

    def test_ids_that_stand_elsewhere_are_not_compared(self) -> None:
        """Notes are made under a slug; the `id` of the answer is a number of the service's own."""
        story = Story(
            of(
                Semantics("write", makes="note", id="slug", texts=("text",)),
                Semantics("read", takes="note", argument="note", reads=True, shows="text"),
            )
        )
        story.does(ANN, "write", {"slug": "s"}, text="a")
        story.does(ANN, "read", {"id": 17, "text": "a"}, id="s")
        assert [] == said_of(story)

    @pytest.mark.parametrize("meanwhile", [True, False])
    @pytest.mark.parametrize("operation", ["look", "cards"])
    def test_what_was_deleted_must_not_show_again(self, operation: str, meanwhile: bool) -> None:
        """Neither alone nor in a list, also while an older request is still open."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        if meanwhile:
            story.asks(ANN, "page", 1)
        story.does(ANN, "tear", None, card=7)
        looks(story, 7, "a") if operation == "look" else story.sees(ANN, (7, "a"))
        assert [f"u00: {operation} shows card 7, which its owner had deleted"] == said_of(story)

    def test_what_shows_where_a_text_should_be_is_named(self) -> None:
        """The whole answer, where it has no text in that place."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "look", {"data": {"id": 7}}, card=7)
        assert ["""u00: card 7 reads '{"data": {"id": 7}}', which its owner never wrote"""] == said_of(story)

    @pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 57 + "..."), (200, "x" * 57 + "...")])
    def test_a_long_text_is_shown_by_its_beginning(self, length: int, shown: str) -> None:
        """Sixty characters fit."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        looks(story, 7, "x" * length)
        assert [f"u00: card 7 reads '{shown}', which its owner never wrote"] == said_of(story)


class TestTextAnywhere:
    """Nobody says where the text of a note stands."""

    TEXT = 'é "b"\nc'

    @pytest.mark.parametrize(
        "answer",
        [{"text": TEXT}, f"<p>{TEXT}</p>", r'{"text": "é \"b\"\nc"}', {"path": PurePosixPath("a"), "of": TEXT}],
    )
    def test_a_text_is_found_however_it_is_written(self, answer: Any) -> None:
        """In JSON, in JSON as text, in a page, and beside what a target in Python answers that is no JSON."""
        story = Story(of(WRITE, READ))
        story.does(ANN, "write", {"id": "1"}, text=self.TEXT)
        story.does(ANN, "read", answer, id="1")
        assert 1 == story.examined("tampering", "tampered")


class TestLists:
    @pytest.mark.parametrize(
        ("listing", "judged"),
        [
            (Semantics("list", lists="note", all=True, entries="found", shows="text"), True),
            (Semantics("list", lists="note", all=True, entries="found"), True),
            (Semantics("list", lists="note", entries="found", shows="text"), True),
            (Semantics("list", lists="note", entries="found"), False),
        ],
    )
    def test_where_a_list_is_said_to_stand_there_must_be_one(self, listing: Semantics, judged: bool) -> None:
        """Where more is said of it than that it lists; a page of text, or an answer that was cut, may have it."""
        story = Story(of(WRITE, listing))
        story.has_fault(BOB)
        story.does(ANN, "list", {"found": {}})
        assert (["u00: list was not answered with a list"] if judged else []) == said_of(story)
        story.does(ANN, "list", "<p>none</p>")
        assert (1 if judged else 0) == len(said_of(story))

    def test_each_object_that_is_missing_is_a_fact(self) -> None:
        """One is shown, two are not: three that had to be there."""
        story = boards()
        for card in (7, 8, 9):
            story.pins(ANN, 1, card, f"text {card}")
        story.sees(ANN, (9, "text 9"))
        assert ({"lost-write": 2}, 3) == (story.found("tampering"), story.examined("tampering", "lost-write"))

    def test_an_older_object_elsewhere_hides_none_that_is_missing_here(self) -> None:
        """The first card is on another board."""
        story = boards(
            Semantics("cards of", lists="card", all=True, takes="board", entries="found", shows=TEXT),
        )
        for board, card in ((2, 8), (1, 7)):
            story.has_board(ANN, board)
            story.pins(ANN, board, card, f"text {card}")
        story.does(ANN, "cards of", {"found": []}, board=1)
        assert ["u00: card 7 was acknowledged and is not listed"] == said_of(story)

    def test_another_object_of_the_same_text_was_never_written(self) -> None:
        """A card is known by its name."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        story.sees(ANN, (7, "a"), (9, "a"))
        assert ["u00: cards shows a card that this user never wrote: 'a'"] == said_of(story)

    def test_what_was_asked_for_and_not_answered_may_be_there(self) -> None:
        """Each such entry is a fact, as is each that was never written."""
        story = boards()
        for text in ("a", "b"):
            story.asks(ANN, "pin", board=1, text=text)
        story.sees(ANN, (7, "a"), (8, "b"))
        assert ([], 2) == (said_of(story), story.examined("interference", "unexplained-answer"))
        story.sees(ANN, (7, "a"), (8, "b"), (9, "z"))
        assert (1, 5) == (len(said_of(story)), story.examined("interference", "unexplained-answer"))

    def test_what_was_deleted_is_a_fact_beside_others(self) -> None:
        """One that may be there, and one that may not."""
        story = boards()
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "tear", None, card=7)
        story.asks(ANN, "pin", board=1, text="b")
        before = story.examined("interference", "unexplained-answer")
        story.sees(ANN, (8, "b"), (7, "a"))
        assert 2 == story.examined("interference", "unexplained-answer") - before
        assert 1 == len(said_of(story))

    def test_entries_without_a_name_are_facts(self) -> None:
        """They are known by their texts, and one that has none of the user's was never written."""
        story = Story(
            of(
                Semantics("write", makes="note", id="slug", texts=("text",)),
                Semantics("list", lists="note", shows="text"),
            )
        )
        story.has_fault(BOB)
        for slug in ("a", "b"):
            story.does(ANN, "write", {"slug": slug}, text=slug)
        story.does(ANN, "list", [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
        before = story.examined("interference", "unexplained-answer")
        story.does(ANN, "list", [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
        assert ([], 2) == (said_of(story), story.examined("interference", "unexplained-answer") - before)
        story.does(ANN, "list", [{"id": 3, "text": "z"}])
        assert ["u00: list shows a note that this user never wrote: 'z'"] == said_of(story)


class TestSearches:
    FIND = Semantics("find", lists="card", all=True, searches=True, entries="found", shows=TEXT)
    CLONE = Semantics("clone", makes="card", id="data.id")

    def told(self) -> Boards:
        """Tell of three cards, of which one is blue, one is red, and one may read as anything."""
        story = boards(self.FIND, self.CLONE)
        story.pins(ANN, 1, 6, "blue sea")
        story.does(ANN, "clone", {"data": {"id": 7}})
        story.pins(ANN, 1, 8, "red sun")
        return story

    def finds(self, story: Boards, query: str, *cards: tuple[int, str]) -> None:
        """Search for cards."""
        found = [{"id": card, "attributes": {"text": text}} for card, text in cards]
        story.does(ANN, "find", {"found": found}, text=query)

    def test_what_has_the_words_must_be_found(self) -> None:
        """The others need not."""
        story = self.told()
        self.finds(story, "red", (8, "red sun"))
        self.finds(story, "s", (8, "red sun"), (6, "blue sea"))
        assert [] == said_of(story)
        self.finds(story, "red")
        assert ["u00: card 8 was acknowledged and is not listed"] == said_of(story)

    def test_what_is_being_edited_may_have_them_no_more(self) -> None:
        """Or may have them still."""
        story = self.told()
        story.asks(ANN, "change", card=8, text="green leaf")
        self.finds(story, "red")
        assert [] == said_of(story)

    def test_a_search_for_nothing_need_not_find_everything(self) -> None:
        """A service may answer it with nothing."""
        story = self.told()
        self.finds(story, "")
        assert [] == said_of(story)


class TestWork:
    def test_each_piece_of_work_is_a_fact(self) -> None:
        """All that has ended; one that was touched is judged no more, and hides no other."""
        story = boards()
        story.has_board(ANN, 1, 0)
        for job in (5, 6, 7):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            story.gets(ANN, 1, job, 0, "done")
        everything = [
            (card, f"{letter}{job}") for job in (5, 6, 7) for card, letter in ((job * 2, "a"), (job * 2 + 1, "b"))
        ]
        story.sees(ANN, *everything)
        assert ([], 3) == (said_of(story), story.examined("tampering", "partial-write"))
        story.does(ANN, "tear", None, card=10)
        story.sees(ANN, *everything[1:-1])
        assert ["u00: 1 of the 2 cards of one piece of work are there: 'a7'"] == said_of(story)
        assert 5 == story.examined("tampering", "partial-write")

    def test_work_that_was_given_no_text_writes_nothing(self) -> None:
        """There is nothing that could be missing."""
        story = boards()
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5)
        story.gets(ANN, 1, 5, 0, "done")
        story.sees(ANN)
        assert [] == said_of(story)

    @pytest.mark.parametrize(
        ("end", "shown", "message"),
        [
            ("broken", [(7, "a"), (8, "b")], "work that failed left its card: 'a'"),
            ("done", [], "work that completed left no card: 'a'"),
        ],
    )
    def test_what_work_leaves_fits_its_end(self, end: str, shown: list[tuple[int, str]], message: str) -> None:
        """All of it after a good end, and nothing after another; before the end, either."""
        story = boards()
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        story.sees(ANN, *shown)
        assert [] == said_of(story)
        story.gets(ANN, 1, 5, 0, end)
        story.sees(ANN, *shown)
        assert [f"u00: {message}"] == said_of(story)

    def test_work_that_is_meant_to_fail_does_not_complete(self) -> None:
        """Whatever a frame says of it: what it wrote must not be there, and need not."""
        story = boards(
            Semantics(
                "break",
                makes="job",
                id="data.id",
                takes="board",
                texts=("text",),
                starts=Work(writes="card", fails=True),
            )
        )
        story.has_board(ANN, 1, 0)
        story.does(ANN, "break", {"data": {"id": 5}}, board=1, text="a")
        story.gets(ANN, 1, 5, 0, "done")
        story.sees(ANN)
        assert [] == said_of(story)
        story.sees(ANN, (7, "a"))
        assert ["u00: work that failed left its card: 'a'"] == said_of(story)
