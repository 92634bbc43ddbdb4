"""Accounts of load processes: what they add up to, and when they may say "holds"."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.history.names import NAMES
from harness.judging.verdict import Finding, Outcome, Verdict
from harness.load.account import ACCOUNT, EXIT_CODES, JUDGES, Account
from harness.load.histogram import Histogram
from harness.load.users import USERS_PER_PROCESS, TooManyUsers, distinct_names, load_user

LEAK = Finding(anomaly="leaked-in-event", message="u01 observed u00's canary", observer="u01", owner="u00")


def account(**changes: object) -> Account:
    """Return the account of a short run in which everything was in order."""
    whole: dict[str, object] = {
        "users": 2,
        "histories": 1,
        "operations": 10,
        "events": 30,
        "frames": 10,
        "measured": 8,
        "seconds": 4.0,
        "verdicts": {name: Verdict(name, {"fact": 5}) for name in JUDGES},
        "latencies": {"write_note": dict(Histogram({0: 3}).counts()), "check": {-100: 10}},
        "deliveries": (("u00", "u00", 6), ("u01", "u01", 4)),
        "files": ("histories/load.jsonl",),
        "required": ("leak", "misdelivery"),
    }
    return Account(**(whole | changes))  # type: ignore[arg-type]


class TestOutcome:
    def test_a_whole_run_holds(self) -> None:
        """A run without doubt, in which every checker had facts and found nothing, holds."""
        assert account().outcome is Outcome.HOLDS

    def test_nothing_is_incomplete(self) -> None:
        """No events at all is incomplete, never green."""
        assert Account().outcome is Outcome.UNKNOWN
        assert EXIT_CODES[Account().outcome] == 3
        assert "no operation was asked for" in Account().doubt

    @pytest.mark.parametrize("checker", ["leak", "misdelivery"])
    def test_no_facts_are_incomplete(self, checker: str) -> None:
        """A run that gave the leak or the misdelivery checker nothing to examine has shown nothing."""
        verdicts = {name: Verdict(name, {"fact": 0 if name == checker else 5}) for name in JUDGES}
        assert account(verdicts=verdicts).outcome is Outcome.UNKNOWN

    def test_what_is_not_required_may_have_no_facts(self) -> None:
        """A service that says nothing of its frames gives the misdelivery checker nothing, and can hold."""
        verdicts = {name: Verdict(name, {"fact": 0 if name == "misdelivery" else 5}) for name in JUDGES}
        assert account(verdicts=verdicts, required=("leak",)).outcome is Outcome.HOLDS

    def test_a_doubt_forbids_holds(self) -> None:
        """With a doubt no verdict is better than unknown."""
        doubted = account().doubted("1 worker of 2 gave no account")
        assert doubted.outcome is Outcome.UNKNOWN
        assert {verdict.outcome for verdict in doubted.judged().values()} == {Outcome.UNKNOWN}

    def test_a_doubt_hides_no_violation(self) -> None:
        """What was found stays found, however the run ended."""
        found = {"leak": Verdict("leak", {"leaked-in-event": 5}, {"leaked-in-event": 1}, (LEAK,))}
        assert account(verdicts=found).doubted("the target went away").outcome is Outcome.VIOLATED

    def test_a_crashed_checker_forbids_holds(self) -> None:
        """A checker that crashed makes the run incomplete, even one whose facts are not required."""
        verdicts = {**account().verdicts, "access": Verdict("access", {"fact": 1}, doubts=("checker access crashed",))}
        assert account(verdicts=verdicts).outcome is Outcome.UNKNOWN


class TestMerging:
    def test_counts_add_up(self) -> None:
        """Workers that ran at the same time add up, and took as long as the longest."""
        other = account(
            seconds=5.0, deliveries=(("u00", "u01", 1), ("u01", "u01", 4)), files=("histories/load-1.jsonl",)
        )
        both = account().merge(other)
        assert (both.users, both.operations, both.events, both.frames, both.measured) == (4, 20, 60, 20, 16)
        assert both.seconds == 5.0
        assert both.deliveries == (("u00", "u00", 6), ("u00", "u01", 1), ("u01", "u01", 8))
        assert both.files == ("histories/load.jsonl", "histories/load-1.jsonl")
        assert both.verdicts["leak"].facts == 10

    def test_histories_follow_each_other(self) -> None:
        """Histories of one process have the same users, and their times add up."""
        both = account().then(account())
        assert (both.users, both.histories, both.seconds) == (2, 2, 8.0)
        assert both.files == ("histories/load.jsonl",)

    def test_any_grouping_gives_the_same(self) -> None:
        """Merging is associative, and the empty account changes nothing."""
        a, b, c = account(), account(users=3, doubts={"d": 1}), account(doubts={"d": 2, "e": 1})
        assert a.merge(b).merge(c) == a.merge(b.merge(c))
        assert Account().merge(b) == b.merge(Account())
        assert a.merge(b).merge(c).doubts == {"d": 3, "e": 1}

    def test_a_violation_in_one_worker_is_one_of_all(self) -> None:
        """What one worker found is not lost among those that found nothing."""
        found = {"leak": Verdict("leak", {"leaked-in-event": 5}, {"leaked-in-event": 1}, (LEAK,))}
        assert account().merge(account(verdicts=found)).outcome is Outcome.VIOLATED

    def test_accounts_survive_being_sent(self) -> None:
        """What a worker sends is what the master reads."""
        sent = account(doubts={"d": 1})
        assert ACCOUNT.validate_json(ACCOUNT.dump_json(sent)) == sent

    def test_measures_leave_checking_out(self) -> None:
        """The time that checkers take is no latency of the target."""
        measures = account().measures()
        assert list(measures["latency_ms"]) == ["write_note"]
        assert measures["latency_ms_p99"] == 1.0
        assert measures["throughput_hz"] == 2.0
        assert measures["deliveries"] == [["u00", "u00", 6], ["u01", "u01", 4]]


class TestHistogram:
    def test_percentiles_are_close(self) -> None:
        """A percentile is off by 1 % at most."""
        histogram = Histogram()
        for value in range(1, 1001):
            histogram.add(float(value))
        for share in (0.01, 0.5, 0.95, 0.99, 1.0):
            assert histogram.percentile(share) == pytest.approx(1000 * share, rel=0.0101)

    def test_parts_merge_into_the_whole(self) -> None:
        """Two halves measured apart have the percentiles of the whole, and the halves stay as they were."""
        left, right, whole = Histogram(), Histogram(), Histogram()
        for value in range(1, 101):
            (left if value % 3 else right).add(value)
            whole.add(value)
        merged = left.merge(right)
        assert merged.counts() == whole.counts()
        assert len(left) + len(right) == len(merged) == 100

    def test_nothing_has_no_percentile(self) -> None:
        """Without values there is no percentile, not a zero that looks fast."""
        assert Histogram().percentile(0.5) is None


class TestUsers:
    def test_names_are_unique(self) -> None:
        """However many users there are, no two have one name; different runs share none."""
        names = [load_user(0, nth, run).name for run in ("a", "b") for nth in range(3 * len(NAMES))]
        assert len(set(names)) == len(names)

    def test_a_process_never_takes_a_number_of_the_next(self) -> None:
        """Two users with one id would hide a leak from one to the other, so there is an error instead."""
        last, first = load_user(0, USERS_PER_PROCESS - 1, "a"), load_user(1, 0, "a")
        assert last.number + 1 == first.number
        with pytest.raises(TooManyUsers, match=r"more than 10,000 users .* --processes"):
            load_user(0, USERS_PER_PROCESS, "a")

    def test_no_two_users_are_one_to_the_service(self) -> None:
        """Where a service takes two names for one, no two users differ by that alone."""
        names = distinct_names(str.casefold)
        assert {"alice", "Alice"} <= set(NAMES)
        assert len({"alice", "Alice"} & set(names)) == 1
        assert len({load_user(0, nth, "a", names).name.casefold() for nth in range(50)}) == 50


def test_a_cohort_that_is_full_says_so_and_begins_without_the_rest() -> None:
    """The run is doubted, and does not wait for users that cannot come. Cohorts need gevent: a process of its own."""
    script = """
from harness.load import cohort as cohorts, users
from harness.load.load_options import LoadOptions
from harness.targets.bundled import BUNDLED
cohorts.USERS_PER_PROCESS = users.USERS_PER_PROCESS = 3
options = LoadOptions(adapter=BUNDLED, host="", target="t", seed=1, run="r", users=4, duration_s=1, pause_s=(0, 0),
    history_s=1, out="", history="", summary="")
class Member:
    whole, left, unended = True, False, ()
    def rest(self): pass
    def close(self): pass
cohort = cohorts.Cohort(options, 1, lambda user: {}, first=1)
cohort.expect(4)
for _ in range(2):
    member = Member()
    print(cohort.enrol(member).number)
    cohort.arrived(member)
try:
    cohort.enrol(member)
except users.TooManyUsers:
    print(cohort.gate.is_set(), cohort.conclude().doubt[:45])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ["4", "5", "True a process enrolled more than 3 users over all"] == done.stdout.splitlines()
