"""What was found is made smaller: whatever takes long goes first, if it shows without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from harness.scenario.script import Manner, Script
from harness.wire.reduction import make_smallest
from harness.wire.stage import Performed, Stage

from harness.adapter import Adapter, LogFile, Route, session
from harness.history.model import Header
from harness.judging.checkers import CHECKERS
from harness.wire.serving import located
from harness.wire.stimuli.in_turn import in_turn
from harness.wire.stimuli.setting import Setting

SERVICE = Path(__file__).parent / "session_service.py"


@dataclass
class Reducing:
    """A leak that was found, and what is performed from then on to make it smaller."""

    stage: Stage
    found: Performed
    performed: list[Script]


@asynccontextmanager
async def reducing(log: Path) -> AsyncIterator[Reducing]:
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
    setting = Setting(adapter=adapter, users=3, rounds=1, volume=1, warm_up_s=0, rtt_s=0.01, first=0, seed=1)
    with located(adapter) as url:
        performed: list[Script] = []
        stage = Stage(adapter, url, {"leak": CHECKERS["leak"]}, listener=lambda done: performed.append(done.script))
        found = await stage.perform(in_turn(setting), Header(target="t", suite="wire", seed=1, users=3))
        yield Reducing(stage, found, performed)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "service.log"
    path.touch()
    monkeypatch.setenv("SESSION_SERVICE_LOG", str(path))
    return path


def nobodys(performed: Performed) -> Performed:
    """Return the same, with a finding that names nobody."""
    verdict = performed.verdicts["leak"]
    finding = replace(verdict.findings[0], owner="", observer="")
    return replace(performed, verdicts={"leak": replace(verdict, findings=(finding,))})


@pytest.mark.asyncio
async def test_waiting_goes_first(log: Path) -> None:
    """With no time at all to make it smaller, the minute of waiting is gone, and the finding is still there."""
    async with reducing(log) as case:
        script = case.found.script
        late = replace(script.waves[0][0], manner=Manner(at_s=60.0))
        waiting = replace(case.found, script=replace(script, waves=(*script.waves, (late,))))
        smallest = await make_smallest(case.stage, waiting, "leak", seconds=0, attempts=1)
    assert [] == [act for wave in smallest.performed.script.waves for act in wave if act.manner.at_s]
    assert ("leaked-in-event", (1, 1)) == (smallest.finding.anomaly, smallest.shown)


@pytest.mark.asyncio
@pytest.mark.parametrize("named", [True, False], ids=["named", "nobody"])
async def test_what_is_left_is_what_shows_it(log: Path, named: bool) -> None:
    """One writes after another, and nothing else; also where the finding does not say who they are."""
    async with reducing(log) as case:
        first = case.found if named else nobodys(case.found)
        smallest = await make_smallest(case.stage, first, "leak", seconds=60, attempts=1)
    assert ["write", "write"] == [act.name for wave in smallest.performed.script.waves for act in wave]


@pytest.mark.asyncio
async def test_nothing_is_performed_that_does_nothing(log: Path) -> None:
    """A script without acts shows nothing, and one that was performed already is no smaller."""
    async with reducing(log) as case:
        case.performed.clear()
        await make_smallest(case.stage, nobodys(case.found), "leak", seconds=60, attempts=0)
    assert [] == [script for script in case.performed if not script.waves or script == case.found.script]
