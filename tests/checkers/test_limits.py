from __future__ import annotations

from dataclasses import replace

import pytest
from stories import ANN, BOB, EVE, Story

from harness.targets.bundled import BUNDLED


def limited(limit: int | None = 1) -> Story:
    """Tell of Ann and Bob, each with a thread that device 0 follows, under a limit of runs."""
    story = Story(replace(BUNDLED.promises, runs_per_user=limit))
    story.opens(ANN, "ta", 0)
    story.opens(BOB, "tb", 0)
    return story


def begins(story: Story, user: str, run: str, device: int = 0) -> None:
    """Let a run begin."""
    story.push(user, run, f"t{'a' if user == ANN else 'b'}", 0, "agent_started", device)


def ends(story: Story, user: str, run: str, device: int = 0) -> None:
    """Let a run end."""
    story.push(user, run, f"t{'a' if user == ANN else 'b'}", 1, "agent_completed", device)


class TestOverLimit:
    def test_a_second_run_that_begins_beside_the_first_is_over_a_limit_of_one(self) -> None:
        """Both were seen to begin, none to end."""
        story = limited()
        for run in ("r1", "r2"):
            story.runs(ANN, "ta", run)
            begins(story, ANN, run)
        assert {"over-limit": 1} == story.found("limits")
        assert ["u00 has 2 runs at once, with a limit of 1"] == story.messages("limits")

    def test_a_run_that_waits_its_turn_is_within_the_limit(self) -> None:
        """Two accepted runs, one after the other: a fact, because both could have begun."""
        story = limited()
        for run in ("r1", "r2", "r3"):
            story.runs(ANN, "ta", run)
        for run in ("r1", "r2", "r3"):
            begins(story, ANN, run)
            ends(story, ANN, run)
        assert {} == story.found("limits")
        assert 2 == story.examined("limits", "over-limit")

    def test_a_refusal_at_the_limit_is_a_fact(self) -> None:
        """The target could have let it in."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.is_refused(ANN, "narrate", 429, thread="ta")
        assert {"over-limit": 1} == story.judged("limits").examined
        assert {} == story.found("limits")

    def test_two_devices_that_show_the_same_runs_count_them_once(self) -> None:
        """The end may reach device 0 before the beginning reaches device 1."""
        story = limited()
        story.follows(ANN, "ta", 1)
        story.runs(ANN, "ta", "r1")
        story.runs(ANN, "ta", "r2")
        begins(story, ANN, "r1")
        ends(story, ANN, "r1")
        begins(story, ANN, "r2")
        begins(story, ANN, "r1", 1)
        ends(story, ANN, "r1", 1)
        begins(story, ANN, "r2", 1)
        assert {} == story.found("limits")

    def test_order_between_devices_is_not_certain(self) -> None:
        """Device 1, in another thread, may be read before device 0."""
        story = limited()
        story.opens(ANN, "tx", 1)
        story.runs(ANN, "ta", "r1")
        story.runs(ANN, "tx", "r2")
        begins(story, ANN, "r1")
        story.push(ANN, "r2", "tx", 0, "agent_started", 1)
        ends(story, ANN, "r1")
        assert {} == story.found("limits")

    def test_a_replay_of_older_runs_is_no_run_at_once(self) -> None:
        """A device that joins later is told of runs that are long over."""
        story = Story(replace(BUNDLED.promises, runs_per_user=1))
        story.opens(ANN, "ta")
        for run in ("r1", "r2"):
            story.runs(ANN, "ta", run)
        story.follows(ANN, "ta")
        for run in ("r1", "r2"):
            begins(story, ANN, run)
        assert {} == story.found("limits")

    def test_without_a_stated_limit_nothing_is_examined(self) -> None:
        """There is no promise to break."""
        story = limited(None)
        for run in ("r1", "r2"):
            story.runs(ANN, "ta", run)
            begins(story, ANN, run)
        story.settles()
        assert {} == story.judged("limits").examined


class TestStarved:
    def test_a_refusal_while_only_others_are_at_their_limit_starves(self) -> None:
        """Ann's run used up Bob's slot."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {"starved": 1} == story.found("limits")
        assert ["u01 was refused a run with at most 0 of 1 open, while u00 had 1 or more"] == story.messages("limits")

    def test_a_run_that_never_begins_while_others_are_at_their_limit_starves(self) -> None:
        """When all is settled, Bob's run still waits."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.runs(BOB, "tb", "r2")
        story.settles("r1", "r2")
        assert {"starved": 1} == story.found("limits")

    def test_a_late_beginning_on_another_device_does_not_reopen_a_run(self) -> None:
        """Bob's run is over, so his slot is free, whatever device 1 has still to read."""
        story = limited()
        story.follows(BOB, "tb", 1)
        story.runs(ANN, "ta", "r1")
        story.runs(BOB, "tb", "r2")
        begins(story, BOB, "r2")
        ends(story, BOB, "r2")
        begins(story, BOB, "r2", 1)
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {"starved": 1} == story.found("limits")

    def test_a_run_that_never_begins_while_nobody_is_at_the_limit_is_not_starved_by_others(self) -> None:
        """Why it waits, another checker may know."""
        story = limited(2)
        story.runs(BOB, "tb", "r2")
        story.settles("r2")
        assert {} == story.found("limits")

    def test_a_run_that_waits_for_ones_own_is_not_starved(self) -> None:
        """Bob's other run may be going on, though nobody sees its events."""
        story = Story(replace(BUNDLED.promises, runs_per_user=1))
        story.opens(ANN, "ta", 0)
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.opens(BOB, "tb")
        story.runs(BOB, "tb", "unseen")
        story.follows(BOB, "tb")
        story.runs(BOB, "tb", "r2")
        story.settles("r1", "unseen", "r2")
        assert {} == story.found("limits")

    def test_a_refusal_at_ones_own_limit_is_right(self) -> None:
        """Bob has a run himself, though nobody saw its events."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        story.drops(BOB)
        story.runs(BOB, "tb", "r2")
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    def test_a_start_under_way_may_have_taken_the_slot(self) -> None:
        """Of several starts at once only one may be let in; the same for a start whose answer never came."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        one = story.asks(BOB, "narrate", thread="tb")
        two = story.asks(BOB, "narrate", thread="tb")
        three = story.asks(BOB, "narrate", thread="tb")
        story.fail(three, 429)
        story.fail(one, 429)
        story.info(two)
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    def test_a_run_that_begins_while_another_is_at_the_limit_is_a_fact(self) -> None:
        """Bob was served although Ann had used up her slots."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        story.runs(BOB, "tb", "r2")
        assert 0 == story.examined("limits", "starved")
        begins(story, BOB, "r2")
        assert 1 == story.examined("limits", "starved")
        assert {} == story.found("limits")

    def test_while_nobody_is_at_the_limit_nobody_can_be_starved(self) -> None:
        """Ann's run is over."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.does(ANN, "read_run", {"id": "r1", "status": "completed", "result": "a"}, id="r1")
        story.runs(BOB, "tb", "r2")
        begins(story, BOB, "r2")
        story.settles()
        assert {} == story.judged("limits").examined

    def test_a_run_that_waits_while_only_ones_own_are_at_the_limit_is_no_fact(self) -> None:
        """Ann keeps herself waiting; at the end two were accepted, so both could have gone at once."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        story.runs(ANN, "ta", "r2")
        story.settles("r1", "r2")
        assert {"over-limit": 1} == story.judged("limits").examined
        begins(story, ANN, "r1")
        ends(story, ANN, "r1")
        begins(story, ANN, "r2")
        assert ({}, 0) == (story.found("limits"), story.examined("limits", "starved"))

    def test_a_run_that_never_began_is_a_fact(self) -> None:
        """That it waits is found, so it was examined."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.runs(BOB, "tb", "r2")
        story.settles("r1", "r2")
        assert 1 == story.examined("limits", "starved")

    @pytest.mark.parametrize("others", [0, 1])
    @pytest.mark.parametrize("ended", [True, False])
    def test_a_run_may_begin_before_the_answer_that_names_it(self, ended: bool, others: int) -> None:
        """A fact all the same while another user is at the limit, and none otherwise."""
        story = limited()
        if others:
            story.runs(ANN, "ta", "r1")
        call = story.asks(BOB, "narrate", thread="tb")
        begins(story, BOB, "r2")
        if ended:
            ends(story, BOB, "r2")
        story.ok(call, {"id": "r2"})
        assert ({}, others) == (story.found("limits"), story.examined("limits", "starved"))

    def test_a_run_that_overtakes_ones_own_is_no_fact(self) -> None:
        """It was served before its answer came, and nobody else is at the limit."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        call = story.asks(ANN, "narrate", thread="ta")
        begins(story, ANN, "r2")
        ends(story, ANN, "r2")
        story.ok(call, {"id": "r2"})
        assert 0 == story.examined("limits", "starved")

    def test_a_run_begins_once(self) -> None:
        """However many devices show it."""
        story = limited()
        story.follows(BOB, "tb", 1)
        story.runs(ANN, "ta", "r1")
        story.runs(BOB, "tb", "r2")
        for device in (0, 1):
            begins(story, BOB, "r2", device)
        assert 1 == story.examined("limits", "starved")


class TestSlotsInUse:
    """How many of a user's slots may be in use when a start is refused, while Ann has used up hers."""

    @staticmethod
    def full(limit: int) -> Story:
        """Tell of Ann at the limit, and of Bob."""
        story = limited(limit)
        for number in range(limit):
            story.runs(ANN, "ta", f"a{number}")
        return story

    def test_each_start_at_once_may_have_taken_one(self) -> None:
        """Of four starts at a limit of three, one may be refused; of three, none."""
        story = self.full(3)
        first = [story.asks(BOB, "narrate", thread="tb") for _ in range(4)]
        story.fail(first[0], 429)
        assert {} == story.found("limits")
        fewer = self.full(3)
        three = [fewer.asks(BOB, "narrate", thread="tb") for _ in range(3)]
        fewer.fail(three[0], 429)
        assert ["u01 was refused a run with at most 2 of 3 open, while u00 had 3 or more"] == fewer.messages("limits")

    @pytest.mark.parametrize("answer", ["none", "nameless"])
    @pytest.mark.parametrize(("starts", "found"), [(1, {"starved": 1}), (2, {})])
    def test_each_start_of_which_nothing_is_known_may_have_taken_one(
        self, answer: str, starts: int, found: dict[str, int]
    ) -> None:
        """Its answer never came, or named nothing."""
        story = self.full(2)
        for _ in range(starts):
            call = story.asks(BOB, "narrate", thread="tb")
            story.info(call) if answer == "none" else story.ok(call, {})
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert found == story.found("limits")

    def test_so_may_what_is_no_longer_remembered(self) -> None:
        """More runs than are kept by name."""
        story = self.full(1_030)
        for number in range(1_032):
            story.runs(BOB, "tb", f"b{number}")
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    def test_an_intruder_has_no_slots(self) -> None:
        """That it is refused is right."""
        story = self.full(1)
        story.is_refused(EVE, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    @pytest.mark.parametrize("seen", ["fault", "announcement", "cancelling"])
    def test_what_says_nothing_of_an_end_ends_nothing(self, seen: str) -> None:
        """Ann still has her slot in use, so Bob is starved."""
        story = self.full(1)
        match seen:
            case "fault":
                story.has_fault(ANN)
            case "announcement":
                story.push(ANN, None, None, 0, "announcement")
            case "cancelling":
                story.does(ANN, "cancel_run", {"id": "a0", "status": "completed"}, id="a0")
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {"starved": 1} == story.found("limits")

    def test_two_answers_about_progress_may_be_awaited_at_once(self) -> None:
        """Each is about the run that was asked for."""
        story = limited()
        for run in ("r1", "r2"):
            story.runs(ANN, "ta", run)
        asked = [story.asks(ANN, "read_run", device, id=run) for device, run in enumerate(("r1", "r2"))]
        story.ok(asked[0], {"id": "r1", "status": "completed", "result": "a"})
        story.ok(asked[1], {"id": "r2", "status": "running", "result": None})
        ends(story, ANN, "r2")
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    def test_the_end_of_anothers_run_ends_none_of_ones_own(self) -> None:
        """Bob was shown a run 1 before he had one."""
        story = limited()
        story.does(BOB, "read_run", {"id": "1", "status": "completed", "result": "a"}, id="1")
        for run in ("1", "2"):
            story.runs(BOB, "tb", run)
            begins(story, BOB, run)
        assert {"over-limit": 1} == story.found("limits")

    def test_ids_may_be_counted_per_user(self) -> None:
        """Both have runs 1 and 2 in a thread 1, and both go at once."""
        story = Story(replace(BUNDLED.promises, runs_per_user=1))
        for user in (ANN, BOB):
            story.opens(user, "1", 0)
        for user in (ANN, BOB):
            for run in ("1", "2"):
                story.runs(user, "1", run)
                story.push(user, run, "1", 0, "agent_started")
        assert {"over-limit": 2} == story.found("limits")


class TestDisconnected:
    """What only a lost connection would have shown is watched no more."""

    def test_whoever_lost_the_only_one_is_at_no_limit(self) -> None:
        """Ann's run may have ended meanwhile."""
        story = limited()
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.drops(ANN)
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {} == story.found("limits")

    def test_whoever_has_another_still_is(self) -> None:
        """Device 1 follows, too, and has not shown the end."""
        story = limited()
        story.follows(ANN, "ta", 1)
        story.runs(ANN, "ta", "r1")
        begins(story, ANN, "r1")
        story.drops(ANN)
        story.is_refused(BOB, "narrate", 429, thread="tb")
        assert {"starved": 1} == story.found("limits")

    def test_what_went_before_goes_no_more_on_the_next(self) -> None:
        """The end of the first run may have come while device 0 was away; device 1 has not read it yet."""
        story = limited()
        story.follows(ANN, "ta", 1)
        story.runs(ANN, "ta", "r1")
        for device in (0, 1):
            begins(story, ANN, "r1", device)
        story.drops(ANN)
        story.follows(ANN, "ta")
        story.runs(ANN, "ta", "r2")
        begins(story, ANN, "r2")
        assert {} == story.found("limits")
