"""Runs Locust as a process of its own on a service, and turns its account into evidence.

Rules:

- Nothing here imports Locust: it would monkey-patch this process.
- A Locust that crashes, hangs or says nothing is a doubt; every checker is then UNKNOWN, whatever it had seen.
- The user's own Locust settings (environment, `locust.conf`) have no say: the plan has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

import harness
from harness.claims.evidence import Suite, SuiteOutcome, SuiteRun
from harness.claims.plan import LoadBudget
from harness.claims.results import Results
from harness.claims.run_folder import RunFolder
from harness.load.account import ACCOUNT, EXIT_CODES, JUDGES, Account

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
MOST_SPAWN_RATE = 100
"""Users started in a second; above that Locust warns of trouble."""
GRACE_S = 150.0
"""How much longer than the users work a run may take in all: connecting, and coming to rest on a slow machine."""
_OUR_LOG = "harness.load.controller: "


def run_load(
    *,
    target_name: str,
    adapter: str,
    url: str,
    budget: LoadBudget,
    seed: int,
    folder: RunFolder | None,
    history_name: str,
    on_line: Callable[[str], None],
    environment: Mapping[str, str] = MappingProxyType({}),
    again: str = "",
) -> SuiteOutcome:
    """Let many users work on a service, and judge what they see.

    Args:
        target_name: as in reports.
        adapter: where the description of the service is: `module:attribute` or `file.py:attribute`.
        url: of the service, which is running, and stays so.
        budget: how many users, and for how long.
        seed: of canaries, choices and pauses.
        folder: where the history goes; None keeps none.
        history_name: of its file.
        on_line: hears of the progress, one line at a time.
        environment: further variables for whatever the adapter reads there.
        again: the command that verifies again; stands in evidence.
    """
    begun_s = time.monotonic()
    account = _run(
        [
            *("--adapter", _from_anywhere(adapter), "--host", url, "--users", str(budget.users)),
            *("--spawn-rate", str(min(budget.users, MOST_SPAWN_RATE))),
            *("--isolation-target", target_name, "--isolation-seed", str(seed)),
            *("--isolation-duration", str(budget.duration_s), "--isolation-history", history_name),
            *(("--isolation-out", str(folder.path.resolve())) if folder is not None else ()),
        ],
        environment,
        budget.duration_s + budget.users / MOST_SPAWN_RATE + GRACE_S,
        on_line,
    )
    duration_s = round(time.monotonic() - begun_s, 3)
    run = _suite_run(account, target_name, seed, duration_s)
    results = Results(run=run, checkers=JUDGES, verdicts=account.judged(), again=again)
    return SuiteOutcome(run, results.evidence(folder))


def _from_anywhere(adapter: str) -> str:
    """Return the place of an adapter as it is understood in any working directory."""
    file, end, rest = adapter.partition(".py")
    return f"{Path(file).resolve()}{end}{rest}" if end and rest[:1] in ("", ":") else adapter


def _suite_run(account: Account, target: str, seed: int, duration_s: float) -> SuiteRun:
    return SuiteRun(
        suite=Suite.LOAD,
        target=target,
        seed=seed,
        users=account.users,
        histories=account.histories,
        operations=account.operations,
        events=account.events,
        faults=account.faults,
        never_asked=tuple(name for name in account.offered if name not in account.asked),
        duration_s=duration_s,
        files=account.files,
        measures=account.measures(),
        doubt=account.doubt,
    )


def _run(
    options: Sequence[str], environment: Mapping[str, str], most_s: float, on_line: Callable[[str], None]
) -> Account:
    """Run Locust to its end and return its account, with a doubt when it did not give one in good order."""
    with tempfile.TemporaryDirectory(prefix="harness-load-") as here:
        summary = Path(here) / "account.json"
        fixed = ["--headless", "--only-summary", "--isolation-summary", str(summary)]
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *fixed, *options]
        last: deque[str] = deque(maxlen=5)
        process = subprocess.Popen(
            command,
            cwd=here,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        with _killed_after(process, most_s) as late:
            assert process.stderr is not None
            for line in process.stderr:
                last.append(line.rstrip())
                if _OUR_LOG in line:
                    on_line(line.partition(_OUR_LOG)[2].rstrip())
            code = process.wait()
        if late.is_set():
            return Account().doubted(f"the load process did not end within {most_s:.0f} s and was stopped")
        return _account_in(summary, code, last)


def _account_in(summary: Path, code: int, last: Sequence[str]) -> Account:
    try:
        account = ACCOUNT.validate_json(summary.read_bytes())
    except (OSError, ValidationError):
        said = " / ".join(line for line in last if line)
        return Account().doubted(f"the load process ended with {code} before it gave an account: {said[-600:]}")
    if code != EXIT_CODES[account.outcome]:
        return account.doubted(f"the load process ended with {code}, which does not fit its account")
    return account


def _environment(given: Mapping[str, str]) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    places = [str(Path(harness.__file__).parents[1]), kept.get("PYTHONPATH", ""), str(Path.cwd())]
    return {**kept, **given, "PYTHONPATH": os.pathsep.join(filter(None, places))}


@contextmanager
def _killed_after(process: subprocess.Popen[str], most_s: float) -> Iterator[threading.Event]:
    """Stop the process when it takes too long; the event says whether that was done."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(most_s, stop)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
