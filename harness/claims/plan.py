"""What a verification must carry out: claims, suites, budgets. Pinned in git, so that nobody can quietly ask for less.

A plan is one of the built-in ones (`quick`, `standard`, `deep`), or a TOML file:

    name = "nightly"
    claims = ["EVT-1", "SES-2"]         # required; left out: all that this version can adjudicate
    trials = ["shared-bridge"]          # mutants, twins and null targets; left out: all of them

    [properties]                        # or above: properties = false, which leaves the suite out
    examples = 100                      # random programs
    steps = 30                          # per program, at most
    users = 10
    shrink_s = 20

    [schedules]                         # left out, or false: it does not run; it needs a target in this process
    schedules = 1000                    # of the target
    shrink_runs = 200                   # to make a failing one smaller
    trials = 400                        # the most in which a mutant must show
    twins = 60                          # of each safe twin

    [wire]                              # of a service with an adapter
    users = 10
    rounds = 8                          # busy groups of each stimulus
    stimuli = ["in-turn", "ids"]        # left out: all of them

    [load]                              # or above: load = false
    duration_s = 20
    users = 10
    trials = ["shared-bridge"]          # mutants that the load suite must kill
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.claims.adjudication import CLAIMS
from harness.claims.evidence import Suite
from harness.history.canary import MOST_OWNERS

ADJUDICABLE = tuple(claim.id for claim in CLAIMS.values() if claim.anomalies)
"""The claims that a checker of this version can adjudicate."""

MOST_IN_PROGRAMS = 100
"""Users of the fixed programs, whatever the load suite has: more show nothing new there."""

_WITH_USERS = frozenset({Suite.PROPERTIES, Suite.WIRE, Suite.LOAD})
"""The suites whose number of users a plan says."""


class PlanError(ValueError):
    """A plan cannot be used. Says all that is wrong with it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PropertiesBudget(_Part):
    """How much the properties suite does."""

    examples: Annotated[int, Field(ge=0, le=1_000_000)] = 40
    """Random programs, beside the fixed ones."""
    steps: Annotated[int, Field(ge=1, le=10_000)] = 25
    """The most steps of one program."""
    users: Annotated[int, Field(ge=2, le=MOST_IN_PROGRAMS)] = 10
    """Users of the fixed programs; random programs have up to 4 of them at work."""
    component_examples: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """Random inputs for each property of a part."""
    shrink_s: Annotated[float, Field(ge=0)] = 10.0
    """The most seconds spent on making a failing program smaller."""
    call_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds until a call without an answer is given up."""
    run_s: Annotated[float, Field(gt=0)] = 5.0
    """Seconds that runs may take after all calls were answered; then they are a doubt."""
    release_s: Annotated[float, Field(gt=0)] = 2.0
    """Seconds within which what requests held must be released."""


class SchedulesBudget(_Part):
    """How much the schedules suite does."""

    schedules: Annotated[int, Field(ge=1, le=10_000_000)] = 1_000
    """Schedules of the target."""
    shrink_runs: Annotated[int, Field(ge=0, le=100_000)] = 200
    """The most runs spent on making a failing schedule smaller, for each checker."""
    trials: Annotated[int, Field(ge=0, le=1_000_000)] = 400
    """The most schedules in which a mutant must show; 0 tries none."""
    twins: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    """Schedules of each safe twin."""


class WireBudget(_Part):
    """How much the wire suite does to a service."""

    users: Annotated[int, Field(ge=2, le=1_000)] = 10
    """Concurrent users."""
    rounds: Annotated[int, Field(ge=1, le=10_000)] = 8
    """Busy groups of each stimulus."""
    volume: Annotated[int, Field(ge=1, le=10_000_000)] = 2_000
    """Short requests of the stimulus `volume`."""
    warm_up_s: Annotated[float, Field(ge=0, le=3_600)] = 0.0
    """Seconds of light use between its first half and its second, in which caches and pools grow old."""
    stimuli: tuple[str, ...] | None = None
    """Which; None means all."""
    shrink_s: Annotated[float, Field(ge=0)] = 20.0
    """The most seconds spent on making what was found smaller."""
    attempts: Annotated[int, Field(ge=1, le=1_000)] = 5
    """How often the smallest is performed, to say how often it shows."""


class LoadBudget(_Part):
    """How much the load suite does."""

    duration_s: Annotated[float, Field(gt=0, le=86_400)] = 8.0
    """How long the users work, from the moment all are connected."""
    users: Annotated[int, Field(ge=1, le=MOST_OWNERS - 1)] = 10
    """Concurrent users."""
    trials: tuple[str, ...] = ("shared-bridge",)
    """The mutants that the load suite must kill."""


class Plan(_Part):
    """What a verification must carry out."""

    name: str
    """As in reports."""
    claims: tuple[str, ...] | None = ADJUDICABLE
    """Those that must hold. None, which no file can say, means all that the target can show: in a built-in plan."""
    trials: tuple[str, ...] | None = None
    """Mutants, twins and null targets to try; None means all."""
    properties: PropertiesBudget | None = PropertiesBudget()
    """None leaves the suite out; `properties = false` in a file."""
    schedules: SchedulesBudget | None = None
    """None leaves the suite out, which only a target in this process can pass; `schedules = false` in a file."""
    wire: WireBudget = WireBudget()
    """Of a service with an adapter; always runs there."""
    load: LoadBudget | None = LoadBudget()
    """None leaves the suite out; `load = false` in a file."""

    @field_validator("properties", "schedules", "load", mode="before")
    @classmethod
    def _left_out(cls, value: object) -> object:
        return None if value is False else value  # TOML has no None

    @field_validator("wire", mode="before")
    @classmethod
    def _never_left_out(cls, value: object) -> object:
        if value is False:
            raise ValueError("it always runs on a service: leave the key out")
        return value

    def with_users(self, users: int, suites: Collection[Suite]) -> Plan:
        """Return this plan for another number of users; the fixed programs have at most MOST_IN_PROGRAMS.

        Args:
            users: how many.
            suites: those that run; no other suite changes, or sets a limit.

        Raises:
            PlanError: one of them cannot have so many.
        """
        changed = self.model_dump()
        for suite in _WITH_USERS & {*suites}:
            changed[suite]["users"] = min(max(2, users), MOST_IN_PROGRAMS) if suite is Suite.PROPERTIES else users
        try:
            return self.model_validate(changed)
        except ValidationError as error:
            raise PlanError(f"{users} users are too many or too few: {_told(error)}. Give another number") from error

    def most_users(self, suites: Collection[Suite]) -> int:
        """Return how many users there are at once, at most, in these suites; 0 where none of them is told a number."""
        return max((getattr(self, suite).users for suite in _WITH_USERS & {*suites}), default=0)


QUICK_TRIALS = (
    *("shared-bridge", "memoised-search", "idle-semaphore", "slots-for-all", "one-breaker", "default-argument"),
    *("unordered", "shared-agent", "shallow-metadata", "suspicious-identity", "silent-legacy"),
    *("changed-legacy", "unowned-edit", "kept-notes"),
    *("handed-out-dict", "torn-freeze", "joined-keys", "fallback-identity", "global-bridge", "unreleased-scopes"),
    *("broadcast", "inherited-thread", "late-route", "twice-completed", "unchecked-follow"),
    *("global-session", "eager-commit", "unfiltered-search", "lost-update"),
    *("first-context", "held-lock", "unchecked-run", "telling-refusal", "unchecked-signature"),
    *("cache-by-user", "lock-per-user", "announcement", "unhurried"),
    *("grant-all", "deny-all", "echo-all", "dead"),
)
"""Mutants that show every anomaly, from every section of the incidents; some safe twins; and every null target."""

PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(
            name="quick",
            claims=None,
            trials=QUICK_TRIALS,
            properties=PropertiesBudget(examples=15),
            wire=WireBudget(rounds=4, volume=1_000, shrink_s=10),
            load=LoadBudget(duration_s=5),
        ),
        Plan(
            name="standard",
            claims=None,
            properties=PropertiesBudget(examples=300, steps=40, component_examples=300, shrink_s=60),
            schedules=SchedulesBudget(schedules=2_000),
            wire=WireBudget(rounds=12, volume=4_000, warm_up_s=60),
            load=LoadBudget(duration_s=30),
        ),
        Plan(
            name="deep",
            claims=None,
            properties=PropertiesBudget(examples=5_000, steps=80, component_examples=2_000, shrink_s=300),
            schedules=SchedulesBudget(schedules=100_000, shrink_runs=1_000, twins=2_000),
            wire=WireBudget(users=50, rounds=100, volume=100_000, warm_up_s=60, shrink_s=120),
            load=LoadBudget(duration_s=300, users=50),
        ),
    )
}


def read_plan(name: str, trials: frozenset[str], stimuli: frozenset[str] = frozenset()) -> Plan:
    """Return the built-in plan of this name, or the one in the TOML file of this name.

    Args:
        name: `quick`, `standard`, `deep`, or a path.
        trials: every mutant, twin and null target there is, by which a plan is checked.
        stimuli: every stimulus there is, likewise.

    Raises:
        PlanError: there is no such plan, or it is wrong; says everything that is.
    """
    if name in PLANS:
        return PLANS[name]
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanError(
            f"there is no plan {name!r}: give one of {', '.join(PLANS)}, or a TOML file ({error})"
        ) from error
    try:
        plan = Plan.model_validate({"name": path.stem} | tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PlanError(f"plan {name} is wrong: {_told(error)}. Mend the file; README.md shows one") from error
    wrong = [f"unknown claim {claim!r}" for claim in plan.claims or () if claim not in CLAIMS]
    asked = {*(plan.trials or ()), *(plan.load.trials if plan.load else ())}
    wrong += [f"unknown mutant, twin or null target {trial!r}" for trial in sorted(asked - trials)]
    known = ", ".join(sorted(stimuli))
    wrong += [f"unknown stimulus {name!r}: give {known}" for name in plan.wire.stimuli or () if name not in stimuli]
    wrong += ["no stimuli: leave the key out for all of them"] if plan.wire.stimuli == () else []
    wrong += [] if plan.claims else ["no claims: a plan that requires nothing shows nothing"]
    if wrong:
        raise PlanError(f"plan {name} is wrong: {'; '.join(wrong)}. `harness list` names all there are")
    return plan


def _told(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return str(error)
