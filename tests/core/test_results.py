"""What a suite found becomes evidence: one for each checker, with its witness and the command that shows it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.claims.evidence import Evidence, Manifest, Suite, SuiteRun
from harness.claims.results import Results
from harness.claims.run_folder import RunFolder, Witness, read_witness
from harness.history.model import Header
from harness.judging.verdict import Finding, Verdict
from harness.scenario.program import Do, Program, Step

OTHER = Finding(anomaly="leaked-in-answer", message="u02 observed u00's canary")
LEAK = Verdict("leak", {"leaked-in-answer": 3}, {"leaked-in-answer": 1}, (OTHER,), ("cut short",))
WITNESS = Witness(
    checker="leak",
    finding=Finding(anomaly="leaked-in-answer", message="u01 observed u00's canary"),
    target="my app",
    header=Header(target="my app", suite=Suite.WIRE, seed=7, users=2),
    program=Program("p", (), (Step(Do.SETTLE, 0),)),
    history=(),
    explanation=("u00 asks first",),
    earlier=("u00: POST /notes",),
)
MANIFEST = Manifest(run="r", target="my app", plan="p", required=(), seed=7, users=2, started="now", version="0")
RUN = SuiteRun(suite=Suite.WIRE, target="my app", seed=7, users=2, histories=5)


def evidence(
    folder: RunFolder | None, unsure: frozenset[str] = frozenset(), label: str = ""
) -> tuple[Evidence, Evidence]:
    """Return what a run says that found a leak, and nothing about access."""
    results = Results(
        run=RUN,
        checkers=["leak", "access"],
        verdicts={"leak": LEAK},
        doubts=("the service restarted",),
        found={"leak": WITNESS},
        unsure=unsure,
        again="harness verify 'my app'",
        label=label,
    )
    leak, access = results.evidence(folder)
    return leak, access


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", MANIFEST)


def test_each_checker_says_what_it_saw_of_the_whole_run(folder: RunFolder) -> None:
    """Its own doubts and those of the suite; a checker that has seen nothing has examined nothing."""
    leak, access = evidence(folder)
    for one in (leak, access):
        assert (Suite.WIRE, "my app", 7, 2, 5) == (one.suite, one.target, one.seed, one.users, one.histories)
    assert (LEAK.examined, LEAK.violations) == (leak.verdict.examined, leak.verdict.violations)
    assert ("cut short", "the service restarted") == leak.verdict.doubts
    assert ("access", {}, ("the service restarted",)) == (
        access.verdict.checker,
        access.verdict.examined,
        access.verdict.doubts,
    )


def test_a_finding_is_shown_again_by_its_witness(folder: RunFolder) -> None:
    """It is in the folder, under a name that says what it is; whoever found nothing has the command of the suite."""
    leak, access = evidence(folder)
    assert "witnesses/wire-leak-my-app.json" == leak.witness
    assert WITNESS == read_witness(folder.path / "witnesses/wire-leak-my-app.json")
    assert ["harness", "replay", str(folder.path / "witnesses/wire-leak-my-app.json")] == shlex.split(leak.replay)
    assert (("u00 asks first",), ("u00: POST /notes",)) == (leak.explanation, leak.requests)
    assert (None, "harness verify 'my app'") == (access.witness, access.replay)
    assert ((), ()) == (access.explanation, access.requests)


def test_the_finding_that_is_shown_comes_first(folder: RunFolder) -> None:
    """The others follow."""
    assert (WITNESS.finding, OTHER) == evidence(folder)[0].verdict.findings


def test_a_label_stands_in_the_name_of_the_witness(folder: RunFolder) -> None:
    """So that a trial does not overwrite the witness of the target itself."""
    assert "witnesses/wire-leak-trial-2.json" == evidence(folder, label="trial 2")[0].witness


def test_no_replay_is_promised_of_what_may_not_show_again(folder: RunFolder) -> None:
    """The witness is kept all the same."""
    leak, _ = evidence(folder, unsure=frozenset({"leak"}))
    assert ("witnesses/wire-leak-my-app.json", "harness verify 'my app'") == (leak.witness, leak.replay)


def test_without_a_folder_there_is_no_witness() -> None:
    """The story is told all the same."""
    leak, _ = evidence(None)
    assert (None, "harness verify 'my app'", ("u00 asks first",)) == (leak.witness, leak.replay, leak.explanation)
