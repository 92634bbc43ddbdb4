"""The same exploration on the workers of a real Dask cluster on this machine; clusters of no use are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.claims.plan import SchedulesBudget
from harness.command.cli import main
from harness.command.exploring import ExploreOptions, explore_target
from harness.schedules import cluster as cluster_module
from harness.schedules.cluster import ClusterError, cluster

BOARD = f"{Path(__file__).parent / 'board_target.py'}:board"
QUIET = ("--no-dashboard", "--host", "127.0.0.1")


@contextmanager
def process(*arguments: str, until: str, folder: Path | None = None) -> Iterator[str]:
    """Start a process, wait until it says something on its error stream, yield that line, and stop it at the end."""
    started = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert started.stderr is not None
        yield next(line for line in started.stderr if until in line)
    finally:
        started.terminate()
        started.communicate(timeout=30)


@contextmanager
def scheduler() -> Iterator[str]:
    """Start a scheduler; yield where it listens."""
    with process("distributed.cli.dask_scheduler", "--port", "0", *QUIET, until="Scheduler at:") as said:
        yield said.split()[-1]


@contextmanager
def worker(address: str, folder: Path | None = None) -> Iterator[None]:
    """Start a worker in a folder: what is installed there it finds first."""
    words = ("distributed.cli.dask_worker", address, "--nthreads", "1", *QUIET)
    with process(*words, until="Registered to:", folder=folder):
        yield


def options(out: Path, address: str | None) -> ExploreOptions:
    """Return a small exploration of a target that leaks, in two batches."""
    return ExploreOptions(
        target=BOARD,
        budget=SchedulesBudget(schedules=26, shrink_runs=5, trials=0),
        strategy="portfolio",
        mode="both",
        faults=True,
        seed=1,
        workers=2,
        cluster=address,
        out=out,
        command="harness explore",
    )


def test_a_cluster_gives_the_same_verdicts(tmp_path: Path) -> None:
    """Wherever the batches are run, they say the same, and what is found is the same story."""
    with ExitStack() as stack:
        address = stack.enter_context(scheduler())
        for _ in range(2):
            stack.enter_context(worker(address))
        there = explore_target(options(tmp_path / "there", address), lambda line: None)
    here = explore_target(options(tmp_path / "here", None), lambda line: None)
    assert [(item.verdict, item.explanation) for item in here.evidence] == [
        (item.verdict, item.explanation) for item in there.evidence
    ]
    assert here.suites[0].measures == there.suites[0].measures
    assert any(item.verdict.violated for item in there.evidence)


def test_a_cluster_that_is_of_no_use_is_refused(tmp_path: Path) -> None:
    """Without workers nothing would ever end, and workers of another version might say something else."""
    other = tmp_path / "isolation_harness-99.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: isolation-harness\nVersion: 99\n")
    with scheduler() as address:
        with pytest.raises(ClusterError, match="has no workers"), cluster(address):
            pytest.fail("it was taken")
        with (
            worker(address, tmp_path),
            pytest.raises(ClusterError, match=r"workers have other versions .*'99'.* Install the same everywhere"),
            cluster(address),
        ):
            pytest.fail("it was taken")


def test_a_scheduler_that_is_not_there_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What, why and what to do; exit code 2."""
    monkeypatch.setattr(cluster_module, "CONNECT_S", 0.5)
    words = ["explore", BOARD, "--cluster", "tcp://127.0.0.1:9", "--out", str(tmp_path / "new")]
    done = CliRunner().invoke(main, words)
    assert (2, True) == (done.exit_code, "no Dask scheduler answers" in done.stderr), done.output
