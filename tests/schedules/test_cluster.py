"""The same exploration on the workers of a real Dask cluster on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.exploring import ExploreOptions, explore_target
from harness.plan import SchedulesBudget
from harness.schedules.cluster import ClusterError, cluster


@contextmanager
def process(*arguments: str, until: str) -> Iterator[str]:
    """Start a process, wait until it says something on its error stream, yield that line, and stop it at the end."""
    started = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        assert started.stderr is not None
        yield next(line for line in started.stderr if until in line)
    finally:
        started.terminate()
        started.communicate(timeout=30)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a scheduler with two workers listens."""
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    with ExitStack() as stack:
        said = stack.enter_context(
            process("distributed.cli.dask_scheduler", "--port", "0", *quiet, until="Scheduler at:")
        )
        scheduler = said.split()[-1]
        for _ in range(2):
            stack.enter_context(
                process("distributed.cli.dask_worker", scheduler, "--nthreads", "1", *quiet, until="Registered to:")
            )
        yield scheduler


def options(out: Path, address: str | None) -> ExploreOptions:
    """Return a small exploration of a planted bug, in two batches."""
    return ExploreOptions(
        target="shared-bridge",
        budget=SchedulesBudget(schedules=26, shrink_runs=5, trials=0),
        strategy="portfolio",
        mode="both",
        blows=True,
        seed=1,
        workers=2,
        cluster=address,
        out=out,
        command="harness explore",
    )


def test_a_cluster_gives_the_same_verdicts(tmp_path: Path, address: str) -> None:
    """Wherever the batches are run, they say the same, and what is found is the same story."""
    there = explore_target(options(tmp_path / "there", address), lambda line: None)
    here = explore_target(options(tmp_path / "here", None), lambda line: None)
    assert [(item.verdict, item.told) for item in here.evidence] == [
        (item.verdict, item.told) for item in there.evidence
    ]
    assert here.suites[0].measures == there.suites[0].measures
    assert any(item.verdict.violated for item in there.evidence)


def test_a_cluster_without_workers_is_refused() -> None:
    """Nothing would ever end there; the error says so at once."""
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    with (
        process("distributed.cli.dask_scheduler", "--port", "0", *quiet, until="Scheduler at:") as said,
        pytest.raises(ClusterError, match="has no workers"),
        cluster(said.split()[-1]),
    ):
        pytest.fail("it was taken")
