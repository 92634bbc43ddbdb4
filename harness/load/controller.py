"""When a load run begins and ends, in one process or in many, and what it is worth.

Rules:

- A run is whole only with a final account of every process that took part; one that is missing is a doubt.
- The verdict decides the exit code (0 holds, 1 violated, 3 incomplete), and is said once more at the very end.

How it works. A process with users has a `LoadWorker`: its cohorts, one after the other. Locust fires `test_stopping`
while users are still alive, so that is where they are let come to rest. A master has no users: it asks each worker to
conclude, and waits for the accounts before it lets Locust stop anybody (Locust itself would wait half a second, and
lose the rest).
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event as Signal
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner

from harness.load.account import ACCOUNT, EXIT_CODES, Account
from harness.load.cohort import REST_S, Cohort
from harness.load.load_options import MOST_SEED, LoadOptions, UnusableOptions
from harness.load.signing_in import SigningIn

LOG = logging.getLogger(__name__)
CONCLUDE, CONCLUDED, OPENED, LOST = (f"isolation_{what}" for what in ("conclude", "concluded", "opened", "lost"))
"""Messages between master and workers."""


class LoadWorker:
    """The users of this process, history by history.

    Args:
        options: of the run.
        process: number of this process, from 0.
        on_open, on_lost: see Cohort.
    """

    def __init__(
        self, options: LoadOptions, process: int, on_open: Callable[[int], None], on_lost: Callable[[], None]
    ) -> None:
        self._options, self._process, self._on_lost = options, process, on_lost
        self._past = Account()
        self._sign_in = SigningIn(options.adapter, options.host)
        self.cohort = Cohort(options, process, self._sign_in, on_open=on_open, on_lost=on_lost)
        self._renewing = gevent.spawn(self._renew)

    def conclude(self) -> Account:
        """Let everybody come to rest and return the account of all histories."""
        self._renewing.kill()
        account = self._past.then(self.cohort.conclude())
        self._sign_in.close()
        return account

    def _renew(self) -> None:
        """Begin a new history when one has become long: what the checkers remember grows with a history, not a run."""
        while True:
            gevent.sleep(self._options.history_s)
            if self.cohort.gate.is_set():
                self._past = self._past.then(self.cohort.conclude())
                first = self.cohort.enrolled
                self.cohort = Cohort(self._options, self._process, self._sign_in, first, on_lost=self._on_lost)
                self.cohort.open()


class Controller:
    """What every process does alike: keeps the verdict, writes the summary, sets the exit code."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._options: LoadOptions | None = None
        self._total: Account | None = None
        self._clock: gevent.Greenlet | None = None
        events = environment.events
        events.test_start.add_listener(lambda **_: self.start())
        events.test_stopping.add_listener(lambda **_: self.stop())
        events.quitting.add_listener(lambda **_: self.quit())
        events.quit.add_listener(lambda **_: self.say())
        parsed = environment.parsed_options
        if parsed.isolation_seed is None:
            parsed.isolation_seed = secrets.randbelow(MOST_SEED)

    @property
    def cohort(self) -> Cohort | None:
        """Those who are to work now, if this process has any."""
        return None

    def start(self) -> bool:
        """Begin a run; return whether that can be done."""
        try:
            self._options = LoadOptions.of(self._environment.parsed_options, self._environment.host or "")
        except UnusableOptions as problem:
            self._options = None
            self._take(Account().doubted(str(problem)))
        return self._options is not None

    def stop(self) -> None:
        """End a run: let everybody come to rest and take the account."""
        if self._clock is not None:
            self._clock.kill(block=False)
            self._clock = None

    def quit(self) -> None:
        """Set the exit code, after ending a run that is still going."""
        self.stop()
        total = self._total or Account().doubted("no run was started")
        if total.outcome.value == "holds" and self._environment.runner.exceptions:
            total = total.doubted("a user's greenlet crashed: see the exceptions above")
        self._total = total
        self._environment.process_exit_code = EXIT_CODES[total.outcome]
        if summary := self._environment.parsed_options.isolation_summary:
            Path(summary).write_bytes(ACCOUNT.dump_json(total, indent=1) + b"\n")

    def say(self) -> None:
        """Say the verdict, and the first finding."""
        if self._total is not None:
            print("\n".join(summarised(self._total, self._options)), file=sys.stderr, flush=True)

    def _take(self, account: Account) -> None:
        self._total = account if self._total is None else self._total.then(account)
        LOG.info("%s", summarised(account, self._options)[0])

    def _opened(self, users: int) -> None:
        LOG.info("all users are connected: %d of them work", users)
        if self._options is not None and self._options.duration_s and users:
            self._clock = gevent.spawn_later(self._options.duration_s, self._end)

    def _end(self) -> None:
        """End the run by ourselves: the whole of Locust, unless somebody watches it in a browser."""
        runner = self._environment.runner
        gevent.spawn(runner.stop if self._environment.web_ui is not None else runner.quit)


class LocalController(Controller):
    """A process that has users."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._worker: LoadWorker | None = None
        environment.events.spawning_complete.add_listener(lambda **_: gevent.spawn(self._expect))

    @property
    def cohort(self) -> Cohort | None:
        """Those who are to work now."""
        return self._worker.cohort if self._worker is not None else None

    def start(self) -> bool:
        """Begin a run."""
        if super().start() and self._options is not None:
            self._worker = LoadWorker(self._options, self._environment.runner.worker_index, self._opened, self._end)
            return True
        return False

    def stop(self) -> None:
        """End a run, and take its account; asked twice, by our own message and by Locust's, only once."""
        super().stop()
        worker = self._worker
        account = worker.conclude() if worker is not None else None
        if account is not None and self._worker is worker:
            self._worker = None
            self._take(account)

    def _expect(self) -> None:
        runner = self._environment.runner
        if runner.spawning_greenlet is not None:  # a master may say so before a worker has begun
            runner.spawning_greenlet.join()
        if self._worker is not None:
            self._worker.cohort.expect(runner.user_count)


class WorkerController(LocalController):
    """A process that has some of the users, and reports to a master."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        environment.runner.register_message(CONCLUDE, lambda **_: self.stop(), concurrent=True)

    def say(self) -> None:
        """Leave it to the master."""

    def _take(self, account: Account) -> None:
        super()._take(account)
        runner = self._environment.runner
        told = {"account": ACCOUNT.dump_json(account).decode(), "process": runner.worker_index}
        runner.send_message(CONCLUDED, told)

    def _opened(self, users: int) -> None:
        self._environment.runner.send_message(OPENED, {"users": users})

    def _end(self) -> None:
        self._environment.runner.send_message(LOST, {})


class MasterController(Controller):
    """A process without users, that gathers the accounts of those which have them."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._expected: set[str] = set()
        self._accounts: dict[str, Account] = {}
        self._processes: dict[str, int] = {}
        self._working: dict[str, int] = {}
        self._lost: set[str] = set()
        self._going = False
        self._news = Signal()
        runner = environment.runner
        runner.register_message(CONCLUDED, self._concluded)
        runner.register_message(OPENED, self._opened_one)
        runner.register_message(LOST, self._lost_one)
        environment.events.worker_connect.add_listener(lambda client_id, **_: self._expected.add(client_id))

    def start(self) -> bool:
        """Begin a run."""
        self._expected = set(self._environment.runner.clients)
        self._accounts, self._processes, self._working, self._lost = {}, {}, {}, set()
        self._going = super().start()
        return self._going

    def stop(self) -> None:
        """End a run: gather an account of every worker, or take in that there is none."""
        super().stop()
        if not self._going:
            return
        self._going = False
        runner = self._environment.runner
        runner.send_message(CONCLUDE, {})
        until_s = time.monotonic() + REST_S + 10
        while self._present() - set(self._accounts) and time.monotonic() < until_s:
            self._news.clear()
            self._news.wait(0.2)
        whole = Account()
        for account in self._accounts.values():
            whole = whole.merge(account)
        if missing := len(self._expected - set(self._accounts)):
            workers = "1 worker" if missing == 1 else f"{missing} workers"
            whole = whole.doubted(f"{workers} of {len(self._expected)} gave no account")
        if len({*self._processes.values()}) < len(self._processes):
            whole = whole.doubted("two workers had one number, so that users of theirs had, too")
        self._take(whole)

    def _present(self) -> set[str]:
        clients = self._environment.runner.clients
        return {name for name in self._expected if name in clients and clients[name].state != STATE_MISSING}

    def _concluded(self, environment: Any, msg: Any) -> None:
        self._accounts[msg.node_id] = ACCOUNT.validate_json(msg.data["account"])
        self._processes[msg.node_id] = msg.data["process"]
        self._news.set()

    def _opened_one(self, environment: Any, msg: Any) -> None:
        self._working[msg.node_id] = msg.data["users"]
        if self._present() <= set(self._working) and self._clock is None:
            self._opened(sum(self._working.values()))

    def _lost_one(self, environment: Any, msg: Any) -> None:
        self._lost.add(msg.node_id)
        if self._present() <= self._lost:
            self._end()


def controller_for(environment: Any) -> Controller:
    """Return the controller that fits the kind of process."""
    kinds = {MasterRunner: MasterController, WorkerRunner: WorkerController, LocalRunner: LocalController}
    return next(made for kind, made in kinds.items() if isinstance(environment.runner, kind))(environment)


def summarised(account: Account, options: LoadOptions | None) -> list[str]:
    """Return the verdict in lines: the outcome first, then what every checker says, the first finding, the doubts."""
    verdicts = account.judged()
    facts = ", ".join(f"{name} {verdict.outcome} on {verdict.facts:,}" for name, verdict in verdicts.items())
    seed = f"seed {options.seed}" if options is not None else "no seed"
    outcome = "INCOMPLETE" if account.outcome.value == "unknown" else account.outcome.value.upper()
    lines = [
        f"isolation {outcome}: {account.users} users, {account.operations:,} operations, "
        f"{account.frames:,} pushed frames, {seed}"
    ]
    lines.append(f"  examined: {facts}")
    findings = [finding for verdict in verdicts.values() for finding in verdict.findings]
    lines += [f"  first finding: {finding.anomaly}: {finding.message}" for finding in findings[:1]]
    lines += [f"  incomplete: {account.doubt}"] if account.doubt else []
    return lines
