from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from stories import ANN, BOB, EVE, Story

from harness.history.model import Promises
from harness.history.semantics import Delivery
from harness.targets.bundled import BUNDLED


def promising(**frames: Any) -> Promises:
    """Return what the bundled backend promises, with other frames."""
    (pushes,) = BUNDLED.promises.pushes
    return replace(BUNDLED.promises, pushes=(replace(pushes, **frames),))


def two_users() -> Story:
    """Tell of Ann and Bob, each with a thread that device 0 follows, and one run each."""
    story = Story()
    for user, thread, run in ((ANN, "ta", "ra"), (BOB, "tb", "rb")):
        story.opens(user, thread, 0)
        story.runs(user, thread, run)
    return story


def alone(promises: Promises | None = None) -> Story:
    """Tell of Ann, whose device 0 follows one thread in which one run goes on."""
    story = Story(promises)
    story.opens(ANN, "ta", 0)
    story.runs(ANN, "ta", "ra")
    return story


class TestMisdelivered:
    def test_an_event_of_anothers_run_is_misdelivered(self) -> None:
        """Bob must not receive events of Ann's run, whatever the frame says of its user."""
        story = two_users()
        story.push(BOB, "ra", "ta", 0)
        (finding,) = story.judged("misdelivery").findings
        assert ("misdelivered", BOB, ANN) == (finding.anomaly, finding.observer, finding.owner)
        assert "u01 received agent_thinking of u00's run ra" == finding.message

    def test_before_the_run_is_known_its_thread_tells_the_owner(self) -> None:
        """A first event may arrive before the answer to the start."""
        story = two_users()
        story.asks(ANN, "narrate", thread="ta", text="b")
        story.push(BOB, "r-not-known-yet", "ta", 0)
        assert {"misdelivered": 1} == story.found("misdelivery")

    def test_both_devices_of_the_owner_may_receive_it(self) -> None:
        """Device 1 follows, too."""
        story = two_users()
        story.follows(ANN, "ta", 1)
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.pushes(ANN, "ra", "ta", 0, 1, device=1)
        assert {} == story.found("misdelivery")
        assert 4 == story.examined("misdelivery", "misdelivered")

    def test_ids_may_be_counted_per_user(self) -> None:
        """Both have a run `1` in a thread `1`: each gets their own."""
        story = Story()
        for user in (ANN, BOB):
            story.opens(user, "1", 0)
            story.runs(user, "1", "1")
        for user in (ANN, BOB):
            story.pushes(user, "1", "1", 0, 1)
        assert {} == story.found("misdelivery")

    def test_an_announcement_to_everybody_is_no_frame(self) -> None:
        """A broadcast that names no run and no thread is meant for all."""
        story = two_users()
        story.push(BOB, None, None, 0, "announcement")
        assert {} == story.found("misdelivery")
        assert 0 == story.examined("misdelivery", "misdelivered")

    def test_with_one_user_nothing_can_be_misdelivered(self) -> None:
        """Ann alone proves nothing."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        assert 0 == story.examined("misdelivery", "misdelivered")

    def test_intruders_are_left_to_other_checkers(self) -> None:
        """What an intruder is sent is for access and leak to judge."""
        story = two_users()
        story.push(EVE, "ra", "ta", 0)
        assert {} == story.found("misdelivery")


class TestWrongThread:
    def test_an_event_on_a_device_that_does_not_follow_is_in_the_wrong_place(self) -> None:
        """Device 1 follows another thread only."""
        story = alone()
        story.opens(ANN, "tx", 1)
        story.push(ANN, "ra", "ta", 0, device=1)
        assert {"wrong-thread": 1} == story.found("misdelivery")
        assert ["u00 received agent_thinking of thread ta on device 1, not subscribed there"] == story.messages(
            "misdelivery"
        )

    def test_an_event_under_another_thread_than_its_runs_is_in_the_wrong_place(self) -> None:
        """The second thread on one connection must not inherit the first one's id."""
        story = alone()
        story.opens(ANN, "tx", 0)
        story.push(ANN, "ra", "tx", 0)
        assert {"wrong-thread": 1} == story.found("misdelivery")

    def test_following_counts_from_the_asking(self) -> None:
        """Events may arrive before the answer to `follow`."""
        story = alone()
        story.opens(ANN, "tx")
        story.runs(ANN, "tx", "rx")
        story.asks(ANN, "follow", thread="tx")
        story.push(ANN, "rx", "tx", 0)
        assert {} == story.found("misdelivery")
        assert 1 == story.examined("misdelivery", "wrong-thread")

    def test_a_refused_follow_is_none(self) -> None:
        """What was refused is not followed."""
        story = alone()
        story.opens(ANN, "tx")
        story.is_refused(ANN, "follow", thread="tx")
        story.push(ANN, None, "tx", 0)
        assert {"wrong-thread": 1} == story.found("misdelivery")

    def test_what_drips_out_of_a_dropped_connection_is_not_judged(self) -> None:
        """After a disconnect nothing is followed, and nothing is wrong about what was under way."""
        story = two_users()
        story.drops(ANN)
        story.push(ANN, "ra", "ta", 0)
        assert {} == story.found("misdelivery")

    def test_with_one_thread_nothing_can_be_in_the_wrong_one(self) -> None:
        """One followed thread, and all runs in it: no fact."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        assert 0 == story.examined("misdelivery", "wrong-thread")


class TestOrder:
    def test_a_gap_that_is_never_filled_is_a_loss(self) -> None:
        """Events 1 and 2 never came."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 3)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")
        assert ["u00 never received event 1, 2 of run ra on device 0"] == story.messages("misdelivery")

    def test_a_gap_that_is_filled_later_is_a_reordering(self) -> None:
        """Event 1 came after 2; nothing is lost."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 2, 1, 3)
        story.settles()
        assert {"reordered-event": 1} == story.found("misdelivery")

    def test_a_repeat_is_a_double(self) -> None:
        """Event 1 came twice."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1, 1, 2)
        story.settles()
        assert {"doubled-event": 1} == story.found("misdelivery")

    def test_a_repeat_is_allowed_and_no_fact_where_at_least_once_is_promised(self) -> None:
        """A retry under the same seq keeps the promise, so there is nothing to examine about repeats."""
        story = alone(promising(delivery=Delivery.AT_LEAST_ONCE))
        story.pushes(ANN, "ra", "ta", 0, 1, 1, 2)
        story.settles()
        assert {} == story.found("misdelivery")
        assert 0 == story.examined("misdelivery", "doubled-event")
        assert 4 == story.examined("misdelivery", "reordered-event")

    def test_a_second_last_event_is_a_double(self) -> None:
        """Two layers announced the end, each with a seq of its own."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.push(ANN, "ra", "ta", 2, "agent_completed")
        assert {"doubled-event": 1} == story.found("misdelivery")

    def test_an_event_after_the_last_is_a_reordering(self) -> None:
        """An agent went on emitting after its clean-up."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.push(ANN, "ra", "ta", 2)
        assert {"reordered-event": 1} == story.found("misdelivery")

    def test_the_first_events_of_a_run_must_not_be_missing(self) -> None:
        """The run began after the follow, so event 0 is due."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 1, 2)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    def test_events_may_come_before_the_answer_that_names_the_run(self) -> None:
        """Numbering is judged all the same."""
        story = Story()
        story.opens(ANN, "ta", 0)
        call = story.asks(ANN, "narrate", thread="ta", text="a")
        story.pushes(ANN, "ra", "ta", 1, 2)
        story.ok(call, {"id": "ra"})
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    def test_a_run_that_was_never_named_is_judged_by_its_start(self) -> None:
        """The answer to the start was lost, and with it the name; not so the follow before it."""
        story = Story()
        story.opens(ANN, "ta", 0)
        story.info(story.asks(ANN, "narrate", thread="ta", text="a"))
        story.pushes(ANN, "ra", "ta", 1, 2)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    def test_a_run_that_ended_before_it_was_named_is_a_fact_when_all_is_settled(self) -> None:
        """Its last event has come, so nothing is awaited."""
        story = Story()
        story.opens(ANN, "ta", 0)
        call = story.asks(ANN, "narrate", thread="ta", text="a")
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.ok(call, {"id": "ra"})
        story.settles()
        assert {} == story.found("misdelivery")
        assert 3 == story.examined("misdelivery", "lost-event")

    def test_a_run_that_was_asked_for_before_the_follow_may_begin_anywhere(self) -> None:
        """Its answer may come later than the follow's."""
        story = Story()
        story.opens(ANN, "ta")
        call = story.asks(ANN, "narrate", thread="ta", text="a")
        story.follows(ANN, "ta")
        story.pushes(ANN, "ra", "ta", 2, 3)
        story.ok(call, {"id": "ra"})
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_run_without_any_event_is_lost(self) -> None:
        """Accepted, followed, not open at the end, and silent."""
        story = alone()
        story.settles()
        assert ["u00 never received the last event of run ra on device 0"] == story.messages("misdelivery")

    def test_a_run_that_legitimately_goes_on_is_not_lost(self) -> None:
        """It waits until it is cancelled."""
        story = alone()
        story.push(ANN, "ra", "ta", 0)
        story.settles("ra")
        assert {} == story.found("misdelivery")

    def test_each_run_that_ended_is_a_fact_when_all_is_settled(self) -> None:
        """Two frames, and one run judged at the end."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        assert 2 == story.examined("misdelivery", "lost-event")
        story.settles()
        assert 3 == story.examined("misdelivery", "lost-event")
        assert {} == story.found("misdelivery")

    def test_nothing_is_expected_of_a_dropped_device(self) -> None:
        """Who left cannot be sent anything."""
        story = alone()
        story.push(ANN, "ra", "ta", 0)
        story.drops(ANN)
        story.settles()
        assert {} == story.found("misdelivery")

    @pytest.mark.parametrize(
        ("seqs", "found"),
        [
            ((3, 4), {}),
            ((4,), {"lost-event": 1}),
            ((2, 3, 4), {"doubled-event": 1}),
            ((), {"lost-event": 1}),
        ],
    )
    def test_a_resumed_run_goes_on_after_what_was_seen(self, seqs: tuple[int, ...], found: dict[str, int]) -> None:
        """`after` says 2: event 3 is due next, 2 is a repeat, and the end must come."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1, 2, last=False)
        story.drops(ANN)
        story.follows(ANN, "ta", ra=2)
        story.pushes(ANN, "ra", "ta", *seqs)
        story.settles()
        assert found == story.found("misdelivery")

    def test_a_run_that_was_seen_to_its_end_is_not_awaited_again(self) -> None:
        """`after` names it, and nothing is left to come."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.drops(ANN)
        story.follows(ANN, "ta", ra=1)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_replay_that_a_renewed_follow_asks_for_is_not_judged(self) -> None:
        """Following anew may replay from 0."""
        story = alone()
        story.pushes(ANN, "ra", "ta", 0, 1, last=False)
        story.follows(ANN, "ta")
        story.pushes(ANN, "ra", "ta", 0, 1, 2)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_run_whose_start_is_older_than_the_follow_gives_no_first_fact(self) -> None:
        """Its first event is accepted as it is: nothing could be wrong with it."""
        story = Story()
        story.opens(ANN, "ta")
        story.runs(ANN, "ta", "ra")
        story.follows(ANN, "ta")
        story.push(ANN, "ra", "ta", 5)
        assert {} == story.judged("misdelivery").examined
