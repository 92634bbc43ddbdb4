from __future__ import annotations

from stories import ANN, BOB, Story

from harness.claims.catalogue import ANOMALIES
from harness.judging.checkers import CHECKERS
from harness.judging.deliveries import Deliveries
from harness.judging.ownership import Bounded, Ownership
from harness.judging.verdict import Outcome


def counted(story: Story) -> Deliveries:
    """Fold the story into a table of deliveries."""
    deliveries = Deliveries(story.header.promises)
    for event in story.events:
        deliveries.step(event)
    return deliveries


class TestBounded:
    def test_the_entry_longest_not_set_is_forgotten_and_counted(self) -> None:
        """Setting an entry again makes it the newest."""
        bounded: Bounded[str, int] = Bounded(2)
        for key in ("a", "b", "c", "b", "d"):
            bounded.set(key, 1)
        assert (["b", "d"], 2) == (list(bounded), bounded.forgotten)


class TestOwnership:
    def test_an_id_belongs_to_whom_it_was_given(self) -> None:
        """Only an acknowledged making gives an id; a refused or unanswered one gives none."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.is_refused(BOB, "write_note", text="b")
        story.info(story.asks(BOB, "write_note", text="b"))
        ownership = Ownership(story.header.promises)
        for event in story.events:
            ownership.step(event)
        assert [ANN] == list(ownership.owners(("note", "n")))
        assert {} == dict(ownership.owners(("thread", "n")))


class TestDeliveries:
    def test_frames_are_counted_by_owner_and_observer(self) -> None:
        """What the frame says of its user is not believed; unknown owners are not counted."""
        story = Story()
        story.opens(ANN, "ta", 0)
        story.runs(ANN, "ta", "ra")
        story.pushes(ANN, "ra", "ta", 0, 1)
        story.push(BOB, "ra", "ta", 0)
        story.push(BOB, "r?", "t?", 0)
        assert [[ANN, ANN, 2], [ANN, BOB, 1]] == counted(story).table()

    def test_tables_of_parts_add_up(self) -> None:
        """Load workers each count their own users."""
        story = Story()
        story.opens(ANN, "ta", 0)
        story.push(ANN, None, "ta", 0)
        whole = counted(story)
        whole.add(counted(story))
        assert [[ANN, ANN, 2]] == whole.table()


class TestEveryChecker:
    def test_each_anomaly_of_the_catalogue_is_found_by_the_checker_it_names(self) -> None:
        """And by no other."""
        finders = {anomaly: name for name, checker in CHECKERS.items() for anomaly in checker.anomalies}
        assert {name: anomaly.checker for name, anomaly in ANOMALIES.items()} == finders

    def test_each_checker_goes_by_its_own_name(self) -> None:
        """The mapping's key is what verdicts say."""
        empty = Story()
        assert list(CHECKERS) == [checker.name for checker in CHECKERS.values()]
        assert list(CHECKERS) == [empty.judged(name).checker for name in CHECKERS]

    def test_an_empty_history_leaves_every_checker_with_unknown(self) -> None:
        """Nothing examined is no success."""
        empty = Story()
        assert {Outcome.UNKNOWN} == {empty.judged(name).outcome for name in CHECKERS}
