"""A service is verified as its owner would do it: one command, exit codes, a replay, and clear words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.adapter.importing import imported
from harness.claims.evidence import Manifest
from harness.claims.plan import WireBudget
from harness.claims.run_folder import RunFolder
from harness.command.cli import main
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Outcome
from harness.verification.recheck import judge_anew
from harness.wire.suite import WireSuite
from tests.services.catalogue import SERVICES
from tests.services.serving import serving

TARGETS = Path(__file__).parent / "targets"
PLAN = """
claims = ["SES-2", "AUT-2"]
trials = []

[wire]
users = 4
rounds = 1
volume = 50
stimuli = ["in-turn", "ids"]
shrink_s = 3
attempts = 3
"""
TRIALS = '["memoised-search", "unchecked-run", "telling-refusal", "cache-by-user", "grant-all"]'
"""Planted bugs, a twin and a null target: without them no checker is believed, so nothing holds."""
BROKEN = """
from harness.adapter import Adapter, Route, bearer
import jwt

SECRET = "what the services of tests/services sign with"
adapter = Adapter(
    name="broken",
    sign_in=bearer(lambda user: jwt.encode({{"sub": user.name}}, {secret}, algorithm="HS256")),
    routes=[
        Route("write", "POST", "/{path}", json={{"text": "{{canary}}"}}, makes="note", id="{id}"),
        Route("list", "GET", "/notes"),
    ],
)
"""


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="harness")


@pytest.fixture(scope="module")
def leaky() -> Iterator[str]:
    with serving("starlette_notes", leaky=True) as url:
        yield url


@pytest.fixture(scope="module")
def twin() -> Iterator[str]:
    with serving("starlette_notes", leaky=False) as url:
        yield url


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def verified(url: str, plan: Path, out: Path) -> Result:
    target = TARGETS / "starlette_notes_target.py"
    return called("verify", "--url", url, "--target", target, "--plan", plan, "--out", out, "--workers", "1")


def test_a_twin_holds_and_its_folder_verifies(twin: str, plan: Path, tmp_path: Path) -> None:
    """Exit code 0, and the stored history says the same."""
    plan.write_text(PLAN.replace("[]", TRIALS))
    result = verified(twin, plan, tmp_path / "run")
    assert (0, True) == (result.exit_code, "HOLDS: 2 of 2" in result.output), result.output
    assert 0 == called("check", tmp_path / "run").exit_code


def test_a_leak_is_told_with_both_requests_and_shown_again(leaky: str, plan: Path, tmp_path: Path) -> None:
    """Exit code 1; owner, observer, both requests; the replay counts how often it shows."""
    result = verified(leaky, plan, tmp_path / "run")
    assert 1 == result.exit_code, result.output
    assert "observed" in result.output
    assert "POST /notes" in result.output
    assert "GET /notes" in result.output
    report = (tmp_path / "run/report.md").read_text()
    assert "| `in-turn` |" in report
    page = (tmp_path / "run/report.html").read_text()
    assert page.index('id="stimuli"') < page.index("<td>leak after")
    assert "u00: POST /notes {&#34;text&#34;" in page or "POST /notes {&quot;text&quot;" in page


@pytest.mark.parametrize("name", ["django_orders", "progress_stream", "kept_agents", "sse_feed"])
def test_a_finding_is_sent_again_and_counted(name: str, plan: Path, tmp_path: Path) -> None:
    """It shows each time on the service that has it, in few requests; on its twin, at another place, never."""
    with serving(name, leaky=True) as url:
        target = TARGETS / f"{name}_target.py"
        stimuli = f'["{SERVICES[name].stimulus}"]'
        plan.write_text(PLAN.replace("shrink_s = 3", "shrink_s = 60").replace('["in-turn", "ids"]', stimuli))
        arguments = ("--target", target, "--plan", plan, "--out", tmp_path / "run", "--workers", "1")
        assert 1 == called("verify", "--url", url, *arguments).exit_code
        file, *_ = sorted((tmp_path / "run/witnesses").glob("wire-*.json"))
        again = called("replay", file)
        assert (1, True) == (again.exit_code, "seen in 5 of 5 attempts" in again.output), again.output
        assert "    8. " not in again.output  # of the fifty requests, few are left
    with serving(name, leaky=False) as url:
        other = called("replay", file, "--url", url, "--attempts", "3")
        assert (3, True) == (other.exit_code, "not seen in 3 attempts" in other.output), other.output
        assert "start it anew" in other.output


def test_what_was_found_before_a_service_died_is_kept(tmp_path: Path) -> None:
    """The leak that the first stimulus showed is in the evidence, and the histories say the same."""
    manifest = Manifest(run="r", target="t", plan="p", required=(), seed=1, users=4, started="", version="")
    folder = RunFolder.create(tmp_path / "run", manifest)
    with ExitStack() as running:
        url = running.enter_context(serving("starlette_notes", leaky=True))

        def say(line: str) -> None:
            if line.startswith("ids"):
                running.close()

        adapter = imported(str(TARGETS / "starlette_notes_target.py"), "adapter")
        budget = WireBudget(users=4, rounds=1, volume=20, stimuli=("in-turn", "ids"), shrink_s=1, attempts=1)
        suite = WireSuite(target="t", adapter=adapter, url=url, budget=budget, seed=1, folder=folder, say=say)
        outcome = suite.run()
    assert "start the service" in outcome.unreachable
    by_checker = {item.verdict.checker: item.verdict for item in outcome.evidence}
    assert {**dict.fromkeys(CHECKERS, Outcome.UNKNOWN), "leak": Outcome.VIOLATED} == {
        name: verdict.outcome for name, verdict in by_checker.items()
    }
    folder.add(outcome.run)
    anew = judge_anew(folder)["wire"]
    assert outcome.run.histories == anew.histories
    assert by_checker["leak"].violations == anew.verdicts["leak"].violations


def test_interrupting_loses_nothing_found(leaky: str, plan: Path, tmp_path: Path) -> None:
    """What had been found when somebody had enough is in the report with both requests, and exit code 1 says so."""
    plan.write_text(PLAN.replace("shrink_s = 3", "shrink_s = 600"))
    target = TARGETS / "starlette_notes_target.py"
    words = ["--url", leaky, "--target", str(target), "--plan", str(plan), "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "harness", "verify", *words, "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if "smaller" in line)
        process.terminate()
        said = process.stdout.read()
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert (1, "violated") == (process.returncode, report["outcome"]), said
    assert ("stopped" in report["note"], "POST /notes" in said) == (True, True), said


class TestWhatCannotBeVerified:
    def test_a_service_that_is_not_there(self, plan: Path, tmp_path: Path) -> None:
        """Exit code 2, one sentence."""
        result = verified("http://127.0.0.1:9", plan, tmp_path / "run")
        assert (2, True) == (result.exit_code, "start the service" in result.output), result.output

    @pytest.mark.parametrize(
        ("path", "secret", "place", "said"),
        [
            ("notes", "'a secret that is not the one of the service'", "id", "write was answered with 401"),
            ("memos", "SECRET", "id", "write was answered with 404"),
            ("notes", "SECRET", "key", "has no 'key'"),
        ],
        ids=["wrong credentials", "a route that is gone", "an answer of another form"],
    )
    def test_one_that_does_not_do_what_the_adapter_says(
        self, twin: str, plan: Path, tmp_path: Path, path: str, secret: str, place: str, said: str
    ) -> None:
        """Exit code 2, which route and what it answered; what was recorded is kept."""
        target = tmp_path / "isolation_target.py"
        target.write_text(BROKEN.format(path=path, secret=secret, id=place))
        arguments = ("--target", target, "--plan", plan, "--out", tmp_path / "run", "--workers", "1")
        result = called("verify", "--url", twin, *arguments)
        assert (2, True) == (result.exit_code, said in result.output), result.output
        assert "unknown" == json.loads((tmp_path / "run/report.json").read_text())["outcome"]

    @pytest.mark.parametrize(
        ("stimuli", "said"), [('["in-turns"]', "unknown stimulus 'in-turns': give bursts, crowd"), ("[]", "no stimuli")]
    )
    def test_a_plan_that_would_try_nothing(self, plan: Path, tmp_path: Path, stimuli: str, said: str) -> None:
        """Exit code 2: a stimulus that there is not would have shown nothing, and said so to nobody."""
        plan.write_text(PLAN.replace('["in-turn", "ids"]', stimuli))
        result = verified("http://127.0.0.1:9", plan, tmp_path / "run")
        assert (2, True) == (result.exit_code, said in result.output), result.output

    def test_a_url_of_a_target_that_has_none(self, plan: Path, tmp_path: Path) -> None:
        """Exit code 2: it would have been passed over."""
        result = called("verify", "--url", "http://127.0.0.1:9", "--plan", plan, "--out", tmp_path / "run")
        assert (2, True) == (result.exit_code, "leave --url out" in result.output), result.output

    def test_one_of_which_nobody_says_where_it_is(self, plan: Path, tmp_path: Path) -> None:
        """Exit code 2: give a URL."""
        target = TARGETS / "starlette_notes_target.py"
        result = called("verify", "--target", target, "--plan", plan, "--out", tmp_path / "run")
        assert (2, True) == (result.exit_code, "--url" in result.output), result.output
