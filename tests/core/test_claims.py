from __future__ import annotations

from dataclasses import replace

import pytest

from harness.claims.adjudication import ANOMALIES, CLAIMS, adjudicate, checkers_of, doubts_about, report_of
from harness.claims.evidence import (
    Claim,
    ClaimResult,
    Evidence,
    Manifest,
    SubjectKind,
    Suite,
    SuiteRun,
    Trial,
    upper_bound,
)
from harness.judging.verdict import Finding, Outcome, Verdict

ANSWERS = CLAIMS["SES-2"]  # leaked-in-answer, found by leak
BOTH = CLAIMS["EVT-1"]  # misdelivered and leaked-in-event, found by misdelivery and leak
LOAD = CLAIMS["SCL-1"]  # load only, 10 users or more


def evidence(verdict: Verdict, *, suite: Suite = Suite.PROPERTIES, users: int = 10) -> Evidence:
    """Return a verdict as evidence."""
    return Evidence(
        suite=suite, target="t", seed=1, users=users, histories=1, verdict=verdict, replay=f"replay {verdict.checker}"
    )


def examined(claim: Claim, checker: str, facts: int = 5) -> Verdict:
    """Return a verdict of this checker that examined all of the claim's anomalies that it can find."""
    return Verdict(checker, {name: facts for name in claim.anomalies if ANOMALIES[name].checker == checker})


def violating(verdict: Verdict, anomaly: str) -> Verdict:
    """Return the verdict with one finding."""
    finding = Finding(anomaly=anomaly, message="seen")
    return replace(verdict, violations={anomaly: 1}, findings=(finding,))


def trial(
    checker: str,
    kind: SubjectKind = SubjectKind.MUTANT,
    outcome: Outcome = Outcome.VIOLATED,
    suite: Suite = Suite.PROPERTIES,
) -> Trial:
    """Return a subject that was put before this checker, and what it said."""
    expected = checker if kind is SubjectKind.MUTANT else ""
    return Trial(
        subject=f"{kind.name.lower()}-{checker}",
        kind=kind,
        sentence="",
        suite=suite,
        expected=expected,
        outcomes={checker: outcome},
        anomalies=tuple(name for name in ANOMALIES if ANOMALIES[name].checker == checker) if expected else (),
    )


def supported(claim: Claim, suite: Suite = Suite.PROPERTIES) -> tuple[list[Evidence], list[Trial]]:
    """Return all that a claim needs to hold."""
    checkers = checkers_of(claim)
    return (
        [evidence(examined(claim, checker), suite=suite) for checker in checkers],
        [trial(checker, suite=suite) for checker in checkers],
    )


def judged(claim: Claim, items: list[Evidence], trials: list[Trial]) -> tuple[Outcome, tuple[str, ...]]:
    """Return the outcome with its reasons."""
    result: ClaimResult = adjudicate(claim, items, trials)
    return result.outcome, result.reasons


class TestAdjudicate:
    @pytest.mark.parametrize("claim", [ANSWERS, BOTH], ids=lambda claim: claim.id)
    def test_a_claim_holds_on_facts_and_kills(self, claim: Claim) -> None:
        """Every anomaly examined, none found, every checker seen to kill."""
        result = adjudicate(claim, *supported(claim))
        assert (Outcome.HOLDS, (), 5) == (result.outcome, result.reasons, result.examined)
        assert result.bound is not None
        assert 0 < result.bound < 1

    def test_nothing_at_all_is_unknown(self) -> None:
        """Without evidence and without trials."""
        outcome, reasons = judged(ANSWERS, [], [])
        assert Outcome.UNKNOWN is outcome
        assert (
            "it was not examined: the plan does not run any suite",
            "no planted bug showed that leak finds leaked-in-answer",
        ) == reasons

    def test_one_anomaly_without_a_fact_is_enough_for_unknown(self) -> None:
        """The least examined anomaly bounds the claim."""
        items, trials = supported(BOTH)
        items[1] = evidence(Verdict("leak", {"leaked-in-answer": 99}))
        outcome, reasons = judged(BOTH, items, trials)
        assert Outcome.UNKNOWN is outcome
        assert ["nothing was examined for leaked-in-event"] == [reason.split(":")[0] for reason in reasons]

    def test_a_surviving_mutant_is_unknown(self) -> None:
        """Though another one was killed."""
        items, trials = supported(ANSWERS)
        trials.append(replace(trial("leak", outcome=Outcome.HOLDS), subject="sly"))
        assert (Outcome.UNKNOWN, ("mutant sly survived leak",)) == judged(ANSWERS, items, trials)

    def test_a_mutant_that_could_not_be_tried_is_unknown(self) -> None:
        """The reason is the trial's own."""
        items, trials = supported(ANSWERS)
        trials.append(replace(trial("leak"), error="no start"))
        assert (Outcome.UNKNOWN, ("mutant mutant-leak was not tried: no start",)) == judged(ANSWERS, items, trials)

    def test_a_mutant_that_is_there_for_another_checker_is_not_this_claims_concern(self) -> None:
        """Whether it survived that one, or could not be tried."""
        items, trials = supported(ANSWERS)
        trials += [trial("access", outcome=Outcome.HOLDS), replace(trial("access"), error="no start")]
        assert (Outcome.HOLDS, ()) == judged(ANSWERS, items, trials)

    def test_a_mutant_that_another_checker_killed_is_a_survivor(self) -> None:
        """It must be seen by the checker that is there for it."""
        items, trials = supported(ANSWERS)
        trials[0] = replace(trials[0], outcomes={"leak": Outcome.HOLDS, "access": Outcome.VIOLATED})
        assert Outcome.UNKNOWN is judged(ANSWERS, items, trials)[0]

    def test_a_flagged_twin_is_unknown(self) -> None:
        """A checker that cries wolf supports nothing."""
        items, trials = supported(ANSWERS)
        trials.append(trial("leak", SubjectKind.TWIN))
        assert (Outcome.UNKNOWN, ("safe twin twin-leak was flagged by leak",)) == judged(ANSWERS, items, trials)

    def test_a_twin_flagged_by_another_checker_is_not_this_claims_concern(self) -> None:
        """Nor is a twin that passed."""
        items, trials = supported(ANSWERS)
        trials += [trial("access", SubjectKind.TWIN), trial("leak", SubjectKind.TWIN, Outcome.HOLDS)]
        assert Outcome.HOLDS is judged(ANSWERS, items, trials)[0]

    def test_an_anomaly_that_no_mutant_showed_is_unknown(self) -> None:
        """A checker that found one anomaly is not thereby shown to find another."""
        items, trials = supported(BOTH)
        trials = [
            replace(item, anomalies=("leaked-in-answer",)) if item.expected == "leak" else item for item in trials
        ]
        reason = "no planted bug showed that leak finds leaked-in-event"
        assert (Outcome.UNKNOWN, (reason,)) == judged(BOTH, items, trials)

    def test_a_claim_that_holds_on_a_null_target_is_unknown(self) -> None:
        """What holds on anything says nothing."""
        items, trials = supported(ANSWERS)
        null = replace(trial("leak", SubjectKind.NULL, Outcome.HOLDS), holding=(ANSWERS.id,))
        reason = "it holds on the null target null-leak, too"
        assert (Outcome.UNKNOWN, (reason,)) == judged(ANSWERS, items, [*trials, null])
        assert Outcome.HOLDS is judged(ANSWERS, items, [*trials, replace(null, holding=("EVT-1",))])[0]

    @pytest.mark.parametrize("kind", [SubjectKind.TWIN, SubjectKind.NULL])
    def test_a_twin_or_null_target_that_could_not_be_tried_is_unknown(self, kind: SubjectKind) -> None:
        """Nobody knows what it would have shown."""
        items, trials = supported(ANSWERS)
        untried = replace(trial("leak", kind, Outcome.HOLDS), error="no start")
        assert Outcome.UNKNOWN is judged(ANSWERS, items, [*trials, untried])[0]

    def test_a_violation_beats_every_doubt(self) -> None:
        """Found is found, whoever survived and whatever crashed."""
        items, _ = supported(ANSWERS)
        items.append(evidence(violating(examined(ANSWERS, "leak"), "leaked-in-answer")))
        items.append(evidence(Verdict("leak", doubts=("crashed",))))
        result = adjudicate(ANSWERS, items, [trial("leak", outcome=Outcome.HOLDS)])
        assert (Outcome.VIOLATED, 1, "replay leak") == (result.outcome, result.violations, result.replay)
        assert "leak found 1 leaked-in-answer" == result.reasons[0]

    def test_a_finding_of_another_anomaly_does_not_violate(self) -> None:
        """A leak in an event says nothing about answers."""
        items, trials = supported(ANSWERS)
        items.append(evidence(violating(examined(BOTH, "leak"), "leaked-in-event")))
        assert Outcome.HOLDS is judged(ANSWERS, items, trials)[0]

    def test_a_crashed_checker_is_unknown(self) -> None:
        """Though it examined much before."""
        items, trials = supported(ANSWERS)
        items.append(evidence(replace(examined(ANSWERS, "leak", 1000), doubts=("checker leak crashed",))))
        assert (Outcome.UNKNOWN, ("checker leak crashed",)) == judged(ANSWERS, items, trials)

    def test_a_claim_that_no_checker_adjudicates_is_unknown(self) -> None:
        """It says so, and nothing was examined."""
        result = adjudicate(CLAIMS["NI-1"], [], [])
        assert ("no checker of this version adjudicates it",) == result.reasons
        assert (Outcome.UNKNOWN, 0, None) == (result.outcome, result.examined, result.bound)

    def test_a_result_says_what_it_rests_on(self) -> None:
        """Findings, runs and kills, each once; of a violated claim all facts count, and not the least only."""
        items, trials = supported(BOTH)
        items.append(evidence(violating(examined(BOTH, "misdelivery"), "misdelivered")))
        trials += [trial("leak"), trial("access")]
        expected = ClaimResult(
            claim=BOTH,
            required=True,
            outcome=Outcome.VIOLATED,
            reasons=("misdelivery found 1 misdelivered",),
            examined=15,
            violations=1,
            findings=(Finding(anomaly="misdelivered", message="seen"),),
            evidence=("properties:t",),
            kills=("mutant-misdelivery", "mutant-leak"),
            replay="replay misdelivery",
        )
        assert expected == adjudicate(BOTH, items, trials)

    def test_a_result_is_replayed_by_what_shows_it(self) -> None:
        """By the first evidence that found something, or else by the first; there may be none."""
        quiet = replace(evidence(examined(ANSWERS, "leak")), replay="replay the first")
        other = replace(evidence(violating(examined(BOTH, "leak"), "leaked-in-event")), replay="replay an event")
        loud = evidence(violating(examined(ANSWERS, "leak"), "leaked-in-answer"))
        histories = ([quiet, other, loud], [quiet, other], [])
        said = [adjudicate(ANSWERS, items, []).replay for items in histories]
        assert ["replay leak", "replay the first", ""] == said

    def test_doubts_are_those_of_the_evidence_alone(self) -> None:
        """Whether or not its checkers can be trusted; of evidence that counts for the claim."""
        items, _ = supported(ANSWERS)
        assert [] == doubts_about(ANSWERS, [*items, evidence(Verdict("access", doubts=("crashed",)))])
        assert ["crashed"] == doubts_about(ANSWERS, [*items, evidence(Verdict("leak", doubts=("crashed",)))])
        assert len(LOAD.anomalies) == len(doubts_about(LOAD, supported(LOAD)[0]))
        assert [] == doubts_about(LOAD, supported(LOAD, Suite.LOAD)[0])

    @pytest.mark.parametrize("kind", SubjectKind)
    def test_what_is_no_kill_shows_nothing(self, kind: SubjectKind) -> None:
        """A mutant that survived, though the anomaly was found in it by others; a twin; a null target."""
        items, _ = supported(ANSWERS)
        outcome = Outcome.VIOLATED if kind is SubjectKind.TWIN else Outcome.HOLDS
        no_kill = replace(trial("leak", kind, outcome), anomalies=("leaked-in-answer",))
        reasons = adjudicate(ANSWERS, items, [no_kill]).reasons
        assert "no planted bug showed that leak finds leaked-in-answer" == reasons[0]


class TestLoadOnly:
    def test_it_holds_on_evidence_of_the_load_suite(self) -> None:
        """With as many users as it speaks of."""
        assert Outcome.HOLDS is judged(LOAD, *supported(LOAD, Suite.LOAD))[0]

    def test_evidence_of_another_suite_does_not_count(self) -> None:
        """Neither facts nor kills."""
        items, trials = supported(LOAD, Suite.PROPERTIES)
        loaded, killed = supported(LOAD, Suite.LOAD)
        assert Outcome.UNKNOWN is judged(LOAD, items, killed)[0]
        assert Outcome.UNKNOWN is judged(LOAD, loaded, trials)[0]

    def test_each_checker_must_have_seen_something_under_load(self) -> None:
        """A kill in another suite shows that it can find the anomaly, not that the load suite lets it."""
        items, trials = supported(LOAD, Suite.LOAD)
        elsewhere = [replace(item, suite=Suite.PROPERTIES) if item.expected == "leak" else item for item in trials]
        reason = "no planted bug showed that leak sees anything in the load suite"
        assert (Outcome.UNKNOWN, (reason,)) == judged(LOAD, items, elsewhere)

    def test_a_suite_that_could_not_run_gives_its_reason(self) -> None:
        """Not what the anomaly would need."""
        run = SuiteRun(suite=Suite.LOAD, target="t", seed=1, users=0, doubt="there is no server")
        reasons = adjudicate(LOAD, [], supported(LOAD, Suite.LOAD)[1], runs=[run]).reasons
        assert ("there is no server",) == reasons

    def test_a_suite_that_does_not_run_is_named(self) -> None:
        """Of another suite's doubts nothing is said, unless any suite would do."""
        run = SuiteRun(suite=Suite.WIRE, target="t", seed=1, users=0, doubt="it is gone")
        trials = supported(LOAD, Suite.LOAD)[1]
        either = replace(LOAD, suites=(Suite.LOAD, Suite.SCHEDULES))
        said = [adjudicate(claim, [], trials, runs=[run]).reasons for claim in (LOAD, either)]
        assert ("it was not examined: the plan does not run the load suite",) == said[0]
        assert ("it was not examined: the plan does not run the load or schedules suite",) == said[1]
        assert ("it is gone",) == adjudicate(ANSWERS, [], supported(ANSWERS)[1], runs=[run]).reasons

    def test_what_was_not_examined_says_where(self) -> None:
        """The suites that count, and how many users."""
        claim = replace(LOAD, suites=(Suite.LOAD, Suite.WIRE), least_users=2)
        items, trials = supported(LOAD, Suite.LOAD)
        reasons = adjudicate(claim, [replace(item, users=1) for item in items], trials).reasons
        assert all(" in the load or wire suite with 2 or more users: it needs " in reason for reason in reasons)

    def test_a_run_with_too_few_users_takes_nothing_from_one_with_enough(self) -> None:
        """Whichever came first."""
        items, trials = supported(LOAD, Suite.LOAD)
        few = [replace(item, users=9) for item in items]
        assert Outcome.HOLDS is judged(LOAD, [*few, *items], trials)[0]

    def test_too_few_users_support_nothing_but_can_violate(self) -> None:
        """What was found among 9 users counts all the same."""
        items, trials = supported(LOAD, Suite.LOAD)
        few = [replace(item, users=9) for item in items]
        outcome, reasons = judged(LOAD, few, trials)
        assert Outcome.UNKNOWN is outcome
        assert all("in the load suite with 10 or more users" in reason for reason in reasons)
        bad = replace(few[0], verdict=violating(few[0].verdict, LOAD.anomalies[0]))
        assert Outcome.VIOLATED is judged(LOAD, [bad, *few[1:]], trials)[0]


class TestReport:
    MANIFEST = Manifest(
        run="r",
        target="t",
        plan="p",
        required=("SES-2",),
        seed=1,
        users=10,
        started="2026-01-01T00:00:00Z",
        version="0",
    )

    def test_it_holds_when_every_required_claim_does(self) -> None:
        """Others may be unknown."""
        items, trials = supported(ANSWERS)
        assert Outcome.HOLDS is report_of(self.MANIFEST, (), items, trials).outcome

    def test_a_violated_claim_counts_though_it_is_not_required(self) -> None:
        """Nobody may overlook it."""
        items, trials = supported(ANSWERS)
        items.append(evidence(violating(examined(BOTH, "misdelivery"), "misdelivered")))
        assert Outcome.VIOLATED is report_of(self.MANIFEST, (), items, trials).outcome

    def test_a_verification_that_stopped_early_does_not_hold(self) -> None:
        """Whatever it had shown until then; and one that requires nothing shows nothing."""
        items, trials = supported(ANSWERS)
        assert Outcome.UNKNOWN is report_of(self.MANIFEST, (), items, trials, note="stopped").outcome
        assert Outcome.UNKNOWN is report_of(replace(self.MANIFEST, required=()), (), items, trials).outcome

    def test_it_has_all_that_it_is_derived_from(self) -> None:
        """And each claim of the catalogue, in its order, with the reason of a suite that could not run."""
        items, trials = supported(ANSWERS)
        run = SuiteRun(suite=Suite.LOAD, target="t", seed=1, users=0, doubt="there is no server")
        report = report_of(self.MANIFEST, [run], items, trials, note="stopped")
        assert (self.MANIFEST, ANOMALIES, "stopped") == (report.manifest, report.anomalies, report.note)
        assert ((run,), tuple(items), tuple(trials)) == (report.suites, report.evidence, report.trials)
        assert [*CLAIMS] == [result.claim.id for result in report.claims]
        assert "there is no server" == next(r.reasons[0] for r in report.claims if r.claim is LOAD)


class TestUpperBound:
    @pytest.mark.parametrize(
        ("violations", "examined", "bound"),
        [(0, 1, 0.95), (0, 100, 1 - 0.05**0.01), (1, 10, 0.394163), (5, 10, 0.777559), (9, 10, 0.994884), (3, 3, 1.0)],
    )
    def test_is_that_of_clopper_and_pearson(self, violations: int, examined: int, bound: float) -> None:
        """Exact where nothing was found: 1 - 0.05^(1/n); 1 where all failed; else as in published tables."""
        assert bound == pytest.approx(upper_bound(violations, examined), abs=1e-6)


class TestCatalogue:
    def test_every_claim_names_known_anomalies(self) -> None:
        """And every anomaly stands in some claim, or nobody would hear of it."""
        named = {name for claim in CLAIMS.values() for name in claim.anomalies}
        assert set(ANOMALIES) == named
