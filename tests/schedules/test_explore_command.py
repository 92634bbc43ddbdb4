"""`harness explore` as somebody types it: what it finds is shown again, and whoever ends it loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.command.cli import main
from harness.schedules.exploration import UNSHRUNK

HARNESS = [sys.executable, "-m", "harness"]
BOARD = f"{Path(__file__).parent / 'board_target.py'}:board"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call a command in another process, as a user does."""
    return subprocess.run([*HARNESS, *arguments], capture_output=True, text=True, timeout=60, check=False)


def called(*arguments: str) -> Result:
    """Call a command in this process."""
    return CliRunner().invoke(main, arguments, prog_name="harness")


def interrupted(command: list[str], text: str) -> tuple[int, str]:
    """Interrupt a command when it has said something; return its exit code and what it printed."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stderr=pipe, stdout=pipe, text=True, start_new_session=True)
    assert process.stderr is not None
    try:
        next(line for line in process.stderr if text in line)
        process.terminate()  # as CI does; an interrupt of the keyboard may be ignored where tests run in the background
        stdout, _ = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):  # whatever is left of it, its workers, too
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, stdout


def test_explore_replay_round_trip(tmp_path: Path) -> None:
    """Exit 1 and a replay command; the command shows the finding, and exits 1, too."""
    out = tmp_path / "run"
    words = ["explore", "shared-bridge", "--schedules", "2", "--shrink-runs", "10", "--workers", "1", "--out"]
    command = [*HARNESS, *words, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert 1 == done.returncode, done.stderr
    replay = next(line for line in done.stdout.splitlines() if line.startswith("Replay: "))
    again = run(*replay.removeprefix("Replay: harness ").split())
    assert 1 == again.returncode, again.stderr
    assert "seen again, step by step as recorded" in again.stdout
    assert (out / "report.html").exists()


@pytest.mark.parametrize("strategy", ["portfolio", "exhaustive"])
def test_interrupting_loses_nothing_found(tmp_path: Path, strategy: str) -> None:
    """What had been found when somebody had enough is in the report, which says that it was stopped; as it was
    found, it can be replayed.
    """
    out = tmp_path / "run"
    words = ["--schedules", "100000", "--workers", "1", "--strategy", strategy]
    command = [*HARNESS, "explore", BOARD, *words, "--out", str(out)]
    code, stdout = interrupted(command, "found by")
    assert 1 == code
    report = json.loads((out / "report.json").read_text())
    assert "somebody interrupted it" in report["note"]
    assert any(suite["histories"] for suite in report["suites"])
    assert "LEAKED-IN-ANSWER" in stdout
    found = report["findings"][0]
    assert UNSHRUNK in found["explanation"]
    again = run("replay", str(out / found["history"]))
    assert 1 == again.returncode, again.stderr


def test_a_worker_that_spins_is_not_waited_for(tmp_path: Path) -> None:
    """It has some seconds to end, and is ended."""
    words = ["--schedules", "1000", "--workers", "1", "--out", str(tmp_path / "run")]
    command = [*HARNESS, "explore", BOARD.replace(":board", ":spinning_board"), *words]
    code, stdout = interrupted(command, "found by")
    assert (1, True) == (code, "LEAKED-IN-ANSWER" in stdout)


def test_interrupted_before_there_is_anything_it_says_unknown(tmp_path: Path) -> None:
    """Not the exit code of a violation: here the target's own module is still being imported."""
    module = tmp_path / "slow.py"
    module.write_text("import sys, threading\nprint('importing', file=sys.stderr)\nthreading.Event().wait()\n")
    code, _ = interrupted([*HARNESS, "explore", f"{module}:board", "--out", str(tmp_path / "run")], "importing")
    assert 3 == code


@pytest.mark.parametrize(
    ("ending", "said"),
    [("exiting_board", "SystemExit: 7"), ("dying_board", "a worker ended in the middle of its work")],
)
def test_a_target_that_ends_its_process_loses_nothing_found(tmp_path: Path, ending: str, said: str) -> None:
    """Whether it asks Python or the system for it: there is a report, with a reason, and our own exit code."""
    out = tmp_path / "run"
    words = ["--schedules", "100", "--shrink-runs", "5", "--workers", "1", "--out", str(out)]
    command = [*HARNESS, "explore", BOARD.replace(":board", f":{ending}"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (1, True, True) == (done.returncode, said in done.stdout, "LEAKED-IN-ANSWER" in done.stdout), done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explore", "nobody"], "there is no target 'nobody'"),
        (["explore", "reference", "--schedules", "0"], "0 is not in the range"),
        (["explore", BOARD.replace(":board", ":closed_board"), "--out", "{out}"], "the board is closed"),
        (["explore", "--strategy", "sweep", "--no-faults"], "leave out --no-faults"),
        (["export", "{out}"], "cannot be replayed"),
    ],
)
def test_wrong_words_are_one_clear_error(tmp_path: Path, arguments: list[str], said: str) -> None:
    """What, why and what to do; exit code 2."""
    done = called(*(argument.format(out=tmp_path / "new") for argument in arguments))
    assert (2, True) == (done.exit_code, said in done.stderr), done.stderr
