"""Tests of the checkers that hold a user's answers against what that user did alone."""

from __future__ import annotations

import pytest
from stories import ANN, BOB, EVE, Story


class TestTampering:
    def test_a_note_that_reads_as_never_written_was_tampered_with(self) -> None:
        """Ann wrote `mine` and reads `theirs`."""
        story = Story()
        story.notes(ANN, "n", "mine")
        story.does(ANN, "read_note", {"id": "n", "text": "theirs"}, id="n")
        assert {"tampered": 1} == story.found("tampering")
        assert ["u00: note n reads 'theirs', which its owner never wrote"] == story.messages("tampering")

    def test_a_note_that_is_not_listed_is_a_lost_write(self) -> None:
        """It was acknowledged before the listing was asked for."""
        story = Story()
        story.notes(ANN, "n", "mine")
        story.does(ANN, "list_notes", [])
        assert {"lost-write": 1} == story.found("tampering")

    @pytest.mark.parametrize("status", [404, 410])
    def test_a_note_that_is_not_found_is_a_lost_write(self, status: int) -> None:
        """It was acknowledged."""
        story = Story()
        story.notes(ANN, "n", "mine")
        story.is_refused(ANN, "read_note", status, id="n")
        assert {"lost-write": 1} == story.found("tampering")

    def test_two_edits_accepted_as_one_version_lose_one(self) -> None:
        """Read-modify-write without a version check."""
        story = Story()
        story.notes(ANN, "n", "a", version=1)
        one = story.asks(ANN, "edit_note", id="n", text="b", version=1)
        two = story.asks(ANN, "edit_note", device=1, id="n", text="c", version=1)
        story.ok(one, {"id": "n", "text": "b", "version": 2})
        story.ok(two, {"id": "n", "text": "c", "version": 2})
        assert {"lost-write": 1} == story.found("tampering")

    def test_half_of_a_runs_notes_is_a_partial_write(self) -> None:
        """`remember: a | b` writes both or none."""
        story = Story()
        story.runs(ANN, "t", "r", "notebook", "remember: a | b")
        story.does(ANN, "list_notes", [{"id": "1", "text": "a"}])
        assert {"partial-write": 1} == story.found("tampering")

    @pytest.mark.parametrize("ended", [True, False])
    def test_a_failed_runs_note_is_a_partial_write(self, ended: bool) -> None:
        """`fail: a` writes nothing in the end, and nobody may see what it has not committed."""
        story = Story()
        story.runs(ANN, "t", "r", "faulty", "fail: a")
        if ended:
            story.push(ANN, "r", "t", 0, "agent_error")
        story.does(ANN, "list_notes", [{"id": "1", "text": "a"}])
        assert {"partial-write": 1} == story.found("tampering")

    def test_an_edit_or_a_deletion_under_way_may_show_or_not(self) -> None:
        """Both the old text and the new, and no note at all, are the owner's own doing."""
        story = Story()
        story.notes(ANN, "n", "a")
        edit = story.asks(ANN, "edit_note", id="n", text="b", version=None)
        story.does(ANN, "read_note", {"id": "n", "text": "b"}, device=1, id="n")
        story.does(ANN, "read_note", {"id": "n", "text": "a"}, device=1, id="n")
        story.ok(edit, {"id": "n", "text": "b"})
        story.asks(ANN, "delete_note", id="n")
        story.is_refused(ANN, "read_note", id="n")
        assert {} == story.found("tampering")

    @pytest.mark.parametrize("shown", ["b", "c"])
    def test_of_two_edits_at_once_either_may_win(self, shown: str) -> None:
        """Which one came last is for the target to say, whichever was answered last."""
        story = Story()
        story.notes(ANN, "n", "a")
        one = story.asks(ANN, "edit_note", id="n", text="b")
        two = story.asks(ANN, "edit_note", device=1, id="n", text="c")
        story.ok(two, {"id": "n"})
        story.ok(one, {"id": "n"})
        story.does(ANN, "read_note", {"id": "n", "text": shown}, id="n")
        assert {} == story.found("tampering")

    def test_an_overwritten_text_must_not_come_back(self) -> None:
        """After an acknowledged edit the old text is gone."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.does(ANN, "edit_note", {"id": "n"}, id="n", text="b")
        story.does(ANN, "read_note", {"id": "n", "text": "a"}, id="n")
        assert {"tampered": 1} == story.found("tampering")

    def test_versions_may_be_answered_out_of_order(self) -> None:
        """The answer to the first edit was overtaken by that to the second."""
        story = Story()
        story.notes(ANN, "n", "a", version=1)
        one = story.asks(ANN, "edit_note", id="n", text="b", version=1)
        story.does(ANN, "edit_note", {"id": "n", "version": 3}, device=1, id="n", text="c", version=2)
        story.ok(one, {"id": "n", "version": 2})
        assert {} == story.found("tampering")

    @pytest.mark.parametrize("first", ["open", "unknown"])
    def test_a_second_deletion_may_find_nothing(self, first: str) -> None:
        """The first one may have come into effect, though nobody has said so yet, or ever."""
        story = Story()
        story.notes(ANN, "n", "a")
        call = story.asks(ANN, "delete_note", id="n")
        if first == "unknown":
            story.info(call)
        story.is_refused(ANN, "delete_note", id="n")
        story.does(ANN, "list_notes", [])
        assert {} == story.found("tampering")

    def test_an_owner_may_delete_a_note_that_a_run_wrote(self) -> None:
        """Half of the run's notes are there because of the owner."""
        story = Story()
        story.runs(ANN, "t", "r", "notebook", "remember: a | b")
        story.does(ANN, "list_notes", [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}])
        story.does(ANN, "delete_note", None, id="1")
        story.does(ANN, "list_notes", [{"id": "2", "text": "b"}])
        assert {} == story.found("tampering")

    def test_a_history_without_reading_gives_nothing_to_examine(self) -> None:
        """Writes alone show no tampering."""
        story = Story()
        story.notes(ANN, "n", "mine")
        assert {} == story.judged("tampering").examined

    def test_a_run_that_has_not_failed_yet_is_no_fact(self) -> None:
        """The note of `fail: a` is missing before the run had a chance to leave it."""
        story = Story()
        story.runs(ANN, "t", "r", "faulty", "fail: a")
        story.does(ANN, "list_notes", [])
        assert 0 == story.examined("tampering", "partial-write")
        story.push(ANN, "r", "t", 0, "agent_error")
        story.does(ANN, "list_notes", [])
        assert 1 == story.examined("tampering", "partial-write")

    def test_what_was_found_was_examined(self) -> None:
        """A rate never exceeds one."""
        story = Story()
        story.runs(ANN, "t", "r", "notebook", "remember: a | b")
        story.does(ANN, "list_notes", [{"id": "1", "text": "a"}])
        assert 1 == story.examined("tampering", "partial-write")

    def test_an_intruder_has_nothing_that_could_be_tampered_with(self) -> None:
        """What it is answered is for other checkers."""
        story = Story()
        story.notes(EVE, "n", "mine")
        story.does(EVE, "read_note", {"id": "n", "text": "theirs"}, id="n")
        assert ({}, {}) == (story.found("tampering"), story.judged("tampering").examined)

    def test_forgotten_runs_are_not_held_against_anybody(self) -> None:
        """After more runs than are remembered, an unknown note may be of one of them."""
        story = Story()
        for number in range(257):
            story.runs(ANN, "t", f"r{number}", "notebook", f"remember: a{number}")
        story.does(ANN, "list_notes", [{"id": "0", "text": "a0"}])
        assert {} == story.found("interference")


class TestInterference:
    def test_an_error_that_nothing_of_ones_own_explains_came_from_outside(self) -> None:
        """Bob's call ends in an error after Ann's was cancelled."""
        story = Story()
        story.has_fault(ANN, story.asks(ANN, "list_notes"))
        story.info(story.asks(BOB, "list_notes"))
        assert {"unexplained-answer": 1} == story.found("interference")
        assert ["u01: list_notes ended in an error: 'timeout'"] == story.messages("interference")

    def test_ones_own_fault_explains_ones_own_error_and_refusal(self) -> None:
        """The calls that the fault names may suffer."""
        story = Story()
        lost, refused = story.asks(ANN, "list_notes"), story.asks(ANN, "list_threads", 1)
        story.has_fault(ANN, lost, refused)
        story.info(lost)
        story.fail(refused, 503)
        assert {} == story.found("interference")

    def test_a_note_that_nobody_here_wrote_is_unexplained(self) -> None:
        """Found at any time, fault or none, once somebody else is there."""
        story = Story()
        story.does(ANN, "list_notes", [])
        story.does(BOB, "list_notes", [{"id": "x", "text": "strange"}])
        assert {"unexplained-answer": 1} == story.found("interference")
        assert 1 == story.examined("interference", "unexplained-answer")

    def test_a_run_that_failed_without_a_reason_is_unexplained(self) -> None:
        """The narrator cannot fail by itself, and its user has not cancelled it."""
        story = Story()
        story.does(ANN, "list_notes", [])
        story.runs(BOB, "t", "r")
        story.does(BOB, "read_run", {"id": "r", "status": "cancelled", "result": None}, id="r")
        assert {"unexplained-answer": 1} == story.found("interference")

    def test_a_user_alone_cannot_be_disturbed(self) -> None:
        """What is wrong then is the target's own doing: a doubt, and no finding."""
        story = Story()
        story.does(BOB, "list_notes", [{"id": "x", "text": "strange"}])
        assert {} == story.found("interference")
        assert 1 == len(story.doubts("interference"))

    def test_an_error_before_anybody_had_trouble_is_a_doubt(self) -> None:
        """Nobody else can have caused it; after somebody's fault it is a finding."""
        story = Story()
        story.does(ANN, "list_notes", [])
        story.info(story.asks(BOB, "list_notes"))
        assert {} == story.found("interference")
        assert 1 == len(story.doubts("interference"))
        story.has_fault(ANN)
        story.info(story.asks(BOB, "list_notes"))
        assert {"unexplained-answer": 1} == story.found("interference")

    def test_a_run_that_its_user_cancelled_is_explained(self) -> None:
        """Asking is enough."""
        story = Story()
        story.runs(BOB, "t", "r")
        story.asks(BOB, "cancel_run", id="r")
        story.does(BOB, "read_run", {"id": "r", "status": "cancelled", "result": None}, id="r")
        assert {} == story.found("interference")

    @pytest.mark.parametrize("trouble", ["fault", "drop", "error", "info"])
    def test_answers_count_once_another_has_had_a_fault(self, trouble: str) -> None:
        """An injected fault, a disconnect, a failed run and an open call are such."""
        story = Story()
        match trouble:
            case "fault":
                story.has_fault(ANN)
            case "drop":
                story.drops(ANN)
            case "error":
                story.push(ANN, "r", "t", 0, "agent_error")
            case "info":
                story.has_fault(ANN, call := story.asks(ANN, "list_notes"))
                story.info(call)
        story.does(BOB, "list_notes", [])
        assert 1 == story.examined("interference", "unexplained-answer")

    def test_without_anothers_fault_nothing_is_examined(self) -> None:
        """Bob's own fault, and an intruder's, could not interfere with Bob."""
        story = Story()
        story.has_fault(BOB)
        story.has_fault(EVE)
        story.does(BOB, "list_notes", [])
        assert {} == story.judged("interference").examined

    def test_a_request_is_no_answer(self) -> None:
        """It counts when it is answered."""
        story = Story()
        story.has_fault(ANN)
        call = story.asks(BOB, "list_notes")
        assert {} == story.judged("interference").examined
        story.ok(call, [])
        assert {"unexplained-answer": 1} == story.judged("interference").examined

    def test_what_was_answered_before_the_fault_counts_no_more_after_it(self) -> None:
        """The notes of Bob's that were not acknowledged yet are facts of each list by itself."""
        story = Story()
        for text in ("a", "b"):
            story.asks(BOB, "write_note", text=text)
        listed = [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]
        story.does(BOB, "list_notes", listed)
        story.has_fault(ANN)
        story.does(BOB, "list_notes", listed)
        assert ({}, 2) == (story.found("interference"), story.examined("interference", "unexplained-answer"))
