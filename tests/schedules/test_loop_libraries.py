"""Libraries whose insides the loop replaces, in versions that it does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiosqlite
import pytest
from anyio._backends import _asyncio as backend

from harness.loop import anyio_device, sqlite_device
from harness.loop.control import controlled
from harness.loop.versions import UnknownVersion

WITHOUT_THREAD = """
import sys, aiosqlite
def begin(self, connector, iter_chunk_size):
    self._tx, self._connection = None, None
aiosqlite.Connection.__init__ = begin
from harness.command.cli import main
main(sys.argv[1:])
"""
"""A command of `harness` where aiosqlite is as it was up to 0.21, when a connection was its own thread."""


def begin_without_thread(self: aiosqlite.Connection) -> None:
    self._tx, self._connection = None, None  # type: ignore[assignment]


class WorkerOfAnotherVersion:
    def run(self) -> None:
        """Take jobs from somewhere else."""


def test_the_versions_of_today_are_known() -> None:
    """What is installed here has everything that the devices replace."""
    anyio_device.check()
    sqlite_device.check()


def test_another_aiosqlite_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what is missing, and which versions are known, before anything is replaced."""
    monkeypatch.setattr(aiosqlite.Connection, "__init__", begin_without_thread)
    said = r"^schedules cannot be chosen with aiosqlite [\d.]+, which lacks _thread: known are the versions 0\.22; "
    with pytest.raises(UnknownVersion, match=said), controlled():
        pass
    assert begin_without_thread is aiosqlite.Connection.__init__


def test_another_anyio_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker thread without a queue, and one that is not there at all, are both told."""
    monkeypatch.setattr(backend, "WorkerThread", WorkerOfAnotherVersion)
    with pytest.raises(UnknownVersion, match=r"anyio [\d.]+, which lacks loop, queue, context, .*4\.12 to 4\.16"):
        anyio_device.check()
    monkeypatch.delattr(backend, "WorkerThread")
    with pytest.raises(UnknownVersion, match="lacks loop, queue, "):
        anyio_device.check()


@pytest.mark.parametrize("arguments", [["explore"], ["verify", "--plan", "standard"], ["mutants", "--suite", "all"]])
def test_a_command_that_chooses_schedules_says_so_before_it_begins(tmp_path: Path, arguments: list[str]) -> None:
    """The exit code is 2, there is one line, and no run folder."""
    words = [sys.executable, "-c", WITHOUT_THREAD, *arguments]
    answer = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 2 == answer.returncode, answer.stderr
    assert 1 == len(answer.stderr.splitlines()), answer.stderr
    assert "known are the versions 0.22" in answer.stderr
    assert [] == list(tmp_path.iterdir())


def test_what_a_device_has_replaced_already_is_known() -> None:
    """One exploration may begin while another is open."""
    with controlled(), controlled():
        sqlite_device.check()
        anyio_device.check()
