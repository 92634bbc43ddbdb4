from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.model import Event, EventKind, Header
from harness.history.probes import DOUBT
from harness.judging.verdict import MOST_FINDINGS, Checker, Finding, Outcome, Tally, Verdict, judge

HEADER = Header(target="told", suite="tests", seed=1, users=1)
EVENTS = [Event(index=index, kind=EventKind.PROBE, user="", name="tick") for index in range(3)]
ANOMALIES = st.sampled_from(["one", "two"])
COUNTS = st.dictionaries(ANOMALIES, st.integers(1, 9))


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """Return a verdict as a tally makes it, perhaps with doubts."""
    tally = Tally("checker")
    for anomaly, facts in draw(COUNTS).items():
        tally.examine(anomaly, facts)
    for anomaly in draw(st.lists(ANOMALIES, max_size=3)):
        tally.find(Finding(anomaly=anomaly, message=draw(st.text(max_size=2))))
    doubts = tuple(draw(st.sets(st.sampled_from("ab"))))
    told = tally.verdict()
    return Verdict(told.checker, told.examined, told.violations, told.findings, doubts)


def unordered(verdict: Verdict) -> tuple[object, ...]:
    """Return all that a verdict says, without the order of findings and doubts."""
    findings = sorted((finding.anomaly, finding.message) for finding in verdict.findings)
    return dict(verdict.examined), dict(verdict.violations), findings, sorted(verdict.doubts), verdict.outcome


class TestMonoid:
    @given(verdicts(), verdicts(), verdicts())
    def test_parts_merge_in_any_grouping(self, one: Verdict, two: Verdict, three: Verdict) -> None:
        """Workers, shards and schedules may be merged as they come in."""
        assert one.merge(two).merge(three) == one.merge(two.merge(three))

    @given(verdicts())
    def test_the_empty_verdict_changes_nothing(self, one: Verdict) -> None:
        """On either side."""
        empty = Verdict("checker")
        assert (one, one) == (one.merge(empty), empty.merge(one))

    @given(verdicts(), verdicts())
    def test_only_the_order_of_findings_tells_the_order_of_merging(self, one: Verdict, two: Verdict) -> None:
        """Counts, doubts and outcome do not depend on it."""
        assert unordered(one.merge(two)) == unordered(two.merge(one))

    @given(verdicts(), verdicts())
    def test_merging_takes_the_worst_that_was_seen(self, one: Verdict, two: Verdict) -> None:
        """VIOLATED beats a doubt, a doubt beats HOLDS, and an empty part takes nothing away."""
        merged = one.merge(two)
        if Outcome.VIOLATED in (one.outcome, two.outcome):
            expected = Outcome.VIOLATED
        elif one.doubts or two.doubts or one.facts + two.facts == 0:
            expected = Outcome.UNKNOWN
        else:
            expected = Outcome.HOLDS
        assert expected is merged.outcome

    def test_a_frequent_anomaly_does_not_push_out_a_rare_one(self) -> None:
        """The first findings of each anomaly are kept, and the rest counted."""
        many, rare = Tally("checker"), Tally("checker")
        for number in range(MOST_FINDINGS + 5):
            many.find(Finding(anomaly="many", message=str(number)))
        rare.find(Finding(anomaly="rare", message="once"))
        merged = many.verdict().merge(many.verdict()).merge(rare.verdict())
        assert {"many": 2 * (MOST_FINDINGS + 5), "rare": 1} == dict(merged.violations)
        assert [*map(str, range(MOST_FINDINGS)), "once"] == [finding.message for finding in merged.findings]

    def test_verdicts_of_different_checkers_do_not_merge(self) -> None:
        """The message says what to do."""
        with pytest.raises(ValueError, match="Merge them by checker"):
            Verdict("one").merge(Verdict("two"))


class TestOutcome:
    @pytest.mark.parametrize(
        ("examined", "violations", "doubts", "expected"),
        [
            ({}, {}, (), Outcome.UNKNOWN),
            ({"a": 0}, {}, (), Outcome.UNKNOWN),
            ({"a": 1}, {}, (), Outcome.HOLDS),
            ({"a": 1}, {}, ("why",), Outcome.UNKNOWN),
            ({"a": 1}, {"a": 1}, ("why",), Outcome.VIOLATED),
            ({}, {"a": 1}, (), Outcome.VIOLATED),
        ],
    )
    def test_an_outcome_follows_from_the_counts(
        self, examined: Mapping[str, int], violations: Mapping[str, int], doubts: tuple[str, ...], expected: Outcome
    ) -> None:
        """It is never declared."""
        assert expected is Verdict("checker", examined, violations, doubts=doubts).outcome

    def test_the_worst_of_nothing_is_unknown(self) -> None:
        """And VIOLATED is worse than UNKNOWN, which is worse than HOLDS."""
        assert Outcome.UNKNOWN is Outcome.worst([])
        assert Outcome.UNKNOWN is Outcome.worst([Outcome.HOLDS, Outcome.UNKNOWN])
        assert Outcome.VIOLATED is Outcome.worst([Outcome.VIOLATED, Outcome.UNKNOWN, Outcome.HOLDS])

    def test_the_finding_of_which_there_is_a_witness_comes_first(self) -> None:
        """Once; the others and all counts stay."""
        first, second, smallest = (Finding(anomaly="a", message=message) for message in ("1", "2", "smallest"))
        verdict = Verdict("checker", {"a": 9}, {"a": 7}, (first, second))
        assert (second, first) == verdict.beginning_with(second).findings
        assert (smallest, first, second) == verdict.beginning_with(smallest).findings
        assert 7 == verdict.beginning_with(smallest).violated

    def test_about_keeps_what_was_asked_for_and_every_doubt(self) -> None:
        """A crash casts doubt on everything that the checker says."""
        finding = Finding(anomaly="b", message="")
        verdict = Verdict("checker", {"a": 1, "b": 2}, {"b": 1}, (finding,), ("why",))
        assert Verdict("checker", {"a": 1}, {}, (), ("why",)) == verdict.about(["a"])


class _Fragile:
    """A fold that examines one fact per event and crashes where it is told to."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._tally = Tally("fragile")
        self._crash("start")

    def _crash(self, place: str) -> None:
        if place == self._place:
            raise RuntimeError("broken")

    def step(self, event: Event) -> None:
        self._crash(str(event.index))
        self._tally.examine("fragile")

    def verdict(self) -> Verdict:
        self._crash("end")
        return self._tally.verdict()


class TestCrash:
    @pytest.mark.parametrize(
        ("place", "facts", "doubt"),
        [
            ("start", 0, "checker fragile crashed before the first event: RuntimeError('broken')"),
            ("1", 1, "checker fragile crashed at event 1: RuntimeError('broken')"),
            ("end", 0, "checker fragile crashed when asked for its verdict: RuntimeError('broken')"),
        ],
    )
    def test_a_crashed_checker_is_unknown_with_the_reason(self, place: str, facts: int, doubt: str) -> None:
        """Wherever it crashed, it stops nobody else."""
        checker = Checker("fragile", "", ("fragile",), lambda header: _Fragile(place))
        verdict = judge(checker, HEADER, EVENTS)
        assert (Outcome.UNKNOWN, facts, (doubt,)) == (verdict.outcome, verdict.facts, verdict.doubts)
        assert "fragile" == verdict.checker

    def test_a_checker_is_told_of_what_the_history_is(self) -> None:
        """What the target states, by which it judges."""
        told: list[Header] = []
        judge(Checker("fragile", "", ("fragile",), lambda header: told.append(header) or _Fragile("")), HEADER, EVENTS)
        assert [HEADER] == told

    def test_a_checker_that_does_not_crash_has_no_doubts(self) -> None:
        """The guard adds nothing."""
        checker = Checker("fragile", "", ("fragile",), lambda header: _Fragile("nowhere"))
        assert Verdict("fragile", {"fragile": 3}) == judge(checker, HEADER, EVENTS)


class TestDoubts:
    @pytest.mark.parametrize(
        ("kind", "name", "checkers", "doubts"),
        [
            (EventKind.PROBE, DOUBT, ["fragile", "leak"], ("too late",)),
            (EventKind.PROBE, DOUBT, ["leak"], ()),
            (EventKind.PUSH, DOUBT, ["fragile"], ()),
            (EventKind.PROBE, "tick", ["fragile"], ()),
        ],
    )
    def test_of_a_history_are_those_of_the_checkers_that_it_names(
        self, kind: EventKind, name: str, checkers: list[str], doubts: tuple[str, ...]
    ) -> None:
        """Each once; what a user was sent is no doubt, whatever it is called."""
        value = {"checkers": checkers, "reason": "too late"}
        doubting = [Event(index=index, kind=kind, user="", name=name, value=value) for index in range(2)]
        checker = Checker("fragile", "", ("fragile",), lambda header: _Fragile("nowhere"))
        verdict = judge(checker, HEADER, doubting)
        assert (2, doubts) == (verdict.facts, verdict.doubts)

    def test_of_a_checker_are_kept_while_there_is_room(self) -> None:
        """Each once, the first ones."""
        tally = Tally("checker")
        for number in range(MOST_FINDINGS + 2):
            tally.doubt(str(number // 2))
            tally.doubt(str(number))
        assert tuple(map(str, range(MOST_FINDINGS))) == tally.verdict().doubts
