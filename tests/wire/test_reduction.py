"""What was found over sockets is made smaller: whatever takes long goes first, if it shows without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.adapter import Adapter, LogFile, Route, session
from harness.history.model import Header
from harness.judging.checkers import CHECKERS
from harness.performing.adapted import AdaptedTarget
from harness.performing.performance import Failure, perform
from harness.performing.reduction import Perform, reduce
from harness.scenario.program import Do, Program, RequestOptions
from harness.transport.exchange import Exchange
from harness.wire.serving import located
from harness.wire.stimuli.in_turn import in_turn
from harness.wire.stimuli.setting import Setting

SERVICE = Path(__file__).parent / "session_service.py"


@dataclass
class Reducing:
    """A leak that was found, and what is performed from then on to make it smaller."""

    again: Perform
    found: Failure
    performed: list[Program]


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
    header = Header(target="t", suite="wire", seed=1, users=3, promises=adapter.promises)
    performed: list[Program] = []
    with located(adapter) as url:

        @asynccontextmanager
        async def open_target() -> AsyncIterator[AdaptedTarget]:
            target = AdaptedTarget(adapter, Exchange(url))
            try:
                yield target
            finally:
                await target.close()

        async def again(program: Program) -> Failure:
            performed.append(program)
            return await perform(program, header, open_target, {"leak": CHECKERS["leak"]})

        program = in_turn(setting)
        assert program is not None
        yield Reducing(again, await again(program), performed)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "service.log"
    path.touch()
    monkeypatch.setenv("SESSION_SERVICE_LOG", str(path))
    return path


def nobodys(failure: Failure) -> Failure:
    """Return the same, with a finding that names nobody."""
    verdict = failure.verdicts["leak"]
    finding = replace(verdict.findings[0], owner="", observer="")
    return replace(failure, verdicts={"leak": replace(verdict, findings=(finding,))})


@pytest.mark.asyncio
async def test_waiting_goes_first(log: Path) -> None:
    """With no time at all to make it smaller, the minute of waiting is gone, and the finding is still there."""
    async with reducing(log) as case:
        program = case.found.program
        late = replace(next(step for step in program.steps if step.do is Do.ASK), how=RequestOptions(at_s=60.0))
        waiting = replace(case.found, program=replace(program, steps=(*program.steps, late)))
        smallest = await reduce(waiting, "leak", case.again, 0, needed=1, tries=3, attempts=1)
    assert [] == [step for step in smallest.failure.program.steps if step.how.at_s]
    assert ("leaked-in-event", (1, 1)) == (smallest.finding.anomaly, smallest.shown)


@pytest.mark.asyncio
@pytest.mark.parametrize("named", [True, False], ids=["named", "nobody"])
async def test_what_is_left_is_what_shows_it(log: Path, named: bool) -> None:
    """One writes after another, and nothing else is asked; also where the finding does not say who they are."""
    async with reducing(log) as case:
        first = case.found if named else nobodys(case.found)
        smallest = await reduce(first, "leak", case.again, 60, needed=1, tries=3)
    asked = [step.operation.name for step in smallest.failure.program.steps if step.operation is not None]
    assert ["write", "write"] == asked


@pytest.mark.asyncio
async def test_nothing_is_performed_that_does_nothing(log: Path) -> None:
    """A program that asks for nothing shows nothing, and the one that was performed already is no smaller."""
    async with reducing(log) as case:
        case.performed.clear()
        await reduce(nobodys(case.found), "leak", case.again, 60, needed=1, tries=3)
    assert [] == [p for p in case.performed if not p.asked or p.steps == case.found.program.steps]
