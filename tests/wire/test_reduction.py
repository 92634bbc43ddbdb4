"""What was found is made smaller: whatever takes long goes first, if it shows without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapter import Adapter, LogFile, Route, session
from harness.history.model import Header
from harness.judging.checkers import CHECKERS
from harness.scenario.script import Manner
from harness.wire.reduction import make_smallest
from harness.wire.serving import located
from harness.wire.stage import Stage
from harness.wire.stimuli.in_turn import in_turn
from harness.wire.stimuli.setting import Setting

SERVICE = Path(__file__).parent / "session_service.py"


@pytest.mark.asyncio
async def test_waiting_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all to make it smaller, the minute of waiting is gone, and the finding is still there."""
    log = tmp_path / "service.log"
    log.touch()
    monkeypatch.setenv("SESSION_SERVICE_LOG", str(log))
    adapter = Adapter(
        name="sessions",
        app=f"{SERVICE}:wrong_log",
        sign_in=session("POST", "/sign-in", json={"name": "{user}"}, token="token"),
        routes=[
            Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
            Route("read", "GET", "/notes/{note}"),
        ],
        log=LogFile(str(log), r"user=<([^>]*)>"),
    )
    setting = Setting(adapter=adapter, users=2, rounds=1, volume=1, warm_up_s=0, rtt_s=0.01, first=0, seed=1)
    with located(adapter) as url:
        stage = Stage(adapter, url, {"leak": CHECKERS["leak"]})
        script = in_turn(setting)
        found = await stage.perform(script, Header(target="t", suite="wire", seed=1, users=2))
        late = replace(script.waves[0][0], manner=Manner(at_s=60.0))
        waiting = replace(found, script=replace(script, waves=(*script.waves, (late,))))
        smallest = await make_smallest(stage, waiting, "leak", seconds=0, attempts=1)
    assert [] == [act for wave in smallest.performed.script.waves for act in wave if act.manner.at_s]
    assert ("leaked-in-event", (1, 1)) == (smallest.finding.anomaly, smallest.shown)
