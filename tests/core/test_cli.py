from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from harness_command import TINY, called, heard, plan_in, started

from harness.claims.adjudication import CLAIMS
from harness.judging.checkers import CHECKERS
from harness.mutants import MUTANTS, NULLS, TWINS
from harness.verification.resolve import TARGETS, resolve

REPORTS = ("report.json", "report.md", "report.html", "junit.xml")


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return all that is in a folder, by relative name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a verification of the reference that was too small to hold, and its exit code."""
    folder = tmp_path_factory.mktemp("good")
    result = called("verify", "--plan", plan_in(folder), "--out", folder / "run", "--workers", "1")
    return folder / "run", result.exit_code


@pytest.fixture
def copy(good: tuple[Path, int], tmp_path: Path) -> Path:
    """A copy of that folder, of the same name, to be tampered with."""
    folder = tmp_path / good[0].name
    for name, content in contents(good[0]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


class TestList:
    def test_is_complete(self) -> None:
        """Every claim, checker, mutant, twin, null target and target, each with a sentence."""
        listed = json.loads(called("list", "--json").output)
        assert {
            "claims": [*CLAIMS],
            "checkers": [*CHECKERS],
            "targets": [*TARGETS],
            "mutants": [*MUTANTS],
            "safe twins": [*TWINS],
            "null targets": [*NULLS],
        } == {group: [*items] for group, items in listed.items()}
        assert [] == [name for items in listed.values() for name, sentence in items.items() if not sentence.strip()]

    def test_gives_names_that_can_be_verified(self) -> None:
        """Whatever it lists as a target, mutant, twin or null target is accepted as one."""
        listed = json.loads(called("list", "--json").output)
        names = [name for group in ("targets", "mutants", "safe twins", "null targets") for name in listed[group]]
        assert names == [resolve(name).name for name in names]

    def test_says_the_same_to_people(self) -> None:
        """One line each, under a heading."""
        listed = json.loads(called("list", "--json").output)
        assert sum(1 + len(items) for items in listed.values()) == len(called("list").output.splitlines())

    def test_ends_quietly_when_nobody_reads_on(self) -> None:
        """`harness list | head -0`: no traceback, and the exit code of the command."""
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "harness", "list"]
        ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)
        assert (0, "") == (ended.returncode, ended.stderr)


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["verify", "nobody"], "Error: there is no target 'nobody': give reference, service"),
            (["verify", "--target", "nobody"], "Error: there is no target 'nobody': give reference, service"),
            (["verify", "one", "--target", "two"], "Error: two targets are given, one and --target two: give one of"),
            (["verify", "--plan", "nowhere"], "Error: there is no plan 'nowhere': give one of quick"),
            (["verify"], "is not empty, and what is recorded is never overwritten: give a new --out"),
            (["verify", "--users", "1"], "Error: Invalid value for '--users': 1 is not in the range x>=2"),
            (["verify", "--seed", "-1"], "Error: Invalid value for '--seed'"),
            (["verify", "--wrong"], "Error: No such option"),
        ],
    )
    def test_errors_leave_an_existing_folder_untouched(self, tmp_path: Path, arguments: list[str], said: str) -> None:
        """Exit code 2 and one clear sentence, before anything is written."""
        (tmp_path / "mine.txt").write_text("mine")
        result = called(*arguments, "--out", tmp_path)
        last = result.output.splitlines()[-1]
        assert (2, True) == (result.exit_code, last.startswith("Error: ") and said in last), result.output
        assert {"mine.txt": b"mine"} == contents(tmp_path)

    def test_what_was_drafted_of_an_application_is_told_before_anything_is_done(self, tmp_path: Path) -> None:
        """Whoever names an application reads what is assumed of it, whatever comes then."""
        (tmp_path / "mine.txt").write_text("mine")
        service = Path(__file__).parents[1] / "drafting" / "notes_service.py"
        lines = called("verify", f"{service}:app", "--out", tmp_path).output.splitlines()
        assert "assumed: users sign in by POST /auth/token, registered by POST /auth/register" == lines[0]
        assert lines[-1].startswith("Error: ")
        assert "is not empty" in lines[-1]

    def test_errors_make_no_folder(self, tmp_path: Path) -> None:
        """What could not begin leaves nothing behind."""
        called("verify", "nobody", "--out", tmp_path / "new")
        assert [] == [*tmp_path.iterdir()]

    @pytest.mark.parametrize("command", ["check", "report", "replay"])
    def test_errors_about_what_is_not_there_say_what_to_give(self, tmp_path: Path, command: str) -> None:
        """Exit code 2, one sentence."""
        result = called(command, tmp_path / "nowhere")
        assert (2, 1, True) == (result.exit_code, len(result.output.splitlines()), ": give " in result.output)

    def test_a_target_that_nobody_can_reach_could_not_be_run(self, tmp_path: Path) -> None:
        """Exit code 2, and a report that says so."""
        result = called("verify", "dead", "--plan", plan_in(tmp_path), "--out", tmp_path / "run")
        assert (2, "unknown") == (result.exit_code, json.loads((tmp_path / "run/report.json").read_text())["outcome"])

    def test_a_target_that_crashes_is_not_taken_for_one_that_leaks(self, tmp_path: Path) -> None:
        """Python's own exit code for a crash is 1, which means a violation here: it must be another."""
        (tmp_path / "crashing_target.py").write_text(
            "from harness.mutants.nulls import GrantAll\n"
            "class Crashing(GrantAll):\n"
            "    async def probes(self): raise RuntimeError('the tap fell off')\n"
        )
        target = f"{tmp_path / 'crashing_target.py'}:Crashing"
        result = called("verify", target, "--plan", plan_in(tmp_path), "--out", tmp_path / "run")
        assert (2, True) == (result.exit_code, "RuntimeError: the tap fell off" in result.output), result.output


class TestCheck:
    def test_of_a_good_folder_ends_as_the_verification_did(self, good: tuple[Path, int]) -> None:
        """What is unknown stays unknown: exit code 3, and no complaint."""
        result = called("check", good[0])
        assert (3, good[1], False) == (result.exit_code, good[1], "DOES NOT VERIFY" in result.output)

    @pytest.mark.parametrize("what", ['"kind":"ok"', '"name":"session"', '"name":"fault"', '"kind":"invoke"'])
    def test_finds_a_line_that_was_taken_out_of_a_history(self, copy: Path, what: str) -> None:
        """Exit code 4, also for a line on which no count depends."""
        path = next((copy / "histories").iterdir())
        lines = path.read_bytes().splitlines(keepends=True)
        taken = next(line for line in lines if what.encode() in line)
        path.write_bytes(b"".join(line for line in lines if line is not taken))
        result = called("check", copy)
        assert (4, True) == (result.exit_code, "DOES NOT VERIFY: " in result.output), result.output

    def test_finds_an_answer_that_was_changed(self, copy: Path) -> None:
        """Exit code 4: judged anew, the history says something else than the evidence."""
        path = next((copy / "histories").iterdir())
        path.write_bytes(path.read_bytes().replace(b'"kind":"ok"', b'"kind":"info"'))
        result = called("check", copy)
        assert (4, True) == (result.exit_code, "DOES NOT VERIFY: properties leak: examined" in result.output)

    @pytest.mark.parametrize("name", REPORTS)
    def test_finds_a_report_that_was_edited(self, copy: Path, name: str) -> None:
        """Exit code 4, naming the file."""
        path = copy / name
        path.write_text(path.read_text().replace("unknown", "holds").replace("UNKNOWN", "HOLDS"))
        result = called("check", copy)
        assert (4, True) == (result.exit_code, f"{name} is not what the evidence renders to" in result.output)

    def test_finds_evidence_that_was_edited(self, copy: Path) -> None:
        """Exit code 4: the histories say something else."""
        path = copy / "evidence.jsonl"
        path.write_text(path.read_text().replace('"leaked-in-answer":', '"leaked-in-answer":1', 1))
        result = called("check", copy)
        assert (4, True) == (result.exit_code, "DOES NOT VERIFY: properties leak: examined" in result.output)

    def test_finds_a_history_that_cannot_be_read(self, copy: Path) -> None:
        """Exit code 4: it names the line, and does not crash."""
        path = next((copy / "histories").iterdir())
        path.write_bytes(path.read_bytes().replace(b'"index":7', b'"index":x', 1))
        result = called("check", copy)
        assert (4, True) == (result.exit_code, "cannot be read" in result.output), result.output


class TestReport:
    def test_is_rendered_anew_byte_for_byte(self, copy: Path) -> None:
        """From the evidence alone: what was rendered before is not looked at."""
        before = contents(copy)
        for name in REPORTS:
            (copy / name).unlink()
        result = called("report", copy)
        assert (0, before) == (result.exit_code, contents(copy))


PARTLY = TINY.replace("trials = []", 'trials = ["unfiltered-threads", "memoised-search", "cache-by-user"]')


class TestInterruption:
    def test_of_a_verification_by_a_kill_leaves_a_partial_report(self, tmp_path: Path) -> None:
        """Nothing could be said at the end, so nothing holds: not even what all evidence so far would support."""
        plan, out = plan_in(tmp_path, PARTLY), tmp_path / "run"
        with started("verify", "--plan", plan, "--out", out, "--workers", "1", folder=tmp_path) as process:
            heard(process, "trials: 2 of 3")
            workers = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
            for worker in workers:
                worker.kill()
        result = called("report", out)
        report = json.loads((out / "report.json").read_text())
        assert (0, "unknown", []) == (result.exit_code, report["outcome"], report["claims"]["SES-2"]["reasons"])
        assert "the verification did not finish" in result.output
        assert "the verification did not finish" in (out / "report.md").read_text()

    def test_of_the_target_is_no_finding(self, tmp_path: Path) -> None:
        """A server process that dies half way gives exit code 2 or 3, a partial report, and accuses nobody."""
        out = tmp_path / "run"
        words = ("verify", "service", "--plan", plan_in(tmp_path), "--out", out)
        with started(*words, folder=tmp_path) as process:
            heard(process, "properties: program faults")
            [server] = [
                child
                for child in psutil.Process(process.pid).children(recursive=True)
                if "harness.targets.server" in child.cmdline()
            ]
            server.kill()
            assert process.stdout is not None
            said = process.stdout.read()
        report = json.loads((out / "report.json").read_text())
        findings = [finding for claim in report["claims"].values() for finding in claim["findings"]]
        assert (True, "unknown", []) == (process.returncode in (2, 3), report["outcome"], findings), said
        assert 0 < sum(suite["operations"] for suite in report["suites"])
