"""What the single-user model makes of work: what it writes, what it tells, and what may end it."""

from __future__ import annotations

from typing import Any

import pytest
from boards import Boards, boards, of, said_of
from stories import ANN, BOB, Story

from harness.history.semantics import Progress, Semantics, Work
from harness.judging.owned_objects import MOST_GROUPS, MOST_RUNS

STRANGE = (9, "z")
FOUND_STRANGE = "u00: cards shows a card that this user never wrote: 'z'"
HALF = "u00: 1 of the 2 cards of one piece of work are there: 'a'"


def copied(board: int = 1) -> Boards:
    """Tell of work on a board of Ann's that has written two cards."""
    story = boards()
    story.has_board(ANN, board, 0)
    story.copies(ANN, board, 5, "a", "b")
    story.gets(ANN, board, 5, 0, "done")
    return story


def echoed(**answer: Any) -> Boards:
    """Tell of a job that is to repeat a text, and what is answered about it."""
    story = boards()
    story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
    story.does(ANN, "check", answer, job=5)
    return story


class TestWritten:
    def test_beside_what_work_writes_a_strange_card_is_found(self) -> None:
        """Its text is none of those that the work was given."""
        story = copied()
        story.sees(ANN, (7, "a"), (8, "b"), STRANGE)
        assert [FOUND_STRANGE] == said_of(story)

    def test_to_look_at_a_part_is_not_to_change_it(self) -> None:
        """The other half must still be there."""
        story = copied()
        story.sees(ANN, (7, "a"), (8, "b"))
        story.does(ANN, "look", {"data": {"id": 7, "attributes": {"text": "a"}}}, card=7)
        story.sees(ANN, (7, "a"))
        assert [HALF] == said_of(story)

    def test_the_end_of_another_card_ends_no_part(self) -> None:
        """Every list names its cards, so whoever deletes one has seen which it is."""
        story = copied()
        story.does(ANN, "tear", None, card=99)
        story.sees(ANN, (7, "a"))
        assert [HALF] == said_of(story)

    def test_what_happens_to_another_board_leaves_it_to_be_judged(self) -> None:
        """It was done on the first."""
        story = copied()
        story.has_board(ANN, 2)
        story.does(ANN, "drop", None, board=2)
        story.sees(ANN, (7, "a"))
        assert [HALF] == said_of(story)

    def test_what_was_changed_once_is_judged_no_more(self) -> None:
        """Not after another board is deleted, either."""
        story = copied()
        story.has_board(ANN, 2)
        story.sees(ANN, (7, "a"), (8, "b"))
        story.does(ANN, "tear", None, card=7)
        story.does(ANN, "drop", None, board=2)
        story.sees(ANN, (8, "b"))
        assert [] == said_of(story)

    def test_of_two_kinds_that_no_list_names_each_may_have_lost_a_part(self) -> None:
        """A note, and then a memo, are deleted of which nobody knows whether work wrote them."""
        operations = [
            Semantics("copy", makes="job", texts=("text", "text:2"), starts=Work(writes="note")),
            Semantics("check", takes="job", argument="job", progress=Progress()),
            *(Semantics(f"write {kind}", makes=kind, texts=("text",)) for kind in ("note", "memo")),
            *(Semantics(f"remove {kind}", takes=kind, argument=kind, deletes=True) for kind in ("note", "memo")),
            *(Semantics(f"{kind}s", lists=kind, all=True, id="number", shows="text") for kind in ("note", "memo")),
        ]
        story = Story(of(*operations))
        story.has_fault(BOB)
        story.does(ANN, "copy", {"id": "j"}, **{"text": "a", "text:2": "b"})
        story.does(ANN, "check", {"status": "completed"}, id="j")
        for kind in ("note", "memo"):
            story.does(ANN, f"remove {kind}", None, id="1")
        story.does(ANN, "notes", [{"number": 1, "text": "a"}])
        assert [] == said_of(story)

    @pytest.mark.parametrize("earlier", [0, 1])
    def test_work_that_was_refused_has_written_nothing(self, earlier: int) -> None:
        """None of it, and not all of it either, whether or not it was the first request."""
        story = Boards(boards().header.promises)
        for _ in range(earlier):
            story.sees(ANN)
        story.is_refused(ANN, "copy", 429, board=1, **{"text": "a", "text:2": "b"})
        story.has_fault(BOB)
        story.sees(ANN, (7, "a"), (8, "b"))
        assert ["u00: work that failed left its card: 'a'"] == said_of(story)

    def test_a_kind_may_be_made_by_work_or_at_once(self) -> None:
        """A job that was refused without a text says nothing of drafts of jobs."""
        story = boards(Semantics("draft", makes="job", texts=("text",)))
        story.is_refused(ANN, "copy", 429, board=1)
        story.sees(ANN)
        assert [] == said_of(story)

    @pytest.mark.parametrize(("works", "judged"), [(MOST_GROUPS, True), (MOST_GROUPS + 1, False)])
    def test_of_more_works_than_are_remembered_any_card_may_be(self, works: int, judged: bool) -> None:
        """And the oldest is not judged any more."""
        story = boards()
        for job in range(works):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
        story.sees(ANN, STRANGE)
        assert ([FOUND_STRANGE] if judged else []) == said_of(story)
        story.sees(ANN, (7, "a0"))
        assert (2 if judged else 0) == len(said_of(story))

    def test_the_parts_of_those_that_are_remembered_are_known(self) -> None:
        """Their owner may delete one of them."""
        story = boards()
        story.copies(ANN, 1, 1_000, "first", "second")
        story.copies(ANN, 1, 1_001, "a", "b")
        story.sees(ANN, (7, "a"), (8, "b"))
        for job in range(MOST_GROUPS - 1):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
        story.does(ANN, "tear", None, card=7)
        story.sees(ANN, (8, "b"))
        assert [] == said_of(story)

    def test_work_that_writes_nothing_is_none_of_them(self) -> None:
        """However much of it there is."""
        story = boards()
        for job in range(MOST_GROUPS + 1):
            story.does(ANN, "echo", {"data": {"id": job}}, board=1, text=f"text {job}")
        story.sees(ANN, STRANGE)
        assert [FOUND_STRANGE] == said_of(story)


class TestTold:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"state": "ok", "said": "b"}, "gives the result 'b' for the text 'a'"),
            ({"state": "bad"}, "says bad, which nothing that this user did explains"),
            ({"id": 6, "state": "ok", "said": "a"}, "was answered with another job"),
        ],
    )
    def test_what_is_told_must_be_of_that_work(self, answer: dict[str, Any], message: str) -> None:
        """Its result, its end and its id."""
        assert [f"u00: check {message}"] == said_of(echoed(**answer))

    def test_each_answer_is_one_fact(self) -> None:
        """Whatever it says."""
        story = echoed(id=5, state="going")
        story.does(ANN, "check", {"id": 5, "state": "ok", "said": "a"}, job=5)
        assert ([], 3) == (said_of(story), story.examined("interference", "unexplained-answer"))

    def test_where_no_result_is_told_none_is_wrong(self) -> None:
        """The answer has a status only."""
        look = Semantics("check", takes="job", argument="job", progress=Progress(status="state", completed=("ok",)))
        story = boards(look)
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
        story.does(ANN, "check", {"state": "ok"}, job=5)
        assert [] == said_of(story)

    def test_a_job_that_was_given_nothing_repeats_nothing(self) -> None:
        """An empty result is right."""
        story = boards()
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1)
        story.does(ANN, "check", {"state": "ok", "said": ""}, job=5)
        assert [] == said_of(story)

    def test_an_id_that_stands_elsewhere_is_not_compared(self) -> None:
        """Jobs are named by a slug, and have a number besides."""
        story = Story(
            of(
                Semantics("run", makes="job", id="slug", starts=Work()),
                Semantics("check", takes="job", argument="job", progress=Progress()),
            )
        )
        story.has_fault(BOB)
        story.does(ANN, "run", {"slug": "s"})
        story.does(ANN, "check", {"id": 17, "status": "completed"}, id="s")
        assert [] == said_of(story)

    def test_a_fault_of_ones_own_may_have_ended_it(self) -> None:
        """Whichever work it hit."""
        story = boards()
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
        story.has_fault(ANN)
        story.does(ANN, "check", {"state": "bad"}, job=5)
        assert [] == said_of(story)

    def test_work_that_was_accepted_must_be_there(self) -> None:
        """As anything that was acknowledged."""
        story = boards()
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
        story.is_refused(ANN, "check", 404, job=5)
        assert ["u00: check: job 5 was acknowledged and is not there"] == said_of(story)

    def test_work_that_was_deleted_need_not_be(self) -> None:
        """Nor does it matter how it ended."""
        story = boards(Semantics("forget", takes="job", argument="job", deletes=True))
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
        story.does(ANN, "forget", None, job=5)
        story.does(ANN, "check", {"state": "bad"}, job=5)
        story.is_refused(ANN, "check", 404, job=5)
        assert [] == said_of(story)

    def test_work_on_another_board_is_judged(self) -> None:
        """The board that was deleted had none."""
        story = boards()
        for board in (1, 2):
            story.has_board(ANN, board)
        story.does(ANN, "echo", {"data": {"id": 5}}, board=1, text="a")
        story.does(ANN, "drop", None, board=2)
        story.does(ANN, "check", {"state": "bad"}, job=5)
        assert ["u00: check says bad, which nothing that this user did explains"] == said_of(story)

    @pytest.mark.parametrize(("works", "judged"), [(MOST_RUNS, True), (MOST_RUNS + 1, False)])
    def test_of_more_than_are_remembered_the_oldest_is_not_judged(self, works: int, judged: bool) -> None:
        """Nobody knows any more what it was to do."""
        story = boards()
        for job in range(works):
            story.does(ANN, "echo", {"data": {"id": job}}, board=1, text=f"text {job}")
        story.does(ANN, "check", {"state": "bad"}, job=0)
        assert (1 if judged else 0) == len(said_of(story))
