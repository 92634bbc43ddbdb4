"""Tests of the checkers that hold a user's answers against what that user did alone."""

from __future__ import annotations

import pytest
from stories import ANN, BOB, EVE, Story

from harness.history.model import Promises
from harness.history.semantics import Semantics


class TestRemains:
    """Of the operations of the vocabulary, `read_note` shows the newest only."""

    SERVICE = Promises(
        operations={
            known.name: known
            for known in (
                Semantics("ask", makes="run", texts=("text",), newest_of=("ask",)),
                Semantics("result", takes="run", argument="run", newest_of=("ask",)),
                Semantics("save", texts=("text",)),
                Semantics("show", newest_of=("save",)),
                Semantics("latest", newest_of=("ask",)),
            )
        }
    )

    def test_an_earlier_text_in_place_of_the_newest_is_found(self) -> None:
        """Ann's edit was acknowledged, and the note reads as before."""
        story = Story()
        old, new = story.mark(ANN), story.mark(ANN)
        story.notes(ANN, "n", old)
        story.does(ANN, "edit_note", {"id": "n"}, id="n", text=new)
        story.does(ANN, "read_note", {"id": "n", "text": old}, id="n")
        (finding,) = story.judged("remains").findings
        assert ("earlier-text", ANN, (0, 4, 5)) == (finding.anomaly, finding.observer, finding.witness)
        assert "u00 got an earlier text of their own from read_note, which shows the newest" == finding.message

    def test_the_newest_is_what_belongs_there(self) -> None:
        """It counts as examined; before anything is acknowledged, nothing does."""
        story = Story()
        new = story.mark(ANN)
        story.does(ANN, "read_note", {"id": "n", "text": new}, id="n")
        story.notes(ANN, "n", new)
        story.does(ANN, "read_note", {"id": "n", "text": new}, id="n")
        assert ({}, {"earlier-text": 1}) == (story.found("remains"), story.judged("remains").examined)

    @pytest.mark.parametrize("end", ["later", "info"])
    def test_what_was_not_acknowledged_replaces_nothing(self, end: str) -> None:
        """An edit that overlaps with the reading, or of which nobody knows, may show or not."""
        story = Story()
        old = story.mark(ANN)
        story.notes(ANN, "n", old)
        edit = story.asks(ANN, "edit_note", id="n", text=story.mark(ANN))
        if end == "info":
            story.info(edit)
        read = story.asks(ANN, "read_note", device=1, id="n")
        if end == "later":
            story.ok(edit, {"id": "n"})
        story.ok(read, {"id": "n", "text": old})
        assert {} == story.found("remains")

    def test_of_two_edits_at_once_either_may_win(self) -> None:
        """Neither is earlier than the other."""
        story = Story()
        left, right = story.mark(ANN), story.mark(ANN)
        story.notes(ANN, "n", "a")
        calls = [
            story.asks(ANN, "edit_note", device=device, id="n", text=text) for device, text in enumerate((left, right))
        ]
        for call in calls:
            story.ok(call, {"id": "n"})
        for text in (left, right):
            story.does(ANN, "read_note", {"id": "n", "text": text}, id="n")
        assert {} == story.found("remains")

    def test_another_objects_text_of_before_is_found(self) -> None:
        """A run's result has the question of the run before in it; that of a later one is not earlier."""
        story = Story(self.SERVICE)
        texts = [story.mark(ANN) for _ in range(3)]
        for run, text in zip("abc", texts, strict=True):
            story.does(ANN, "ask", {"id": run}, text=text)
        story.does(ANN, "result", {"of": [texts[1], texts[2]]}, run="b")
        assert {} == story.found("remains")
        story.does(ANN, "result", {"of": [texts[0], texts[1]]}, run="b")
        assert {"earlier-text": 1} == story.found("remains")

    def test_an_answer_that_shows_its_own_text_shows_no_earlier_one(self) -> None:
        """Its own is the newest."""
        story = Story(self.SERVICE)
        first, second = story.mark(ANN), story.mark(ANN)
        story.does(ANN, "ask", {"id": "a", "said": first}, text=first)
        assert {} == story.found("remains")
        story.does(ANN, "ask", {"id": "b", "said": [first, second]}, text=second)
        assert {"earlier-text": 1} == story.found("remains")

    def test_other_texts_of_ones_own_may_show_beside_it(self) -> None:
        """A profile may name the last question."""
        story = Story(self.SERVICE)
        text, asked = story.mark(ANN), story.mark(ANN)
        story.does(ANN, "ask", {"id": "a"}, text=asked)
        story.does(ANN, "save", None, text=text)
        story.does(ANN, "show", {"text": text, "asked": asked})
        assert ({}, {"earlier-text": 2}) == (story.found("remains"), story.judged("remains").examined)

    def test_the_newest_of_several_objects(self) -> None:
        """What shows the last run, whichever it is, shows none before it."""
        story = Story(self.SERVICE)
        old = story.mark(ANN)
        story.does(ANN, "ask", {"id": "a"}, text=old)
        story.does(ANN, "ask", {"id": "b"}, text=story.mark(ANN))
        story.does(ANN, "latest", {"text": old})
        assert {"earlier-text": 1} == story.found("remains")

    @pytest.mark.parametrize("refused", [True, False])
    def test_without_an_object_the_newest_of_all_counts(self, refused: bool) -> None:
        """A profile, of which there is one; what was refused does not count."""
        story = Story(self.SERVICE)
        old = story.mark(ANN)
        story.does(ANN, "save", None, text=old)
        story.is_refused(ANN, "save", 409, text=story.mark(ANN)) if refused else story.does(
            ANN, "save", None, text=story.mark(ANN)
        )
        story.does(ANN, "show", {"text": old})
        assert ({} if refused else {"earlier-text": 1}) == story.found("remains")


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

    def test_a_note_that_is_not_found_is_a_lost_write(self) -> None:
        """404 for what was acknowledged."""
        story = Story()
        story.notes(ANN, "n", "mine")
        story.is_refused(ANN, "read_note", id="n")
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
