"""A replay command asks again for what was asked for: target, plan, seed, users and address, as they were typed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from harness_command import called, plan_in

from harness.claims.evidence import Suite
from harness.claims.plan import SchedulesBudget
from harness.claims.replay_command import explored_again, replayed, verified_again
from harness.command.cli import main

SERVICE = """
from harness.adapter import Adapter, Route, nobody

adapter = Adapter(name="a", sign_in=nobody(), routes=[Route("write", "POST", "/notes", json="{canary}")])
"""
NOBODY = "http://127.0.0.1:9/it's here"
SUITES = {
    Suite.PROPERTIES: "[properties]\nexamples = 0\ncomponent_examples = 1",
    Suite.SCHEDULES: "properties = false\n[schedules]\nschedules = 3\nshrink_runs = 0\ntrials = 0",
    Suite.WIRE: "",
    Suite.LOAD: "properties = false\n[load]\nduration_s = 0.5\ntrials = []",
}


def parsed(command: str) -> tuple[str, dict[str, Any]]:
    """Return what the command line makes of a command: its name, and what it was given."""
    program, name, *arguments = shlex.split(command)
    assert "harness" == program
    return name, main.commands[name].make_context(name, arguments).params


@pytest.mark.parametrize("suite", Suite)
def test_of_each_suite_asks_for_what_was_typed(suite: Suite, tmp_path: Path) -> None:
    """Also where there is no witness: the plan is the one that was typed, and not a built-in one."""
    load = "" if suite is Suite.LOAD else "load = false\n"
    plan = plan_in(tmp_path, f'claims = ["SES-2"]\ntrials = []\n{load}{SUITES[suite]}\n')
    (tmp_path / "my target.py").write_text(SERVICE, encoding="utf-8")
    target, url = (f"{tmp_path}/my target.py", NOBODY) if suite is Suite.WIRE else ("reference", "")
    typed = ["--target", target, "--plan", str(plan), "--seed", "5", "--users", "3", *(["--url", url] if url else [])]
    called("verify", *typed, "--out", tmp_path / "run", "--workers", "1")
    evidence = [json.loads(line) for line in (tmp_path / "run/evidence.jsonl").read_text().splitlines()]
    again = {item["replay"] for item in evidence if item["suite"] == suite}
    explore = [
        "explore",
        "reference",
        "--schedules",
        "3",
        "--shrink-runs",
        "0",
        "--seed",
        "5",
        "--strategy",
        "portfolio",
    ]
    expected = explore if suite is Suite.SCHEDULES else ["verify", *typed]
    assert {shlex.join(["harness", *expected])} == again


def test_a_verification_is_asked_for_as_it_was_typed() -> None:
    """With whatever stands in names and addresses; what was left out is left out again."""
    given = {"target": "a b.py:c", "plan_name": "my 'plan'.toml", "seed": 7, "users": 12, "url": "http://h/?a=1&b=2"}
    command = verified_again("a b.py:c", plan="my 'plan'.toml", seed=7, users=12, url="http://h/?a=1&b=2")
    name, params = parsed(command)
    assert ("verify", given) == (name, {key: params[key] for key in given})
    assert "harness verify --target t --plan quick --seed 1" == verified_again("t", plan="quick", seed=1)


@pytest.mark.parametrize(
    ("strategy", "modes", "blows", "mode"),
    [
        ("portfolio", ("asyncio-strict", "preemptive"), True, "both"),
        ("pct", ("preemptive",), False, "preemptive"),
    ],
)
def test_an_exploration_is_asked_for_as_it_was(strategy: str, modes: tuple[str, ...], blows: bool, mode: str) -> None:
    """With its budget, its strategy, its modes, and with faults or without."""
    budget = SchedulesBudget(schedules=17, shrink_runs=3)
    given = {"target": "a b", "schedules": 17, "shrink_runs": 3, "seed": 9}
    given |= {"strategy": strategy, "mode_name": mode, "blows": blows}
    name, params = parsed(explored_again("a b", budget, seed=9, strategy=strategy, modes=modes, blows=blows))
    assert ("explore", given) == (name, {key: params[key] for key in given})


def test_a_witness_is_replayed_by_its_file() -> None:
    """Wherever the run folder is."""
    name, params = parsed(replayed(Path("my runs/w.json")))
    assert ("replay", Path("my runs/w.json")) == (name, params["file"])
