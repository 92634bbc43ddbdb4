"""Operations that a suite never reached are named, in every report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from harness.adapter import Adapter, Route
from harness.adapter.importing import imported
from harness.claims.adjudication import report_of
from harness.claims.evidence import Manifest, SuiteOutcome
from harness.claims.plan import PropertiesBudget, SchedulesBudget, WireBudget
from harness.judging.checkers import CHECKERS
from harness.load.account import Account
from harness.properties.suite import PropertiesSuite
from harness.reporting import render
from harness.schedules.batches import explorer
from harness.schedules.suite import SchedulesSuite
from harness.targets.application import open_application
from harness.wire.serving import located
from harness.wire.suite import WireSuite

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
NOTES: Adapter = imported(f"{EXAMPLES / 'notes_adapter.py'}:fixed")
UNREACHED = Route("copy_folder", "POST", "/folders/{folder}/copies", makes="folder")
ADAPTER = replace(NOTES, routes=(*NOTES.routes, UNREACHED))
"""Nothing makes the first folder, so nobody can copy one."""


def by_properties() -> SuiteOutcome:
    return PropertiesSuite(
        target="notes",
        open_target=partial(open_application, ADAPTER, "notes"),
        budget=PropertiesBudget(examples=0, users=2),
        seed=1,
        checkers=CHECKERS,
    ).run()


def by_schedules() -> SuiteOutcome:
    return SchedulesSuite(
        target="notes",
        open_explorer=lambda name, seed: explorer(name, partial(open_application, ADAPTER, name), seed, CHECKERS),
        budget=SchedulesBudget(schedules=8),
        seed=1,
        checkers=CHECKERS,
    ).run_here()


def by_wire() -> SuiteOutcome:
    budget = WireBudget(users=2, rounds=1, volume=20, stimuli=("in-turn",), attempts=1)
    with located(ADAPTER) as url:
        return WireSuite(target="notes", adapter=ADAPTER, url=url, budget=budget, seed=1).run()


@pytest.mark.parametrize("suite", [by_properties, by_schedules, by_wire])
def test_a_suite_names_what_it_never_asked(suite: Callable[[], SuiteOutcome]) -> None:
    """Everything else was asked, and the reports say so."""
    run = suite().run
    assert ("copy_folder",) == run.never_asked
    manifest = Manifest(run="r", target="notes", plan="p", required=(), seed=1, users=2, started="", version="0")
    reports = render(report_of(manifest, (run,), (), (), ""), lambda name: None, lambda name, history: ())  # type: ignore[arg-type, return-value]
    said = f"Never asked by the {run.suite.value} suite: "
    assert (True, True) == (f"{said}`copy_folder`" in reports["report.md"], f"{said}copy" in reports["report.html"])


def test_load_workers_ask_together() -> None:
    """What one of them asked for was asked, and an account of nothing changes nothing."""
    first, second = (Account(offered=("write", "read"), asked=(name,)) for name in ("write", "read"))
    assert ("read", "write") == Account().merge(first).merge(second).asked
    assert ("write", "read") == Account().merge(first).offered
