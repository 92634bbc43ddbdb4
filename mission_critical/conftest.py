"""Options of the gate, and the evidence its claims are judged from: gathered when the first test needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.checkers import CHECKERS
from harness.evidence import Evidence
from harness.plan import LoadBudget, PropertiesBudget
from harness.properties.suite import PropertiesSuite
from harness.resolve import NamedTarget, TargetError, resolve
from harness.store import RunFolder
from harness.trials import under_load
from harness.verification import manifest_of, plan_of_gate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the gate."""
    group = parser.getgroup("isolation gate")
    group.addoption("--target", default="reference", help="a name of `harness list`, or module:attribute")
    group.addoption("--isolation-seed", default=1, type=int, help="one seed, one run")
    group.addoption("--users", default=10, type=int, help="concurrent users")
    group.addoption(
        "--allow-unknown", action="store_true", help="skip, with the reason, claims that the target cannot show"
    )


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of every run of the gate."""
    given: int = request.config.getoption("--isolation-seed")
    return given


@pytest.fixture(scope="session")
def users(request: pytest.FixtureRequest) -> int:
    """How many users work at once."""
    given: int = request.config.getoption("--users")
    return given


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> NamedTarget:
    """The target that the gate guards."""
    try:
        return resolve(request.config.getoption("--target"))
    except TargetError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, target: NamedTarget, seed: int, users: int) -> RunFolder:
    """The run folder of this gate: histories and witnesses of what it has seen."""
    path: Path = tmp_path_factory.mktemp("gate") / "run"
    return RunFolder.create(
        path, manifest_of(target, plan_of_gate(users), seed, users, "pytest mission_critical", path)
    )


@pytest.fixture(scope="session")
def properties_evidence(target: NamedTarget, folder: RunFolder, seed: int, users: int) -> Sequence[Evidence]:
    """What the properties suite has to say of the target."""
    suite = PropertiesSuite(
        target=target.name,
        open_target=target.open,
        budget=PropertiesBudget(examples=20, users=users),
        seed=seed,
        checkers=CHECKERS,
        folder=folder,
    )
    return suite.run().evidence


@pytest.fixture(scope="session")
def load_evidence(target: NamedTarget, folder: RunFolder, seed: int, users: int) -> Sequence[Evidence]:
    """What the load suite has to say of the target; nothing where it cannot serve it."""
    if target.server is None:
        return ()
    budget = LoadBudget(duration_s=5, users=users)
    return under_load(target.name, target.server, budget, seed, folder, lambda line: None).evidence


@pytest.fixture(scope="session")
def unknown(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What to do about a claim that nothing is known of: fail, or skip where the caller allows it."""

    def conclude(reason: str) -> None:
        if request.config.getoption("--allow-unknown"):
            pytest.skip(f"UNKNOWN: {reason}")
        pytest.fail(f"UNKNOWN: {reason}", pytrace=False)

    return conclude
