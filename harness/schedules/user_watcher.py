"""Sees each step of the tasks that work for users, and injects faults into their requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context
from typing import Any, NamedTuple

from harness.history.calling import CALLING, Calling
from harness.history.model import UserId
from harness.loop.loop import Job
from harness.loop.wait_states import name_of
from harness.performing.calls import task_name
from harness.performing.performance import Performance
from harness.scenario.program import Fault, FaultPoint
from harness.schedules.execution import Site, Watcher

FAULTS_OF_JOBS = frozenset({Fault.FAIL, Fault.SLOW})
"""Faults of what a request waits for."""
SLOW_S = 3.0
"""How much longer a job takes that is made slow: more than a service waits, less than SQLite waits for a lock (5 s)."""


class Wait(NamedTuple):
    """One await at which a task of a user came to wait.

    Args:
        site: where.
        is_asked: whether the request is still under way, so that it can be cancelled.
        can_fail: whether it waits for something that can fail: a call of the database.
        can_take_long: whether it waits for something that can take long: that, or a job in a thread.
    """

    site: Site
    is_asked: bool
    can_fail: bool
    can_take_long: bool


class UserWatcher(Watcher):
    """Sees each step of each task that works for a user."""

    def __init__(self, fault_points: Sequence[FaultPoint], users: Sequence[UserId]) -> None:
        super().__init__({(users[point.user], point.at): point for point in fault_points})
        self.waits: dict[UserId, list[Wait]] = {user: [] for user in users}
        """Where the tasks of each user have come to wait, in order."""
        self._performance: Performance | None = None

    def begin(self, performance: Performance) -> None:
        """Watch from here on."""
        self._performance = performance
        self._watching = True

    def end(self) -> None:
        """Watch no longer."""
        self._watching = False

    def participant(self, task: asyncio.Task[Any], context: Context) -> str:
        """Return whose step this was."""
        calling = context.get(CALLING)
        return "" if calling is None else calling.user

    def look(self, participant: str, site: Site, task: asyncio.Task[Any], context: Context) -> None:
        """Remember an await."""
        assert self._performance is not None, "watched"
        job = self._job(task)
        is_asked = self._performance.is_under_way(_calling(context).call)
        wait = Wait(site, is_asked, job is not None and job.fail is not None, job is not None)
        self.waits.setdefault(participant, []).append(wait)

    def name_of(self, task: asyncio.Task[Any], context: Context) -> str:
        """Return the name of the task that carries out the request, also for one that works for it."""
        calling = context.get(CALLING)
        if calling is not None:
            return task_name(calling.call)
        name = name_of(task)
        return name if name.startswith(task_name(0)[:-1]) else f"the harness ({name})"

    def inject(self, point: Any, site: Site, task: asyncio.Task[Any], context: Context) -> str:
        """Inject a fault; return its name, or `""` when that was impossible."""
        loop, performance = self.loop, self._performance
        assert loop is not None, "a step was made on it"
        assert performance is not None, "watched"
        job = self._job(task) if point.fault in FAULTS_OF_JOBS else None
        if point.fault in FAULTS_OF_JOBS and (job is None or (point.fault is Fault.FAIL and job.fail is None)):
            return ""
        if not performance.inject(point.fault, point.user, _calling(context).call):
            return ""
        if job is not None and point.fault is Fault.FAIL:
            loop.devices.give_up(job)
        elif job is not None:
            loop.devices.hold_up(job, loop.time() + SLOW_S)
        return str(point.fault.value)

    def _job(self, task: asyncio.Task[Any]) -> Job | None:
        """Return the job that a task waits for, if it waits for one."""
        assert self.loop is not None, "a step was made on it"
        return self.loop.devices.job_for(getattr(task, "_fut_waiter", None))


def _calling(context: Context) -> Calling:
    calling = context[CALLING]
    assert calling is not None, "it works for a user"
    return calling
