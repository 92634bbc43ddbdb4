from __future__ import annotations

import pytest

from harness.history.canary import Canaries, Mark
from harness.history.model import Operation, User, Value
from harness.scenario.memory import Memory, Unresolvable

ALICE, BOB = User(0, "alice"), User(1, "bob")


def learned(*answers: tuple[User, str, Value]) -> Memory:
    """Return a memory that has taken in these answers: user, operation, answer."""
    memory = Memory(1)
    for user, name, answer in answers:
        memory.learn(user.number, user, Operation(name), answer)
    return memory


class TestObjects:
    def test_are_named_by_their_maker_and_the_order_of_making(self) -> None:
        """`$note:0:0` is the first note of user 0 whoever asks, and `-1` the newest."""
        memory = learned((ALICE, "write_note", {"id": "a"}), (ALICE, "write_note", {"id": "b"}))
        assert ("a", "b") == (memory.resolve(BOB, "$note:0:0"), memory.resolve(BOB, "$note:0:-1"))

    def test_of_one_kind_do_not_count_as_another(self) -> None:
        """Threads, notes and runs are numbered apart."""
        memory = learned((ALICE, "open_thread", {"id": "t"}), (ALICE, "write_note", {"id": "n"}))
        assert ("t", "n") == (memory.resolve(ALICE, "$thread:0:0"), memory.resolve(ALICE, "$note:0:0"))

    @pytest.mark.parametrize("symbol", ["$note:0:1", "$note:1:0", "$thread:0:0", "$mark:0", "$version:0:0"])
    def test_never_made_cannot_be_resolved(self, symbol: str) -> None:
        """Another number, another user, another kind, a mark or a version that was never told."""
        memory = learned((ALICE, "write_note", {"id": "a"}))
        with pytest.raises(Unresolvable):
            memory.resolve(ALICE, symbol)

    @pytest.mark.parametrize("answer", [None, [], "a", {"id": 7}, {}])
    def test_are_not_learned_from_an_answer_that_names_none(self, answer: Value) -> None:
        """What a target answers is hostile: only a text counts as an id."""
        with pytest.raises(Unresolvable):
            learned((ALICE, "write_note", answer)).resolve(ALICE, "$note:0:0")

    def test_have_the_newest_version_that_was_told(self) -> None:
        """Whoever told it: an edit of the note, or another reading of it."""
        memory = learned(
            (ALICE, "write_note", {"id": "a", "version": 1}), (ALICE, "edit_note", {"id": "a", "version": 2})
        )
        assert 2 == memory.resolve(ALICE, "$version:0:0")


class TestTexts:
    def test_each_mark_is_a_fresh_canary_of_the_asker(self) -> None:
        """Two marks in one text are two canaries, both of the asking user."""
        text = Memory(1).resolve(BOB, "one {mark} two {mark}")
        assert {Mark("u01", 0), Mark("u01", 1)} == set(Canaries(1).find(text))

    def test_a_mark_can_be_named_again(self) -> None:
        """`$mark:0` is the asker's own first canary."""
        memory = Memory(1)
        assert memory.resolve(BOB, "{mark}") == memory.resolve(BOB, "$mark:0")

    def test_missing_ids_were_given_to_nobody_and_differ(self) -> None:
        """Each looks like an id of the target's, and none comes twice."""
        memory = Memory(1)
        one, two = memory.resolve(ALICE, "$missing"), memory.resolve(ALICE, "$missing")
        assert (32, 32, True) == (len(one), len(two), one != two)

    def test_what_is_inside_a_mapping_is_resolved_too(self) -> None:
        """As in the argument `after` of follow; numbers stay as they are."""
        memory = learned((ALICE, "start_run", {"id": "r"}))
        assert {"after": {"x": "r"}, "n": 3} == memory.resolve(ALICE, {"after": {"x": "$run:0:0"}, "n": 3})


class TestRuns:
    def started(self, text: str = "tale", agent: str = "narrator") -> Memory:
        """Return a memory of one accepted run, `r`."""
        memory = Memory(1)
        memory.learn(0, ALICE, Operation("start_run", {"thread": "t", "agent": agent, "text": text}), {"id": "r"})
        return memory

    def test_are_waited_for_until_they_end(self) -> None:
        """An accepted run is waited for; one whose end was seen is not."""
        memory = self.started()
        before = list(memory.waiting())
        memory.end("r")
        assert (["r"], []) == (before, list(memory.waiting()))

    def test_that_stall_are_not_waited_for(self) -> None:
        """They end only when cancelled: they are listed as stalled, and nothing waits."""
        memory = self.started("stall: x", "faulty")
        assert ([], ["r"]) == (list(memory.waiting()), memory.stalled())

    @pytest.mark.parametrize(
        ("name", "agent", "text", "stalled"),
        [
            ("start_run", "faulty", "stall: x", [""]),
            ("start_run", "faulty", "fail: x", []),
            ("start_run", "narrator", "stall: x", []),
            ("write_note", "faulty", "stall: x", []),
        ],
    )
    def test_that_may_have_been_started_may_stall(self, name: str, agent: str, text: str, stalled: list[str]) -> None:
        """Nobody knows the name of one whose acceptance was lost, so that nobody can cancel it; it is counted."""
        memory = Memory(1)
        memory.miss(Operation(name, {"agent": agent, "text": text}))
        assert ([], stalled) == (list(memory.waiting()), memory.stalled())

    def test_may_end_before_their_acceptance_is_told(self) -> None:
        """The last event of a fast run overtakes the answer of start_run."""
        memory = Memory(1)
        memory.end("r")
        memory.learn(0, ALICE, Operation("start_run", {"thread": "t"}), {"id": "r"})
        assert [] == list(memory.waiting())

    @pytest.mark.parametrize(("status", "waiting"), [("running", ["r"]), ("completed", []), ("interrupted", [])])
    def test_end_when_their_owner_reads_a_final_status(self, status: str, waiting: list[str]) -> None:
        """Where no event tells it."""
        memory = self.started()
        memory.learn(0, ALICE, Operation("read_run", {"id": "r"}), {"id": "r", "status": status})
        assert waiting == list(memory.waiting())
