"""Locust load on anybody's service, whose every answer and pushed frame is judged while it happens.

    locust -f harness/load/locustfile.py --adapter isolation_target.py --host http://127.0.0.1:8000 -u 10 -r 10

What users do is worked out from the adapter. With `--headless`, the web UI, `--processes`, `--master` and `--worker`,
as usual. The exit code is 0 when isolation holds, 1 when it is violated, 3 when the run was not whole. HTTP requests
are in Locust's own statistics by operation; pushed frames are not, as reporting one there takes longer than judging it.
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from harness.load.behaviours import Choice
from harness.load.controller import Controller, controller_for
from harness.load.http_connection import CALL_S
from harness.load.load_options import LoadOptions, UnusableOptions, add_options
from harness.load.users import TooManyUsers
from harness.load.virtual_user import VirtualUser


def _add_options(parser: Any) -> None:
    add_options(parser)


def _begin(environment: Any, **_: Any) -> None:
    gevent.get_hub().loop.update_now()  # a stale clock would cut off the first second of the run
    environment.isolation = controller_for(environment)
    parsed = environment.parsed_options
    if parsed.headless and not parsed.worker:
        try:
            LoadOptions.of(parsed, environment.host or "")
        except UnusableOptions as problem:
            print(f"isolation: {problem}", file=sys.stderr)
            sys.exit(2)


_hooks: Any = events
_hooks.init_command_line_parser.add_listener(_add_options)
_hooks.init.add_listener(_begin)


class IsolatedUser(FastHttpUser):
    """A user of the service that the adapter describes."""

    host = ""
    network_timeout = CALL_S
    connection_timeout = CALL_S
    max_retries = 0
    max_redirects = 0

    def on_start(self) -> None:
        """Connect, and wait until everybody has."""
        self._user: VirtualUser | None = None
        self._join()

    def on_stop(self) -> None:
        """Leave."""
        if self._user is not None:
            self._user.leave()

    def wait_time(self) -> float:
        """Return how long to think, in seconds."""
        if self._user is None:
            return 1.0
        return float(self._user.random.uniform(*self._user.cohort.options.pause_s))

    @task
    def take_a_step(self) -> None:
        """Do one thing."""
        if self._user is None or self._user.cohort.over:
            self._join()
        else:
            self._user.step(self._choice.choose())

    def _join(self) -> None:
        """Become a new user of the cohort that is to work now; whom the target has left alone does not come back."""
        controller: Controller = self.environment.isolation
        cohort = controller.cohort
        if cohort is None or cohort.stopping.is_set() or (self._user is not None and not self._user.whole):
            return
        try:
            self._user = user = VirtualUser(cohort, self.client)
        except TooManyUsers as error:
            raise StopUser from error
        self._choice = Choice(cohort.behaviours, user.random)
        try:
            user.begin()
        finally:
            cohort.arrived(user)
        cohort.gate.wait()
        gevent.sleep(user.random.uniform(0, cohort.options.pause_s[1]))  # or all would go in step
