"""CPython's own tests of asyncio pass on the loop, unmodified but for those that are listed here with the reason."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import test_loop_substitute

from harness.loop.scheduling import Mode

ROOT = Path(__file__).parents[2]

PASS_ENTIRELY = (
    "test.test_asyncio.test_context",
    "test.test_asyncio.test_eager_task_factory",
    "test.test_asyncio.test_futures",
    "test.test_asyncio.test_futures2",
    "test.test_asyncio.test_locks",
    "test.test_asyncio.test_pep492",
    "test.test_asyncio.test_queues",
    "test.test_asyncio.test_runners",
    "test.test_asyncio.test_staggered",
    "test.test_asyncio.test_taskgroups",
    "test.test_asyncio.test_threads",
    "test.test_asyncio.test_timeouts",
    "test.test_asyncio.test_waitfor",
    "test.test_asyncgen",
    "test.test_contextlib_async",
    "test.test_coroutines",
    "test.test_unittest.test_async_case",
    "unittest.test.test_async_case",
)
"""Where a Python has them: some came with 3.12 or 3.13, one was moved."""

PASS_OTHERWISE = ("test.test_asyncio.test_tasks", "test.test_asyncio.test_base_events.BaseEventLoopTests")
"""All of their tests but those below."""

WAITS_FOR_THE_LOOP = "a job in a thread waits for the loop, which stands still meanwhile: refused by the watchdog"
ONE_TURN = "calls `loop._run_once()` for one turn; here that runs until the loop is stopped"
INSIDE = "looks into asyncio's own queue, heap of timers or selector"
DEBUG = "expects what only asyncio's debug mode checks, and the loop leaves out"

LEFT_OUT = {
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe": WAITS_FOR_THE_LOOP,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_cancelled": WAITS_FOR_THE_LOOP,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_factory_exception": WAITS_FOR_THE_LOOP,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_with_exception": WAITS_FOR_THE_LOOP,
    "test_stop_while_run_in_complete": "its clock has gone on to the next timer when the loop is stopped; ours has not",
    "test_log_destroyed_pending_task": ONE_TURN,
    "BaseEventLoopTests.test__run_once": ONE_TURN,
    "BaseEventLoopTests.test__run_once_schedule_handle": ONE_TURN,
    "BaseEventLoopTests.test_default_exc_handler_broken": ONE_TURN,
    "BaseEventLoopTests.test_set_exc_handler_broken": ONE_TURN,
    "BaseEventLoopTests.test_set_exc_handler_custom": ONE_TURN,
    "BaseEventLoopTests.test__add_callback_handle": INSIDE,
    "BaseEventLoopTests.test__run_once_cancelled_event_cleanup": INSIDE,
    "BaseEventLoopTests.test_call_later": INSIDE,
    "BaseEventLoopTests.test_run_forever_pre_stopped": INSIDE,
    "BaseEventLoopTests.test_single_selecter_event_callback_after_stopping": INSIDE,
    "BaseEventLoopTests.test_call_soon_non_callable": DEBUG,
    "BaseEventLoopTests.test_check_thread": DEBUG,
}

NEWER_LEFT_OUT = {
    "BaseEventLoopTests.test_custom_run_forever_integration": ONE_TURN,
    "BaseEventLoopTests.test_shutdown_default_executor_timeout": "its executor takes real time to end; ours takes none",
}
"""The same of tests that came after Python 3.11."""

WAYS = (("fifo", Mode.PREEMPTIVE), ("fifo", Mode.STRICT), ("random", Mode.STRICT))
"""These tests rely on FIFO of what is ready: strict schedules keep it, whatever the scheduler would choose."""


def present(modules: tuple[str, ...]) -> list[str]:
    """Return those that this Python has."""
    return [module for module in modules if _file_of(module) is not None]


def _file_of(module: str) -> object | None:
    module = module.partition(".BaseEventLoopTests")[0]
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None


def results(strategy: str, mode: Mode, modules: list[str], left_out: Iterable[str]) -> Any:
    """Run these modules in a process of their own."""
    command = [sys.executable, "-I", test_loop_substitute.__file__, strategy, mode.value, *modules]
    names = json.dumps([*left_out, *NEWER_LEFT_OUT])
    told = subprocess.run(command, input=names, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert 0 == told.returncode, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


@pytest.mark.parametrize("modules", [PASS_ENTIRELY, PASS_OTHERWISE], ids=["entirely", "otherwise"])
@pytest.mark.parametrize(("strategy", "mode"), WAYS, ids=["fifo-preemptive", "fifo-strict", "random-strict"])
def test_cpythons_own_tests_pass(strategy: str, mode: Mode, modules: tuple[str, ...]) -> None:
    """Each module runs tests on our loop, and none of them fails."""
    here = present(modules)
    if not here:
        pytest.skip("this Python has no `test` package")
    told = results(strategy, mode, here, LEFT_OUT)
    assert {} == {module: result["failed"] for module, result in told.items() if result["failed"]}
    assert here == list(told)
    assert all(result["run"] and result["loops"] for result in told.values())


def test_what_is_left_out_would_fail() -> None:
    """Each test that is left out is one of CPython's, and would fail: the list has no entry too many."""
    here = present(PASS_OTHERWISE)
    if not here:
        pytest.skip("this Python has no `test` package")
    slow = {name for name, reason in LEFT_OUT.items() if reason is WAITS_FOR_THE_LOOP}
    told = results("fifo", Mode.PREEMPTIVE, here, slow)
    failed = [name.partition(" ")[0] for result in told.values() for name in result["failed"]]
    assert set(LEFT_OUT) - slow == {name for name in LEFT_OUT if any(full.endswith(f".{name}") for full in failed)}
