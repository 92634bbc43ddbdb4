"""What a command leaves in the folder of who types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_command import called_in, plan_in

from harness.properties.storage import VARIABLE

PARTS = """
claims = ["SES-2"]
trials = ["shared-bridge"]
load = false

[properties]
examples = 3
users = 2
component_examples = 3
shrink_s = 1
"""


def test_a_verification_leaves_the_run_folder_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random programs, inputs of parts and a trial in a process of its own leave no cache behind."""
    monkeypatch.delenv(VARIABLE, raising=False)
    here, plans = tmp_path / "here", tmp_path / "plans"
    here.mkdir()
    plans.mkdir()
    answer = called_in(here, "verify", "--plan", plan_in(plans, PARTS), "--out", "run")
    assert "random programs" in answer.stderr, answer.stderr
    assert ["run"] == sorted(path.name for path in here.iterdir())
