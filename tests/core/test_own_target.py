from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from harness_command import TINY, called, plan_in

from harness.claims.adjudication import CLAIMS

EXAMPLES = Path("docs/examples")
TARGET = EXAMPLES / "leaky_target.py"
NOT_SHOWN = set(CLAIMS) - {"SES-2", "SES-5", "ERR-1", "AUT-2"}
"""Claims of which notes over HTTP show nothing."""


def verified(attribute: str, plan: Path, out: Path) -> tuple[int, str, Any]:
    """Verify one of the services; return exit code, output, and report."""
    result = called("verify", "--target", f"{TARGET}:{attribute}", "--plan", plan, "--out", out, "--workers", "2")
    return result.exit_code, result.output, json.loads((out / "report.json").read_text())


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Any]:
    """The corrected service under the plan of the documentation."""
    return verified("fixed", EXAMPLES / "notes_plan.toml", tmp_path_factory.mktemp("own") / "run")


def test_a_service_that_leaks_is_caught(tmp_path: Path) -> None:
    """Exit code 1; the finding names who saw whose data, and the claim that is violated."""
    code, output, report = verified("leaky", plan_in(tmp_path), tmp_path / "run")
    finding = report["claims"]["SES-2"]["findings"][0]
    assert (1, "violated", "violated") == (code, report["outcome"], report["claims"]["SES-2"]["outcome"])
    assert re.search(r"^LEAKED-IN-ANSWER: u0[01] observed u0[01]'s canary in the answer of \w+$", output, re.MULTILINE)
    assert {"u00", "u01"} == {finding["owner"], finding["observer"]}


def test_its_replay_shows_it_again(tmp_path: Path) -> None:
    """With the command that the verification prints."""
    _, output, _ = verified("leaky", plan_in(tmp_path), tmp_path / "run")
    replay = re.search(r"^Replay: harness replay (.*)$", output, re.MULTILINE)
    assert replay is not None
    result = called("replay", replay.group(1))
    assert (1, True) == (result.exit_code, "\nLEAKED-IN-ANSWER: " in result.output)


def test_its_corrected_twin_holds(fixed: tuple[int, str, Any]) -> None:
    """Exit code 0 under a plan that requires what it can show, for ten users."""
    code, output, report = fixed
    required = {name: claim["outcome"] for name, claim in report["claims"].items() if claim["required"]}
    assert (0, {"SES-2": "holds", "AUT-2": "holds", "ERR-1": "holds"}) == (code, required), output
    assert {"properties": 10, "schedules": 2} == {suite["suite"]: suite["users"] for suite in report["suites"]}


def test_an_honest_service_is_not_flagged(fixed: tuple[int, str, Any]) -> None:
    """By no checker, for no claim."""
    assert [] == [finding for claim in fixed[2]["claims"].values() for finding in claim["findings"]]


def test_nothing_holds_that_it_cannot_show(fixed: tuple[int, str, Any]) -> None:
    """Every other claim is unknown, and says why: what is missing was not examined."""
    claims = fixed[2]["claims"]
    assert dict.fromkeys(NOT_SHOWN, "unknown") == {name: claims[name]["outcome"] for name in NOT_SHOWN}
    assert [] == [name for name in NOT_SHOWN if not claims[name]["reasons"]]


def test_a_claim_that_it_cannot_show_is_missed_when_it_is_required(tmp_path: Path) -> None:
    """Exit code 3, with the reason: it needs events, which the service does not have."""
    plan = plan_in(tmp_path, TINY.replace("SES-2", "EVT-1"))
    code, output, _ = verified("fixed", plan, tmp_path / "run")
    assert (3, True) == (code, "EVT-1 unknown: nothing was examined for misdelivered: it needs a channel" in output), (
        output
    )


def test_the_examples_are_as_short_as_they_are_said_to_be() -> None:
    """And the service is built from no part of ours."""
    service, target = (EXAMPLES / "leaky_notes.py").read_text(), TARGET.read_text()
    assert (True, True) == (len(service.splitlines()) <= 50, len(target.splitlines()) <= 64)
    assert None is re.search(r"^\s*(from|import) (harness|reference_impl|reports)\b", service, re.MULTILINE)


def test_every_file_that_the_tutorial_names_is_there() -> None:
    """And what it quotes of them stands in them."""
    text = Path("docs/howto-own-target.md").read_text(encoding="utf-8")
    named = set(re.findall(r"docs/examples/[\w.]+\.(?:py|toml)", text))
    assert (set(), True) == ({name for name in named if not Path(name).exists()}, 3 <= len(named))
