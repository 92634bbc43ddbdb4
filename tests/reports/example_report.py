"""Example reports, for tests and for pictures: made by `report_of` from evidence written by hand.

    PYTHONPATH=. python tests/reports/example_report.py FOLDER     # writes all variants there

The histories are those of eight imaginary users, derived from small fixed rules, not from chance.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from example_histories import LEAK, TARGET, USERS, bridge_findings, bridge_history, target_history
from example_schedules import (
    FIRST,
    SCHEDULE_HISTORY,
    SCHEDULE_LEAK,
    SCHEDULES,
    TOLD,
    schedule_history,
    schedules_run,
)

from harness.claims.adjudication import report_of
from harness.claims.catalogue import ANOMALIES, CLAIMS
from harness.claims.evidence import Evidence, Manifest, Report, SubjectKind, Suite, SuiteRun, Trial
from harness.history.model import History, Value, user_id
from harness.judging.verdict import Finding, Outcome, Verdict
from harness.reporting import render

BRIDGE_HISTORY = "trials/shared-bridge.jsonl"
TARGET_HISTORY = "violations/misdelivery-1.jsonl"
CHECKERS = tuple(dict.fromkeys(anomaly.checker for anomaly in ANOMALIES.values()))
ADJUDICABLE = tuple(claim.id for claim in CLAIMS.values() if claim.anomalies)


def manifest(**changes: object) -> Manifest:
    """What was to be verified."""
    plain = Manifest(
        run="2025-09-02-7f3a",
        target=TARGET,
        plan="standard",
        required=ADJUDICABLE,
        seed=20250902,
        users=USERS,
        started="2025-09-02T10:00:00Z",
        version="1.0.0",
        environment={"python": "3.11.7", "platform": "Linux-6.1-x86_64", "sqlalchemy": "2.0.43"},
        command="harness verify --target reference --plan standard --seed 20250902",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def verdict(checker: str, examined: int = 2880, findings: Sequence[Finding] = ()) -> Verdict:
    """A verdict that examined so many facts of each of its checker's anomalies."""
    own = [name for name, anomaly in ANOMALIES.items() if anomaly.checker == checker]
    violations: dict[str, int] = {}
    for finding in findings:
        violations[finding.anomaly] = violations.get(finding.anomaly, 0) + 1
    return Verdict(checker, dict.fromkeys(own, examined), violations, tuple(findings))


_SIZES = {
    Suite.PROPERTIES: (USERS, 240, 1),
    Suite.SCHEDULES: (2, SCHEDULES, 3),
    Suite.LOAD: (32, 1, 12),
}
"""By suite: users, histories, and how many times the facts."""


def evidence(
    checker: str, suite: Suite = Suite.PROPERTIES, findings: Sequence[Finding] = (), examined: int = 2880
) -> Evidence:
    """One checker's verdict over one suite."""
    users, histories, times = _SIZES[suite]
    return Evidence(
        suite=suite,
        target=TARGET,
        seed=20250902,
        users=users,
        histories=histories,
        verdict=verdict(checker, examined * times, findings),
        replay=f"harness replay runs/2025-09-02-7f3a/{TARGET_HISTORY}"
        if findings
        else f"harness verify --target reference --suite {suite.value} --seed 20250902",
        witness=TARGET_HISTORY if findings else None,
    )


def deliveries(crossed: Mapping[tuple[int, int], int], own: int, users: int = USERS) -> Value:
    """The measure: each user received `own` events, and some pairs crossed."""
    rows: list[Value] = [[user_id(number), user_id(number), own] for number in range(users)]
    return rows + [[user_id(owner), user_id(observer), count] for (owner, observer), count in crossed.items()]


def suites() -> tuple[SuiteRun, ...]:
    """The three suites, carried out in full."""
    return (
        SuiteRun(
            suite=Suite.PROPERTIES,
            target=TARGET,
            seed=20250902,
            users=USERS,
            histories=240,
            operations=5810,
            events=18_784,
            faults=312,
            duration_s=41.27,
            files=("properties/reference.jsonl",),
            measures={"deliveries": deliveries({}, 360)},
        ),
        schedules_run(TARGET),
        SuiteRun(
            suite=Suite.LOAD,
            target=TARGET,
            seed=20250902,
            users=32,
            histories=1,
            operations=21_450,
            events=96_112,
            duration_s=30.0,
            files=("load/worker-0.jsonl", "load/worker-1.jsonl"),
            measures={
                "latency_ms_p50": 11.42,
                "latency_ms_p99": 63.7,
                "throughput_hz": 715.0,
                "frames": 64_350,
                "users": 32,
                "deliveries": deliveries({}, 2010, 32),
            },
        ),
    )


_MUTANTS = (
    (
        "shared-bridge",
        "A1",
        "misdelivery",
        "one event bridge is shared by all users and retargeted at each run",
    ),
    ("shared-agent", "A1", "interference", "one agent instance keeps the last user's context between runs"),
    ("broadcast", "B1", "leak", "events go to all sockets and are filtered, or not, at the client"),
    ("shallow-metadata", "A4", "aliasing", "metadata is copied shallowly, so a nested dict is shared"),
    ("joined-keys", "A7", "identity", "keys are joined with a separator that the parts may contain"),
    ("global-session", "C1", "sessions", "one database session serves all requests"),
    ("forgotten-rollback", "C4", "tampering", "a rollback is forgotten on cancellation"),
    ("unreleased-children", "A9", "residue", "agents of child contexts are never released"),
    ("kept-notes", "C7", "remains", "a note is kept as it was written, and an edit does not replace what is kept"),
    ("handed-out-dict", "A14", "immutability", "a frozen registry hands out its internal dict by reference"),
    ("torn-freeze", "A14", "agreement", "freeze publishes half of the registry before the rest"),
    ("idle-semaphore", "A18", "limits", "the semaphore of a user is created but never acquired"),
    ("unchecked-thread", "B12", "access", "a subscription to a thread is not checked against its owner"),
    ("silent-legacy", "", "migration", "the legacy registry gives no warning"),
)


def trials() -> tuple[Trial, ...]:
    """Every mutant killed, every safe twin passed, every null target rejected."""
    mutants = [_mutant(*row, suite=Suite.PROPERTIES) for row in _MUTANTS]
    load = [_mutant(*_MUTANTS[at], suite=Suite.LOAD) for at in (0, 2)]
    bridge = replace(
        mutants[0],
        witness=BRIDGE_HISTORY,
        finding=bridge_findings()[0],
        measures={
            "deliveries": deliveries({(3, 1): 1, (0, 7): 1, (5, 1): 1, (5, 4): 1, (6, 5): 1, (6, 7): 1, (7, 0): 1}, 5),
        },
    )
    return (bridge, *mutants[1:], *load, *_under_schedules(), *_twins(), *_nulls())


def _under_schedules() -> list[Trial]:
    """Some of the mutants and a twin, in the schedules suite."""
    mutants = [_mutant(*row, suite=Suite.SCHEDULES) for row in _MUTANTS if row[0] in FIRST]
    twin = replace(_twins()[0], suite=Suite.SCHEDULES, measures={"schedules": {"run": 60}})
    return [
        *(
            replace(m, measures={"schedules": {"run": FIRST[m.subject]["to_first"], **FIRST[m.subject]}})
            for m in mutants
        ),
        twin,
    ]


def _mutant(subject: str, incident: str, expected: str, sentence: str, suite: Suite) -> Trial:
    return Trial(
        subject=subject,
        kind=SubjectKind.MUTANT,
        incident=incident,
        sentence=sentence,
        suite=suite,
        expected=expected,
        outcomes={checker: Outcome.VIOLATED if checker == expected else Outcome.HOLDS for checker in CHECKERS},
        anomalies=tuple(anomaly.id for anomaly in ANOMALIES.values() if anomaly.checker == expected),
        finding=Finding(anomaly="misdelivered", message=f"{subject} was seen"),
    )


def _twins() -> list[Trial]:
    texts = {
        "shared-catalogue": "an immutable catalogue is shared by all users",
        "pooled-connections": "connections are reused, one request after the other",
    }
    return [
        Trial(
            subject=subject,
            kind=SubjectKind.TWIN,
            incident="",
            sentence=text,
            suite=Suite.PROPERTIES,
            outcomes=dict.fromkeys(CHECKERS, Outcome.HOLDS),
        )
        for subject, text in texts.items()
    ]


def _nulls() -> list[Trial]:
    texts = {
        "grants-all": "grants every request",
        "denies-all": "refuses every request",
        "dead": "never answers",
    }
    return [
        Trial(
            subject=subject,
            kind=SubjectKind.NULL,
            sentence=text,
            suite=Suite.PROPERTIES,
            outcomes=dict.fromkeys(CHECKERS, Outcome.UNKNOWN),
        )
        for subject, text in texts.items()
    ]


def read_history(name: str) -> History:
    """The stored histories of the examples."""
    stored = {
        BRIDGE_HISTORY: bridge_history,
        TARGET_HISTORY: target_history,
        SCHEDULE_HISTORY: lambda: schedule_history(TARGET),
    }
    if name not in stored:
        raise LookupError(name)
    return stored[name]()


def judge(checker: str, history: History) -> tuple[Finding, ...]:
    """What the checkers find in those histories."""
    found = {
        ("misdelivery", "shared-bridge", "properties"): bridge_findings(),
        ("leak", TARGET, "properties"): (LEAK,),
        ("leak", TARGET, "schedules"): (SCHEDULE_LEAK,),
    }
    return found.get((checker, history.header.target, history.header.suite), ())


def full_evidence() -> tuple[Evidence, ...]:
    """Every checker examined something in the properties suite, and some of them in the other suites."""
    schedules = tuple(evidence(checker, Suite.SCHEDULES) for checker in ("leak", "misdelivery", "tampering"))
    load = tuple(evidence(checker, Suite.LOAD) for checker in ("leak", "misdelivery"))
    return (*(evidence(checker) for checker in CHECKERS), *schedules, *load)


def holding() -> Report:
    """Every required claim holds."""
    return report_of(manifest(), suites(), full_evidence(), trials())


def violated() -> Report:
    """The target leaks, a planted bug survives, a safe twin is flagged, and a suite was cut short."""
    leaking = tuple(
        evidence("leak", findings=(LEAK,))
        if item.verdict.checker == "leak" and item.suite is Suite.PROPERTIES
        else item
        for item in full_evidence()
    )
    properties, schedules, load = suites()
    return report_of(
        manifest(),
        (properties, schedules, replace(load, doubt="2 of 4 workers stopped before the end")),
        leaking,
        tuple(_spoiled(trial) for trial in trials()),
    )


def _spoiled(trial: Trial) -> Trial:
    if trial.suite is Suite.SCHEDULES:
        return trial
    if trial.subject == "unreleased-children":
        return replace(trial, outcomes=dict.fromkeys(CHECKERS, Outcome.HOLDS), finding=None)
    if trial.subject == "pooled-connections":
        return replace(trial, outcomes={**trial.outcomes, "identity": Outcome.VIOLATED})
    if trial.subject == "torn-freeze":
        return replace(trial, outcomes={}, error="the mutant could not be started: port in use")
    return trial


def scheduled() -> Report:
    """The target holds in every suite but schedules, and there a planted bug survives."""
    leak = replace(
        evidence("leak", Suite.SCHEDULES, (SCHEDULE_LEAK,)),
        replay=f"harness replay runs/2025-09-02-7f3a/{SCHEDULE_HISTORY}",
        witness=SCHEDULE_HISTORY,
        explanation=TOLD,
    )
    lost = Finding(anomaly="lost-write", message="LOST-WRITE: u00: two edits of one note were both accepted")
    kept_apart = replace(evidence("tampering", Suite.SCHEDULES, (lost,)), witness=None)
    others = tuple(
        item for item in full_evidence() if item.suite is not Suite.SCHEDULES or item.verdict.checker == "misdelivery"
    )
    first = {"leak": {"to_first": 9, "strategy": "sticky", "mode": "asyncio-strict", "scene": "remembering"}}
    properties, _, load = suites()
    runs = (properties, schedules_run(TARGET, first=first), load)
    return report_of(
        manifest(), runs, (*others[:-2], leak, kept_apart, *others[-2:]), tuple(_unseen(trial) for trial in trials())
    )


def _unseen(trial: Trial) -> Trial:
    if (trial.subject, trial.suite) == ("idle-semaphore", Suite.SCHEDULES):
        measures = {"schedules": {"run": 400}}
        return replace(trial, outcomes=dict.fromkeys(CHECKERS, Outcome.HOLDS), finding=None, measures=measures)
    return trial


def incomplete() -> Report:
    """The sessions checker never ran, and neither did the schedules and load suites."""
    kept = tuple(
        item for item in full_evidence() if item.verdict.checker != "sessions" and item.suite is Suite.PROPERTIES
    )
    return report_of(manifest(), suites()[:1], kept, trials())


def empty() -> Report:
    """Nothing ran."""
    return report_of(manifest(), (), (), (), "the target could not be reached at http://127.0.0.1:8000")


EXAMPLES = {"holding": holding, "violated": violated, "scheduled": scheduled, "incomplete": incomplete, "empty": empty}


def main(folder: Path) -> None:
    """Write every example in every format."""
    for name, example in EXAMPLES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, text in render(example(), read_history, judge).items():
            (folder / name / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
