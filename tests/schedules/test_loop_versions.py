"""The same choices give the same run in Python 3.11 to 3.14; the loop needs nothing but the standard library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import test_loop_programs
from test_loop_programs import WORDS, everything

from tests.packaging.interpreters import VERSIONS, python

ROOT = Path(__file__).parents[2]
PROGRAMS = 60
SAME_PROGRAM_EVERYWHERE = {
    # In 3.13 a TaskGroup that is aborted while its parent is cancelled was mended (python/cpython#116720).
    "without groups": set(WORDS) - {"notice", "group"},
    # In 3.13 a waiter of a Condition that fails after it was notified notifies another (python/cpython#112202).
    "without cancellation": set(WORDS) - {"notice", "cancel"},
}
LOOP = ROOT / "harness" / "loop"
STANDARD_LIBRARY_ONLY = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in LOOP.rglob("*.py")
    if path.parent.name == "strategies" or "standard library only" in path.read_text(encoding="utf-8").lower()
)


def output_of(path: str, *arguments: str) -> str:
    """Return what this interpreter prints, isolated: without the environment, its own folder and site-packages."""
    command = [path, "-I", "-S", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("words", SAME_PROGRAM_EVERYWHERE.values(), ids=SAME_PROGRAM_EVERYWHERE)
def test_every_version_gives_the_same_traces(words: set[str], version: str) -> None:
    """Every program shows the same trace and the same log under every strategy, in another Python as in this one."""
    path = python(version)
    if path is None:
        pytest.skip(f"no python{version} that runs on PATH or under pyenv")
    chosen = sorted(words)
    here: Any = json.loads(json.dumps(everything(PROGRAMS, chosen)))
    there = json.loads(output_of(path, test_loop_programs.__file__, str(PROGRAMS), *chosen))
    assert PROGRAMS * 8 == len(here)
    assert here.keys() == there.keys()
    assert [] == [name for name in here if here[name] != there[name]]


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_the_loop_needs_only_the_standard_library(module: str) -> None:
    """What says so, and each strategy, can be imported without any other package, and brings in none but our own."""
    assert {"harness.loop.loop", "harness.loop.lockstep"} < set(STANDARD_LIBRARY_ONLY)
    code = f"""
import sys, sysconfig
sys.path.insert(0, {str(ROOT)!r})
import {module}
ours = {{name.partition(".")[0] for name in sys.modules}} - {{"__main__", sysconfig._get_sysconfigdata_name()}}
print(*sorted(ours - sys.stdlib_module_names))
"""
    assert "harness" == output_of(sys.executable, "-c", code).strip()


PRELUDE = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from harness.loop.loop import ScheduleLoop
from harness.loop.strategies.fifo import Fifo
"""

KEEPS_ITS_PLACE = """
async def stays():
    here = {asyncio.current_task()}
    await asyncio.sleep(0)
    return asyncio.current_task() in here

async def program():
    return await asyncio.get_running_loop().create_task(stays(), eager_start=True)

print(ScheduleLoop(Fifo()).run_until_complete(program()))
"""

IS_NUMBERED = """
async def program():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0)) for _ in range(40)]
        return [*group._tasks] == tasks

print(ScheduleLoop(Fifo()).run_until_complete(program()))
"""

IS_LISTED = """
async def program():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.create_eager_task_factory(asyncio.Task))
    return loop.create_task(asyncio.sleep(1)) in loop.tasks()

print(ScheduleLoop(Fifo()).run_until_complete(program()))
"""

IS_SEEN = """
seen = []

async def program():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0), name="cancelled").cancel()
        group.create_task(asyncio.sleep(0), name="waiting")

def step(task, context):
    if not task.done():
        seen.append(task)

ScheduleLoop(Fifo(), on_step=step).run_until_complete(program())
print({"waiting", "cancelled"} <= {task.get_name() for task in seen})
"""


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize(
    "program", [KEEPS_ITS_PLACE, IS_NUMBERED, IS_LISTED, IS_SEEN], ids=["place", "number", "list", "await"]
)
def test_a_task_that_starts_at_once_is_one_like_others(program: str, version: str) -> None:
    """It is put into sets before any step of it is queued; groups walk it in order; its first await counts."""
    path = python(version)
    if path is None:
        pytest.skip(f"no python{version} that runs on PATH or under pyenv")
    assert "True" == output_of(path, "-c", PRELUDE + program).strip()
