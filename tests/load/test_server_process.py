"""The server process: started in bounded time, and never left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.history.model import Unreachable
from harness.targets import server_process
from harness.targets.server_process import ServerProcess


def ended(number: int) -> bool:
    """Return whether a process is gone, or will be within ten seconds."""
    until_s = time.monotonic() + 10.0
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until_s:
            return False
        time.sleep(0.05)
    return True


def test_a_process_that_fails_says_why() -> None:
    """What it wrote is in the error, and it is gone."""
    server = ServerProcess("no-such-subject")
    with pytest.raises(Unreachable, match="no-such-subject did not start: .*unfiltered-search"), server:
        pass
    assert server.process.poll() is not None


def test_a_process_that_is_silent_is_not_awaited_for_ever() -> None:
    """It is stopped when its time is over, long before it has printed a line."""
    begun_s = time.monotonic()
    server = ServerProcess("reference", start_s=0.01)
    with pytest.raises(Unreachable, match="no answer within 0.01 s"), server:
        pass
    assert time.monotonic() - begun_s < 10.0
    assert server.process.poll() is not None


def test_an_interrupt_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever presses Ctrl-C while it starts has nothing to clean up."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server_process.httpx, "get", interrupt)
    server = ServerProcess("reference")
    with pytest.raises(KeyboardInterrupt), server:
        pass
    assert server.process.poll() is not None


def test_the_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """Also when that was killed, and could clean up nothing."""
    script = tmp_path / "starts_a_server.py"
    script.write_text(
        "from harness.targets.server_process import ServerProcess\n"
        "import time\n"
        "with ServerProcess() as server:\n"
        "    print(server.process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(server_process.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": str(root)}
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert psutil.pid_exists(child)
        parent.kill()
    assert ended(child)


def test_its_log_is_closed_in_the_end() -> None:
    """A file that nobody closes is told by a warning, much later and elsewhere."""
    with ServerProcess() as server:
        assert server.log() == ""
    with pytest.raises(ValueError, match="closed"):
        server.log()
