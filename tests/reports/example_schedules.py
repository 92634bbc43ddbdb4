"""What the schedules suite leaves behind in the example reports: a run, a story of it, and trials.

The numbers follow small fixed rules, and have the form of those that `harness.schedules.exploration.coverage` gives.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.claims.evidence import Suite, SuiteRun
from harness.history.model import Event, EventKind, Header, History, Value, user_id
from harness.judging.verdict import Finding

SCHEDULE_HISTORY = "witnesses/schedules-leak-reference.json"
SCHEDULES = 1000

SITES = (
    *(f"aiosqlite/core.py:{line}" for line in (160, 214)),
    *(f"reference_impl/agents.py:{line}" for line in (63, 74, 90, 93)),
    *(f"reference_impl/engine.py:{line}" for line in (148, 158, 180, 243, 286)),
    *(f"reference_impl/operations.py:{line}" for line in (61, 86, 126, 136, 144, 155)),
    "reference_impl/routes.py:68",
    "reference_impl/shielding.py:29",
    "reference_impl/storage.py:116",
    "sqlalchemy/util/concurrency.py:209",
    "targets/dialect.py:146",
)

INJECTED = (
    *(("cancel", site) for site in SITES[:16] if not site.endswith((":93", ":214"))),
    *(("disconnect", site) for site in SITES[2:20:2]),
    *(("fail", site) for site in (SITES[0], SITES[-2])),
    *(("stop", site) for site in SITES[3:9]),
)

TOLD = (
    "in asyncio-strict, 2 deviations from asyncio's own order",
    "fault: user 0: cancel at await 50",
    "deviation: choice 14: u01's list_notes (call 9) after reference_impl/engine.py:184 goes first; asyncio would let "
    "u00's search_notes (call 4) after aiosqlite/core.py:160",
    "deviation: choice 31: the completion of execute on connection 2 goes first; asyncio would let u00's search_notes "
    "(call 4) after sqlalchemy/util/concurrency.py:209",
    "without the last deviation it does not show",
    "first difference, event 9: here u01 ok list_notes [{'id': 'f5b165224a58', 'text': 'note icq7hm2w0000', 'version': "
    "1}]; there u01 ok list_notes []",
)


def growth() -> list[list[int]]:
    """(schedules, traces, sites, pairs) after the first batch and then after every fourth: the last is left out."""
    return [[at, at - at // 75, min(22, 17 + at // 50), 203 - 9000 // (at + 40)] for at in range(25, SCHEDULES, 100)]


def measure() -> dict[str, Value]:
    """What the suite measures."""
    return {
        "schedules": SCHEDULES,
        "strategies": {
            "fifo, asyncio-strict": 10,
            "pct, asyncio-strict": 96,
            "pct, preemptive": 96,
            "random, asyncio-strict": 96,
            "random, preemptive": 96,
            "sticky, asyncio-strict": 97,
            "sticky, preemptive": 97,
            "sweep, asyncio-strict": 412,
        },
        "traces": 987,
        "sites": list(SITES),
        "pairs": 195,
        "faults": 497,
        "injected": [list(pair) for pair in INJECTED],
        "sweep": 4174,
        "swept": 412,
        "run_twice": 20,
        "unhandled_errors": {},
        "passed_over": {"misdelivery": 12},
        "first": {},
        "growth": growth(),
    }


def schedules_run(target: str, **changes: Value) -> SuiteRun:
    """The run; changes are of its measure."""
    return SuiteRun(
        suite=Suite.SCHEDULES,
        target=target,
        seed=20250902,
        users=2,
        histories=SCHEDULES,
        operations=14_406,
        events=143_843,
        faults=497,
        duration_s=104.2,
        measures={"deliveries": [["u00", "u00", 8930], ["u01", "u01", 5376]], "schedules": {**measure(), **changes}},
    )


FIRST: Mapping[str, Mapping[str, Value]] = {
    "forgotten-rollback": {"to_first": 14, "strategy": "sweep", "mode": "asyncio-strict", "scene": "failing"},
    "shared-bridge": {"to_first": 3, "strategy": "fifo", "mode": "asyncio-strict", "scene": "talking"},
    "idle-semaphore": {"to_first": 310, "strategy": "pct", "mode": "preemptive", "scene": "crowding"},
    "global-session": {"to_first": 27, "strategy": "sticky", "mode": "asyncio-strict", "scene": "editing"},
}
"""By mutant, what a trial measures of its first finding."""


def schedule_history(target: str) -> History:
    """A small run whose clock stands still: u00's search is cancelled, and u01 is given its answer."""
    rows = (
        (EventKind.INVOKE, 0, 1, "write_note", None),
        (EventKind.OK, 0, 1, "write_note", None),
        (EventKind.INVOKE, 0, 4, "search_notes", None),
        (EventKind.INVOKE, 1, 9, "list_notes", None),
        (EventKind.INVOKE, 1, 10, "start_run", None),
        (EventKind.PUSH, 1, None, "run_started", None),
        (EventKind.PROBE, 0, None, "fault", {"fault": "cancel", "calls": [4]}),
        (EventKind.INFO, 0, 4, "search_notes", {"error": "cancelled"}),
        (EventKind.OK, 1, 10, "start_run", None),
        (EventKind.OK, 1, 9, "list_notes", None),
        (EventKind.PUSH, 1, None, "run_completed", None),
    )
    events = tuple(
        Event(index=at, kind=kind, user=user_id(user), call=call, name=name, value=value, time_ns=0 if at < 8 else 1000)
        for at, (kind, user, call, name, value) in enumerate(rows)
    )
    return History(Header(target=target, suite="schedules", seed=20250902, users=2), events)


SCHEDULE_LEAK = Finding(
    anomaly="leaked-in-answer",
    message="LEAKED-IN-ANSWER: u01 observed u00's canary in the answer of list_notes",
    observer="u01",
    owner="u00",
    witness=(2, 9),
)
