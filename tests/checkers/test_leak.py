from __future__ import annotations

import base64
from pathlib import PurePosixPath

import pytest
from stories import ANN, BOB, CAT, EVE, Story


def confirmed(*users: str) -> tuple[Story, dict[str, str]]:
    """Tell of users who each wrote a note and read it back."""
    story, marks = Story(), {}
    for user in users:
        marks[user] = story.mark(user)
        story.notes(user, f"n-{user}", marks[user])
        story.does(user, "read_note", {"id": f"n-{user}", "text": marks[user]}, id=f"n-{user}")
    return story, marks


class TestLeak:
    def test_an_answer_with_anothers_canary_is_a_leak(self) -> None:
        """What Ann wrote must not come out in an answer to Bob."""
        story, marks = confirmed(ANN)
        shown = story.does(BOB, "list_notes", [{"id": "n", "text": marks[ANN]}])
        (finding,) = story.judged("leak").findings
        assert "u01 observed u00's canary in the answer of list_notes" == finding.message
        assert (BOB, ANN, (0, shown)) == (finding.observer, finding.owner, finding.witness)

    def test_the_first_request_that_carried_it_in_shows_it(self) -> None:
        """Ann looks for her note later; and what nobody was seen to write is shown by the answer alone."""
        story, marks = confirmed(ANN)
        story.does(ANN, "search_notes", [], text=marks[ANN])
        shown = story.does(BOB, "list_notes", [{"id": "n", "text": marks[ANN]}])
        from_before = story.does(BOB, "list_notes", [{"id": "o", "text": story.mark(ANN)}])
        assert [(BOB, ANN, (0, shown)), (BOB, ANN, (from_before,))] == story.concerned("leak")

    def test_what_is_no_json_is_searched_as_it_reads(self) -> None:
        """A target in Python may answer with anything."""
        story, marks = confirmed(ANN)
        story.does(BOB, "list_notes", [{"path": PurePosixPath(marks[ANN])}])
        assert {"leaked-in-answer": 1} == story.found("leak")

    def test_an_event_with_anothers_canary_is_a_leak(self) -> None:
        """A pushed event is searched, too, whoever's run it says it is of."""
        story, marks = confirmed(ANN)
        story.push(BOB, "r", "t", 0, data={"text": marks[ANN]})
        assert {"leaked-in-event": 1} == story.found("leak")
        assert ["u01 observed u00's canary in event agent_thinking"] == story.messages("leak")

    @pytest.mark.parametrize(("kind", "where"), [("fail", "refusal"), ("info", "error")])
    def test_refusals_and_errors_are_searched_too(self, kind: str, where: str) -> None:
        """A stored last error that shows another's request is a leak."""
        story, marks = confirmed(ANN)
        call = story.asks(BOB, "read_note", id="x")
        story.fail(call, 500, f"last: {marks[ANN]}") if kind == "fail" else story.info(call, f"last: {marks[ANN]}")
        assert {"leaked-in-answer": 1} == story.found("leak")
        assert [f"u01 observed u00's canary in the {where} of read_note"] == story.messages("leak")

    def test_an_encoded_canary_is_found(self) -> None:
        """Base64 hides nothing."""
        story, marks = confirmed(ANN)
        story.does(BOB, "read_note", {"blob": base64.b64encode(f"x{marks[ANN]}".encode()).decode()}, id="x")
        assert {"leaked-in-answer": 1} == story.found("leak")

    def test_an_intruder_is_nobody_so_even_the_same_numbers_canary_leaks(self) -> None:
        """u03 with an expired token is not u03."""
        story, marks = confirmed("u03")
        story.does(EVE, "list_notes", [{"id": "n", "text": marks["u03"]}])
        assert {"leaked-in-answer": 1} == story.found("leak")

    def test_an_owner_may_see_their_own_canary_on_any_device(self) -> None:
        """One user with two devices is one user."""
        story, marks = confirmed(ANN, BOB)
        story.does(ANN, "list_notes", [{"id": "n", "text": marks[ANN]}], device=1)
        story.push(ANN, "r", "t", 0, device=1, data=marks[ANN])
        assert {} == story.found("leak")

    def test_a_forged_mark_accuses_nobody(self) -> None:
        """Only the holder of the key can make a mark."""
        story, marks = confirmed(ANN)
        forged = marks[ANN][:-1] + ("a" if marks[ANN][-1] != "a" else "b")
        story.does(BOB, "list_notes", [{"id": "n", "text": forged}])
        assert {} == story.found("leak")

    def test_an_echo_of_ones_own_request_is_no_leak(self) -> None:
        """Who sent a mark themselves learns nothing from getting it back."""
        story, marks = confirmed(ANN)
        story.is_refused(BOB, "search_notes", 400, f"bad query {marks[ANN]}", text=marks[ANN])
        assert {} == story.found("leak")

    def test_each_observation_counts_once_per_other_owner_inside(self) -> None:
        """With two others' canaries inside, one answer is two facts; a refusal is none."""
        story, _ = confirmed(ANN, BOB)
        before = story.examined("leak", "leaked-in-answer")
        story.does(CAT, "list_notes", [])
        for _ in range(2):
            story.is_refused(CAT, "read_note", id="x")
        assert 2 == story.examined("leak", "leaked-in-answer") - before

    def test_ones_own_canary_inside_is_no_fact_for_oneself(self) -> None:
        """Ann alone cannot be shown another's data."""
        story, _ = confirmed(ANN)
        story.does(ANN, "list_notes", [])
        assert {} == story.judged("leak").examined

    def test_a_target_that_swallows_its_input_gives_nothing_to_examine(self) -> None:
        """A canary that never came out again may never have gone in."""
        story = Story()
        story.notes(ANN, "n", story.mark(ANN))
        story.does(BOB, "list_notes", [])
        assert {} == story.judged("leak").examined

    def test_a_target_that_echoes_gives_nothing_to_examine(self) -> None:
        """The answer that repeats its own request shows nothing about storage; neither does a push meanwhile."""
        story = Story()
        mark = story.mark(ANN)
        call = story.asks(ANN, "write_note", text=mark)
        story.push(ANN, "r", "t", 0, data=mark)
        story.ok(call, {"id": "n", "text": mark})
        story.does(BOB, "list_notes", [])
        assert {} == story.judged("leak").examined
