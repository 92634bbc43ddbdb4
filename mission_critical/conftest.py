"""Options of the gate, and the evidence its claims are judged from: gathered when the first test needs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from harness.claims.evidence import Evidence, SuiteOutcome
from harness.claims.plan import MOST_IN_PROGRAMS, LoadBudget, Plan, PropertiesBudget, SchedulesBudget
from harness.claims.replay_command import verified_again
from harness.claims.run_folder import RunFolder
from harness.extras import MissingExtra, need
from harness.judging.checkers import CHECKERS
from harness.properties.suite import PropertiesSuite
from harness.schedules.suite import SchedulesSuite
from harness.verification.resolve import NamedTarget, TargetError, open_explorer, resolve
from harness.verification.trials import under_load
from harness.verification.verification import manifest_of

Gathered = Callable[[str, Callable[[RunFolder], SuiteOutcome]], Sequence[Evidence]]


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of every run of the gate."""
    given: int = request.config.getoption("--isolation-seed")
    return given


@pytest.fixture(scope="session")
def users(request: pytest.FixtureRequest) -> int:
    """How many users work at once."""
    given: int = request.config.getoption("--isolation-users")
    return given


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> NamedTarget:
    """The target that the gate guards."""
    try:
        return resolve(request.config.getoption("--isolation-target"))
    except TargetError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def again(target: NamedTarget, seed: int, users: int) -> str:
    """The command that examines the target again, as far as a quick verification does."""
    return verified_again(target.name, plan="quick", seed=seed, users=users)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the gate share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def gathered(shared: Path, target: NamedTarget, seed: int, users: int) -> Gathered:
    """Give the evidence of a suite, which the first process that asks for it gathers for all."""

    def once(name: str, gather: Callable[[RunFolder], SuiteOutcome]) -> Sequence[Evidence]:
        path = shared / f"gate-{name}"
        with FileLock(f"{path}.lock"):
            if (path / "manifest.json").exists():
                return RunFolder.open(path).evidence()
            plan = Plan(name="mission-critical")
            manifest = manifest_of(target, plan, seed, users, "pytest mission_critical", path)
            folder = RunFolder.create(path, manifest)
            for item in gather(folder).evidence:
                folder.add(item)
            return folder.evidence()

    return once


@pytest.fixture(scope="session")
def properties_evidence(
    gathered: Gathered, target: NamedTarget, seed: int, users: int, again: str
) -> Sequence[Evidence]:
    """What the properties suite has to say of the target."""

    def gather(folder: RunFolder) -> SuiteOutcome:
        with target.prepared() as open_target:
            suite = PropertiesSuite(
                target=target.name,
                open_target=open_target,
                budget=PropertiesBudget(examples=20, users=min(users, MOST_IN_PROGRAMS)),
                seed=seed,
                checkers=CHECKERS,
                again=again,
                folder=folder,
            )
            return suite.run()

    return gathered("properties", gather)


@pytest.fixture(scope="session")
def schedules_evidence(gathered: Gathered, target: NamedTarget, seed: int) -> Sequence[Evidence]:
    """What the schedules suite has to say of the target."""

    def gather(folder: RunFolder) -> SuiteOutcome:
        suite = SchedulesSuite(
            target=target.name,
            open_explorer=open_explorer,
            budget=SchedulesBudget(schedules=50),
            seed=seed,
            checkers=CHECKERS,
            folder=folder,
        )
        return suite.run()

    return gathered("schedules", gather)


@pytest.fixture(scope="session")
def load_evidence(
    gathered: Gathered, target: NamedTarget, seed: int, users: int, again: str, unknown: Callable[[str], None]
) -> Sequence[Evidence]:
    """What the load suite has to say of the target; nothing where it cannot serve it."""
    server = target.server
    if server is None:
        return ()
    try:
        need("load", "the load suite")
    except MissingExtra as error:
        unknown(str(error))
    budget = LoadBudget(duration_s=5, users=users)
    return gathered("load", lambda folder: under_load(target.name, server, budget, seed, folder, print, again=again))


@pytest.fixture(scope="session")
def unknown(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What to do about a claim that nothing is known of: fail, or skip where the caller allows it."""

    def conclude(reason: str) -> None:
        if request.config.getoption("--isolation-allow-unknown"):
            pytest.skip(f"UNKNOWN: {reason}")
        pytest.fail(f"UNKNOWN: {reason}", pytrace=False)

    return conclude
