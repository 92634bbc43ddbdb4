"""Load runs from start to end, each as a process of its own: Locust is never imported here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from harness.claims.evidence import Manifest, Suite, SuiteOutcome
from harness.claims.plan import LoadBudget
from harness.claims.run_folder import RunFolder
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Outcome, judge
from harness.load.account import ACCOUNT, JUDGES, Account
from harness.load.suite import LOCUSTFILE, run_load
from harness.targets.bundled import SECRET_VARIABLE
from harness.targets.server_process import ServerProcess

USERS = 10
ROOT = Path(__file__).parents[2]
BUNDLED = "harness.targets.bundled:adapter_from_environment"


class Server(Protocol):
    """Where the bundled backend is."""

    url: str
    secret: str


@dataclass
class Address:
    """Where a server may be, or not."""

    url: str
    secret: str = "a secret that nobody asks for, of at least 32 bytes"


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """The honest backend, for all tests that leave it alive."""
    with ServerProcess("reference") as process:
        yield process


def load(
    server: Server,
    duration_s: float = 3.0,
    folder: RunFolder | None = None,
    on_line: Callable[[str], None] = lambda _: None,
    users: int = USERS,
) -> SuiteOutcome:
    """Run a short load."""
    return run_load(
        target_name="reference",
        adapter=BUNDLED,
        url=server.url,
        environment={SECRET_VARIABLE: server.secret},
        budget=LoadBudget(duration_s=duration_s, users=users),
        seed=7,
        folder=folder,
        history_name="load",
        on_line=on_line,
    )


def outcomes(outcome: SuiteOutcome) -> dict[str, Outcome]:
    """Return what each checker says."""
    return {item.verdict.checker: item.verdict.outcome for item in outcome.evidence}


def manifest() -> Manifest:
    """Return what a run folder needs."""
    return Manifest(
        run="r", target="reference", plan="p", required=(), seed=7, users=USERS, started="2026-01-01", version="0"
    )


def test_the_honest_backend_holds(server: ServerProcess, tmp_path: Path) -> None:
    """Ten users find nothing wrong, on many facts; the stored history, judged anew, says exactly the same."""
    folder = RunFolder.create(tmp_path / "run", manifest())
    lines: list[str] = []
    begun_s = time.monotonic()
    outcome = load(server, 4.0, folder, lines.append)

    assert outcome.run.doubt == ""
    assert {Outcome.VIOLATED} & set(outcomes(outcome).values()) == set()
    assert [outcomes(outcome)[name] for name in ("leak", "misdelivery")] == [Outcome.HOLDS] * 2
    assert outcome.run.users == USERS
    deliveries = outcome.run.measures["deliveries"]
    assert deliveries
    assert all(owner == observer for owner, observer, _ in deliveries)
    assert lines[-1].startswith("isolation HOLDS: 10 users")
    assert time.monotonic() - begun_s < 4.0 + 30.0

    [(header, history)] = [(told, list(events)) for told, _, events in folder.histories(outcome.run.files[0])]
    assert (header.suite, header.seed, len(history)) == (Suite.LOAD, 7, outcome.run.events)
    assert {name: judge(CHECKERS[name], header, history) for name in JUDGES} == {
        item.verdict.checker: item.verdict for item in outcome.evidence
    }


def test_a_shared_bridge_is_seen() -> None:
    """A backend that keeps one bridge for all users is convicted of misdelivery within three seconds."""
    with ServerProcess("shared-bridge") as server:
        outcome = load(server, 3.0)
    assert outcomes(outcome)["misdelivery"] is Outcome.VIOLATED


def test_a_dead_port_is_told() -> None:
    """Where nobody answers there is nothing to verify, and the run says so at once."""
    begun_s = time.monotonic()
    outcome = load(Address("http://127.0.0.1:9"), 60.0)
    assert set(outcomes(outcome).values()) == {Outcome.UNKNOWN}
    assert "Connection refused" in outcome.run.doubt
    assert "start the target" in outcome.run.doubt
    assert time.monotonic() - begun_s < 30


class _Closed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def test_a_target_that_lets_nobody_in_is_incomplete() -> None:
    """A run in which nothing happens is never green."""
    with HTTPServer(("127.0.0.1", 0), _Closed) as closed:
        threading.Thread(target=closed.serve_forever, daemon=True).start()
        outcome = load(Address(f"http://127.0.0.1:{closed.server_port}"), 60.0)
        closed.shutdown()
    assert set(outcomes(outcome).values()) == {Outcome.UNKNOWN}
    assert "could not begin (events was refused with 404)" in outcome.run.doubt


def test_a_server_that_dies_is_no_violation() -> None:
    """A target killed in the middle has shown neither isolation nor a lack of it."""
    with ServerProcess("reference") as server:

        def kill_soon(line: str) -> None:
            if "connected" in line:
                threading.Timer(1.5, server.process.kill).start()

        outcome = load(server, 4.0, on_line=kill_soon)
    assert set(outcomes(outcome).values()) == {Outcome.UNKNOWN}
    assert "closed a user's channel events" in outcome.run.doubt


def free_port() -> int:
    """Return a port of this machine that nobody listens on: two masters cannot share Locust's usual one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_locust(server: ServerProcess, folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start Locust as a user of it would."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    port = str(free_port())
    command += ["--master-bind-port", port, "--master-port", port]
    command += ["--adapter", BUNDLED, "--host", server.url, "-u", str(USERS), "-r", str(USERS), "--isolation-seed", "7"]
    command += ["--isolation-out", str(folder), "--isolation-summary", str(folder / "account.json"), *options]
    environment = {**os.environ, SECRET_VARIABLE: server.secret}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def account_in(folder: Path) -> Account:
    """Return the account that Locust wrote."""
    return ACCOUNT.validate_json((folder / "account.json").read_bytes())


def test_workers_add_up(server: ServerProcess, tmp_path: Path) -> None:
    """Two workers share the users, each keeps a history, and the master loses neither's verdict."""
    process = start_locust(server, tmp_path, "--processes", "2", "--isolation-duration", "2.5")
    said = process.communicate(timeout=60)[1]
    account = account_in(tmp_path)
    assert (process.returncode, account.doubt) == (0, "")
    assert said.splitlines()[-2].startswith("isolation HOLDS: 10 users")
    assert sorted(account.files) == ["histories/load-1.jsonl", "histories/load.jsonl"]
    histories = [
        (header, list(events)) for name in account.files for header, _, events in RunFolder(tmp_path).histories(name)
    ]
    assert sum(len(events) for _, events in histories) == account.events
    facts = [judge(CHECKERS["leak"], header, events).facts for header, events in histories]
    assert sum(facts) == account.judged()["leak"].facts
    assert all(facts)


def test_a_lost_worker_is_missed(server: ServerProcess, tmp_path: Path) -> None:
    """A worker that dies without an account makes the run incomplete, with exit code 3, however green the rest."""
    process = start_locust(server, tmp_path, "--processes", "2", "--isolation-duration", "3")
    assert process.stderr is not None
    for line in process.stderr:
        if "connected: 10" in line:
            psutil.Process(process.pid).children()[0].kill()
            break
    process.communicate(timeout=90)
    assert process.returncode == 3
    assert "1 worker of 2 gave no account" in account_in(tmp_path).doubt


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "http://127.0.0.1:9"], "give --adapter isolation_target.py"),
        (["--host", "http://127.0.0.1:9", "--adapter", BUNDLED], "set HARNESS_TOKEN_SECRET"),
        (["--adapter", "tests/services/targets/fastapi_board_target.py"], "give --host http://..."),
        (["--adapter", "tests/services/targets/socketio_chat_target.py"], "speaks Socket.IO"),
        (["--adapter", "tests/services/targets/multiplexed_inbox_target.py"], "speak HTTP/1.1"),
        (["--adapter", "harness.history.names:NAMES"], "is a tuple: name an Adapter"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(options: list[str], said: str) -> None:
    """Locust says what is missing, and does not exit as if it had found a violation."""
    environment = {name: value for name, value in os.environ.items() if name != SECRET_VARIABLE}
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_suite_does_not_import_locust() -> None:
    """Whoever asks for a load run is not monkey-patched."""
    check = "import sys, harness.load.suite; sys.exit(bool({'locust', 'gevent'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
