"""Locust load whose every answer and event is judged while it happens.

    locust -f harness/load/locustfile.py --host http://127.0.0.1:8000 -u 10 -r 10

With `--headless`, the web UI, `--processes`, `--master` and `--worker`, as usual. The exit code is 0 when isolation
holds, 1 when it is violated, 3 when the run was not whole. HTTP requests are in Locust's own statistics by operation;
pushed events are not, as reporting one there takes longer than judging it.
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from harness.load.conductor import Conductor, conductor_for
from harness.load.habits import Habits
from harness.load.load_options import LoadOptions, add_options
from harness.load.person import CALL_S, Person
from harness.load.principals import TooManyUsers


def _add_options(parser: Any) -> None:
    add_options(parser)


def _begin(environment: Any, **_: Any) -> None:
    gevent.get_hub().loop.update_now()  # a stale clock would cut off the first second of the run
    environment.isolation = conductor_for(environment)
    parsed = environment.parsed_options
    if parsed.headless and not parsed.worker:
        problem = LoadOptions.of(parsed, environment.host or "").problem()
        if problem:
            print(f"isolation: {problem}", file=sys.stderr)
            sys.exit(2)


_hooks: Any = events
_hooks.init_command_line_parser.add_listener(_add_options)
_hooks.init.add_listener(_begin)


class IsolatedUser(FastHttpUser):
    """A user of the bundled backend, or of any service that speaks its dialect."""

    network_timeout = CALL_S
    connection_timeout = CALL_S
    max_retries = 0
    max_redirects = 0

    def on_start(self) -> None:
        """Connect, and wait until everybody has."""
        self._person: Person | None = None
        self._join()

    def on_stop(self) -> None:
        """Leave."""
        if self._person is not None:
            self._person.leave()

    def wait_time(self) -> float:
        """Return how long to think, in seconds."""
        if self._person is None:
            return 1.0
        return float(self._person.random.uniform(*self._person.crew.options.pause_s))

    @task
    def take_a_step(self) -> None:
        """Do one thing."""
        if self._person is None or self._person.crew.over:
            self._join()
        else:
            self._person.step(self._habits.choose())

    def _join(self) -> None:
        """Become a new user of the crew that is to work now; whom the target has left alone does not come back."""
        conductor: Conductor = self.environment.isolation
        crew = conductor.crew
        if crew is None or crew.stopping.is_set() or (self._person is not None and not self._person.whole):
            return
        try:
            self._person = person = Person(crew, self.client)
        except TooManyUsers as error:
            raise StopUser from error
        self._habits = Habits(person)
        try:
            person.begin()
        finally:
            crew.arrived(person)
        crew.gate.wait()
        gevent.sleep(person.random.uniform(0, crew.options.pause_s[1]))  # or all would go in step
