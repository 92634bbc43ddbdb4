from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from harness_command import TINY, called, heard, plan_in, started

from harness.claims.run_folder import Witness, read_witness


@pytest.fixture(scope="module")
def violated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A verification of the old shared bridge: its folder, its exit code and what it printed."""
    folder = tmp_path_factory.mktemp("replay")
    plan = plan_in(folder)
    result = called("verify", "--target", "shared-bridge", "--plan", plan, "--out", folder / "run")
    return folder / "run", result.exit_code, result.output


def line(text: str, beginning: str) -> str:
    """Return the rest of the line that begins like this."""
    return next(line.removeprefix(beginning) for line in text.splitlines() if line.startswith(beginning))


def test_a_violation_is_named_with_the_command_that_shows_it_again(violated: tuple[Path, int, str]) -> None:
    """Exit code 1; the anomaly, who saw what of whom, and a witness in the folder."""
    folder, code, output = violated
    words = shlex.split(line(output, "Replay: "))
    assert (1, ["harness", "replay"], True) == (code, words[:2], Path(words[2]).is_relative_to(folder))
    witness = read_witness(Path(words[2]))
    assert line(output, f"{witness.finding.anomaly.upper()}: ") == witness.finding.message


def test_the_replay_command_shows_the_anomaly_again(violated: tuple[Path, int, str], tmp_path: Path) -> None:
    """As a user runs it, in another process and another folder: exit code 1, the story and the finding."""
    words = shlex.split(line(violated[2], "Replay: "))
    anomaly = read_witness(Path(words[2])).finding.anomaly.upper()
    with started(*words[1:], folder=tmp_path) as process:
        told = [heard(process, "    1. "), heard(process, f"{anomaly}: u")]
    assert (1, 2) == (process.returncode, len(told))


def test_a_target_that_is_a_mutant_of_the_plan_is_kept_apart_from_its_trial(tmp_path: Path) -> None:
    """Each has histories and witnesses of its own, so that what was recorded judges anew to the same."""
    plan = plan_in(
        tmp_path, TINY.replace("trials = []", 'trials = ["shared-bridge"]').replace("shrink_s = 1", "shrink_s = 0")
    )
    called("verify", "--target", "shared-bridge", "--plan", plan, "--out", tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run" / "histories").iterdir())
    assert ["properties-shared-bridge.jsonl", "properties-trial-shared-bridge.jsonl"] == names
    assert 1 == called("check", tmp_path / "run").exit_code


def changed(folder: Path, path: Path, **fields: object) -> Path:
    """Return a copy of the first witness of the folder, with these fields."""
    first = next((folder / "witnesses").iterdir())
    path.write_text(json.dumps({**json.loads(first.read_text()), **fields}))
    return path


def test_what_does_not_show_again_is_unknown(violated: tuple[Path, int, str], tmp_path: Path) -> None:
    """Exit code 3, and how often it was tried: the corrected target does not do it."""
    result = called("replay", changed(violated[0], tmp_path / "w.json", target="reference"), "--attempts", "2")
    assert (3, "not seen in 2 attempts") == (result.exit_code, result.output.splitlines()[-1])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"checker": "nobody"}, "there is no checker 'nobody' here: replay with the version that recorded it"),
        ({"target": "gone.py:make"}, "gone.py cannot be imported"),
        ({"program": 7}, "cannot be replayed"),
    ],
)
def test_what_cannot_be_replayed_is_told(
    violated: tuple[Path, int, str], tmp_path: Path, fields: dict[str, object], said: str
) -> None:
    """Exit code 2, in one sentence."""
    result = called("replay", changed(violated[0], tmp_path / "w.json", **fields))
    assert (2, True, 1) == (result.exit_code, said in result.output, len(result.output.splitlines()))


def test_a_crash_is_not_taken_for_a_violation(violated: tuple[Path, int, str], tmp_path: Path) -> None:
    """Exit code 2, where Python's own for a crash would say that the finding showed again."""
    (tmp_path / "falling_target.py").write_text(
        "from harness.mutants.nulls import GrantAll\n"
        "class Falling(GrantAll):\n"
        "    async def probes(self): raise RuntimeError('the tap fell off')\n"
    )
    target = f"{tmp_path / 'falling_target.py'}:Falling"
    result = called("replay", changed(violated[0], tmp_path / "w.json", target=target))
    assert (2, True) == (result.exit_code, "it crashed (RuntimeError('the tap fell off'))" in result.output)


def test_a_story_leaves_out_what_the_target_does_not_offer(violated: tuple[Path, int, str]) -> None:
    """It was never asked, so it is no part of the story."""
    from dataclasses import replace

    from harness.history.model import Promises

    witness: Witness = read_witness(next((violated[0] / "witnesses").iterdir()))
    header = replace(witness.header, promises=Promises(operations=frozenset({"follow"})))
    kept = replace(witness, header=header).story()
    assert {"follow"} == {step.operation.name for step in kept if step.operation is not None}
    assert [step for step in witness.program.steps if step.operation is None] == [
        step for step in kept if step.operation is None
    ]
