"""Which frames a device must get that comes back, subscribes anew or to several threads; what is lost at the end."""

from __future__ import annotations

import pytest
from stories import ANN, BOB, Story

from harness.judging.checkers.misdelivery import MOST_SKIPPED


def following(*threads: str) -> Story:
    """Tell of Ann, whose device 0 follows these threads, each with a run of the same letter."""
    story = Story()
    for thread in threads:
        story.opens(ANN, thread, 0)
        story.runs(ANN, thread, f"r{thread[1:]}")
    return story


class TestSeveralThreads:
    def test_renewing_one_leaves_the_others_to_be_judged(self) -> None:
        """A replay of the one thread repeats nothing of the other."""
        story = following("ta", "tb")
        for thread, run in (("ta", "ra"), ("tb", "rb")):
            story.push(ANN, run, thread, 0, "agent_started")
        story.follows(ANN, "ta")
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.pushes(ANN, "rb", "tb", 2)
        story.settles()
        assert ["u00 never received event 1 of run rb on device 0"] == story.messages("misdelivery")

    def test_following_another_begins_nothing_anew(self) -> None:
        """What was resumed goes on where it is."""
        story = following("ta")
        story.opens(ANN, "tb")
        story.pushes(ANN, "ra", "ta", 0, 1, last=False)
        story.drops(ANN)
        story.follows(ANN, "ta", ra=1)
        story.push(ANN, "ra", "ta", 2)
        story.follows(ANN, "tb")
        story.pushes(ANN, "ra", "ta", 3)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_thread_that_is_not_followed_makes_the_place_a_fact(self) -> None:
        """Ann has a run in another thread, whose events could come here."""
        story = following("ta")
        story.opens(ANN, "tb")
        story.runs(ANN, "tb", "rb")
        story.push(ANN, "ra", "ta", 0, "agent_started")
        assert 1 == story.examined("misdelivery", "wrong-thread")

    def test_what_came_to_the_wrong_place_is_not_counted(self) -> None:
        """It is wrong already, and no gap besides."""
        story = following("ta")
        story.opens(ANN, "tb", 1)
        for seq in (0, 2):
            story.push(ANN, "ra", "ta", seq, device=1)
        story.pushes(ANN, "ra", "ta", 0, 1, 2)
        story.settles()
        assert {"wrong-thread": 2} == story.found("misdelivery")

    def test_of_more_threads_than_are_remembered_no_place_is_wrong(self) -> None:
        """The first one may have been followed, too."""
        story = Story()
        story.opens(ANN, "ta", 0)
        for number in range(1_024):
            story.follows(ANN, f"t{number}")
        story.push(ANN, None, "ta", 0)
        assert {} == story.found("misdelivery")

    def test_a_start_in_another_thread_says_nothing_of_this_one(self) -> None:
        """The run in the other one was asked for before this one was followed; its answer has not come."""
        story = Story()
        for thread in ("ta", "tb"):
            story.opens(ANN, thread)
        story.asks(ANN, "narrate", 1, thread="tb", text="b")
        story.follows(ANN, "ta")
        story.asks(ANN, "narrate", thread="ta", text="a")
        story.pushes(ANN, "ra", "ta", 1, 2)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    def test_a_run_that_has_its_name_is_no_other(self) -> None:
        """The next one began after the follow, so its first event is due."""
        story = Story()
        story.opens(ANN, "ta")
        story.runs(ANN, "ta", "ra")
        story.follows(ANN, "ta")
        story.asks(ANN, "narrate", thread="ta", text="b")
        story.pushes(ANN, "rb", "ta", 1, 2)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")


class TestResumed:
    @pytest.mark.parametrize(
        ("seen", "seqs", "found"),
        [(2, (0, 3, 4), {"doubled-event": 1}), (600, (602, 603), {"lost-event": 1})],
    )
    def test_whatever_was_seen_before_is_a_repeat(
        self, seen: int, seqs: tuple[int, ...], found: dict[str, int]
    ) -> None:
        """From the first event on; and a gap is a gap, however late."""
        story = following("ta")
        story.drops(ANN)
        story.follows(ANN, "ta", ra=seen)
        story.pushes(ANN, "ra", "ta", *seqs)
        story.settles()
        assert found == story.found("misdelivery")

    def test_a_replay_may_overlap_with_what_was_not_seen_yet(self) -> None:
        """The run is older than the renewed follow, and its events come twice over, in parts."""
        story = Story()
        story.opens(ANN, "ta")
        story.runs(ANN, "ta", "ra")
        story.follows(ANN, "ta")
        story.follows(ANN, "ta")
        story.pushes(ANN, "ra", "ta", 1, 3, 2, last=False)
        assert {} == story.found("misdelivery")

    def test_a_renewed_follow_awaits_no_end(self) -> None:
        """The run is older than the first follow, too: its end may have come before."""
        story = Story()
        story.opens(ANN, "ta")
        story.runs(ANN, "ta", "ra")
        story.follows(ANN, "ta")
        story.push(ANN, "ra", "ta", 3)
        story.follows(ANN, "ta", ra=3)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_the_first_event_that_was_accepted_may_not_come_twice(self) -> None:
        """The run is older than the follow; what came before is not judged, and this is."""
        story = Story()
        story.opens(ANN, "ta")
        story.runs(ANN, "ta", "ra")
        story.follows(ANN, "ta")
        for seq in (5, 5, 4):
            story.push(ANN, "ra", "ta", seq)
        assert {"doubled-event": 1} == story.found("misdelivery")


class TestGaps:
    @pytest.mark.parametrize(("missing", "found"), [(MOST_SKIPPED, {"lost-event": 1}), (MOST_SKIPPED + 1, {})])
    def test_a_gap_that_is_too_large_is_not_judged(self, missing: int, found: dict[str, int]) -> None:
        """Nor is anything of that run after it."""
        story = following("ta")
        story.push(ANN, "ra", "ta", 0, "agent_started")
        story.push(ANN, "ra", "ta", missing + 1)
        if not found:
            story.push(ANN, "ra", "ta", missing + 1)
        story.settles("ra")
        assert found == story.found("misdelivery")


class TestSettled:
    def test_each_run_that_ended_is_a_fact_once(self) -> None:
        """Two have ended when all is settled for the first time, and one more for the second."""
        story = following("ta", "tb")
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.pushes(ANN, "rb", "tb", 0, 1)
        story.settles()
        assert 4 + 2 == story.examined("misdelivery", "lost-event")
        story.runs(ANN, "ta", "rc")
        story.pushes(ANN, "rc", "ta", 0, 1)
        story.settles()
        assert 6 + 3 == story.examined("misdelivery", "lost-event")

    def test_runs_that_ended_before_they_were_named_are_facts_too(self) -> None:
        """Two of them."""
        story = Story()
        story.opens(ANN, "ta", 0)
        calls = [story.asks(ANN, "narrate", device, thread="ta", text="a") for device in (0, 1)]
        for run in ("ra", "rb"):
            story.pushes(ANN, run, "ta", 0, 1)
        for call, run in zip(calls, ("ra", "rb"), strict=True):
            story.ok(call, {"id": run})
        story.settles()
        assert ({}, 4 + 2) == (story.found("misdelivery"), story.examined("misdelivery", "lost-event"))

    def test_what_is_lost_is_lost_once(self) -> None:
        """However often all is settled."""
        story = following("ta", "tb")
        story.pushes(ANN, "ra", "ta", 0, 2)
        for _ in range(2):
            story.settles()
        assert {"lost-event": 2} == story.found("misdelivery")


class TestReceivers:
    def test_who_has_nothing_that_is_pushed_could_not_have_been_meant(self) -> None:
        """Bob has a thread, and no run in it: a run of Ann's can be of nobody else."""
        story = following("ta")
        story.opens(BOB, "tb", 0)
        story.push(ANN, "ra", "ta", 0, "agent_started")
        assert 0 == story.examined("misdelivery", "misdelivered")
