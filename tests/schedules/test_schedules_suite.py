"""The schedules suite from start to end, in processes of its own: what it finds, keeps, tells, and shows again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.claims.evidence import Evidence, Manifest, Suite, SuiteOutcome
from harness.claims.plan import SchedulesBudget
from harness.claims.run_folder import RunFolder, read_witness
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Outcome
from harness.mutants import MUTANTS, TWINS
from harness.schedules.explorer import Order
from harness.schedules.portfolio import Choosing
from harness.schedules.suite import SchedulesSuite
from harness.verification.replay import replay_witness
from harness.verification.resolve import open_explorer
from harness.verification.trials import carry_out, schedules_orders

BOARD = f"{Path(__file__).parent / 'board_target.py'}:board"


def folder(path: Path) -> RunFolder:
    """Return a run folder."""
    manifest = Manifest(run="r", target="t", plan="p", required=(), seed=1, users=2, started="2026-01-01", version="0")
    return RunFolder.create(path, manifest)


def explored(
    path: Path,
    target: str,
    *,
    workers: int = 1,
    schedules: int = 50,
    shrink_runs: int = 60,
    strategy: str = "portfolio",
    until: str | None = None,
) -> SuiteOutcome:
    """Explore a target in that many processes."""
    suite = SchedulesSuite(
        target=target,
        open_explorer=open_explorer,
        budget=SchedulesBudget(schedules=schedules, shrink_runs=shrink_runs),
        seed=1,
        checkers=CHECKERS,
        workers=workers,
        choosing=Choosing(strategy=strategy),
        folder=folder(path),
        until=until,
    )
    return suite.run()


def of(outcome: SuiteOutcome, checker: str) -> Evidence:
    """Return what a checker says."""
    return next(item for item in outcome.evidence if item.verdict.checker == checker)


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SuiteOutcome]:
    """A run folder, and what two processes found of a planted race."""
    path = tmp_path_factory.mktemp("race") / "run"
    return path, explored(path, "pooled-emitter", workers=2)


def test_processes_do_not_change_the_result(race: tuple[Path, SuiteOutcome]) -> None:
    """Two processes that shared the attempts come to what one comes to that makes them all."""
    _, outcome = race
    with open_explorer("pooled-emitter", 1) as opened:
        alone = opened.run(Order(seed=1, start=0, stop=50))
    assert {name: verdict.examined for name, verdict in alone.totals.verdicts.items()} == {
        item.verdict.checker: item.verdict.examined for item in outcome.evidence
    }
    assert alone.found.keys() == {item.verdict.checker for item in outcome.evidence if item.verdict.violated}
    assert len(alone.coverage.traces) == outcome.run.measures["schedules"]["traces"]


def test_processes_do_not_change_what_is_exhausted(tmp_path: Path) -> None:
    """As many schedules as were asked for, in both modes, the same with one process as with two; some run twice."""
    went = [
        explored(tmp_path / f"{workers}", BOARD, workers=workers, shrink_runs=5, strategy="exhaustive")
        for workers in (1, 2)
    ]
    figures = [outcome.run.measures["schedules"] for outcome in went]
    assert figures[0] == figures[1]
    assert {"exhaustive, asyncio-strict", "exhaustive, preemptive"} == figures[0]["strategies"].keys()
    assert (50, True, True) == (figures[0]["schedules"], figures[0]["left"] > 0, figures[0]["run_twice"] > 0)
    assert [item.explanation for item in went[0].evidence] == [item.explanation for item in went[1].evidence]


def test_what_comes_after_the_finding_that_was_waited_for_does_not_count(tmp_path: Path) -> None:
    """Whatever another process has done by then."""
    outcome = explored(tmp_path / "run", BOARD, workers=2, schedules=1000, shrink_runs=0, until="tampering")
    assert outcome.run.measures["schedules"]["first"]["tampering"]["to_first"] == outcome.run.histories


def test_what_is_found_is_explained_and_shown_again(race: tuple[Path, SuiteOutcome]) -> None:
    """A race gets a witness: small, in words, with the nearest order that passes; a replay shows it step by step."""
    path, outcome = race
    evidence = of(outcome, "misdelivery")
    assert Outcome.VIOLATED is evidence.verdict.outcome
    assert evidence.witness is not None
    witness = read_witness(path / evidence.witness)
    assert witness.interleaving is not None
    assert len(witness.story()) < 20
    assert witness.explanation == evidence.explanation
    assert evidence.explanation[0].startswith("in asyncio-strict, ")
    assert any(line.startswith("deviation: choice ") for line in evidence.explanation)
    assert any(line.startswith("without the deviation at choice ") for line in evidence.explanation)
    assert any(line.startswith("first difference, event ") for line in evidence.explanation)
    replayed = replay_witness(witness, 5)
    assert (witness.finding, 1) == (replayed.finding, replayed.attempts)


def test_a_mended_target_does_not_show_it(race: tuple[Path, SuiteOutcome], tmp_path: Path) -> None:
    """The witness of a planted bug, performed on the backend without it, shows nothing."""
    path, outcome = race
    text = json.loads((path / str(of(outcome, "misdelivery").witness)).read_text())
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps({**text, "target": "reference"}))
    assert replay_witness(read_witness(mended), 5).finding is None


def test_the_honest_backend_is_said_to_hold_only_in_what_was_seen(tmp_path: Path) -> None:
    """No finding, no doubt, and figures for all that was gone through."""
    outcome = explored(tmp_path / "run", "reference", workers=2, schedules=30)
    assert "" == outcome.run.doubt
    assert set() == {item.verdict.checker for item in outcome.evidence if item.verdict.violated}
    went = outcome.run.measures["schedules"]
    assert (30, 30) == (went["schedules"], outcome.run.histories)
    assert 0 < went["swept"] < went["sweep"]
    assert [25, 30] == [point[0] for point in went["growth"]]
    assert went["growth"][0][1] < went["growth"][1][1] == went["traces"]


def test_a_target_that_leaves_the_process_leaves_the_claims_alone(tmp_path: Path) -> None:
    """There is a reason, and no evidence: what the other suites say of it stands."""
    outcome = explored(tmp_path / "run", "service")
    assert () == outcome.evidence
    assert "leaves this process" in outcome.run.doubt


class TestTrials:
    def test_every_mutant_that_needs_no_intruder_is_tried(self) -> None:
        """What shows in the parts alone, or by a credential, is not; safe twins all are."""
        names = {order.subject for order in schedules_orders(SchedulesBudget(), None, 1)}
        expected = {name for name, item in MUTANTS.items() if item.shows_on not in ("parts", "intruders")}
        assert expected | set(TWINS) == names

    def test_a_trial_says_how_long_it_took(self) -> None:
        """Schedules until the first finding, and which it was."""
        [order] = schedules_orders(SchedulesBudget(), ["stale-reply"], 1)
        trial = carry_out(order)
        assert (True, Suite.SCHEDULES, "") == (trial.passed, trial.suite, trial.error)
        said = trial.measures["schedules"]
        assert {"strategy", "mode", "scene"} < set(said)
        assert 0 < said["to_first"] == said["run"] <= 50

    def test_a_twin_is_explored_in_full(self) -> None:
        """And not flagged."""
        [order] = schedules_orders(SchedulesBudget(twins=15), ["cache-by-user"], 1)
        trial = carry_out(order)
        assert (True, {"run": 15}) == (trial.passed, trial.measures["schedules"])
