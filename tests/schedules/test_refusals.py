"""What no schedule decides is refused, remembered, and told in words: what leaves the process, or waits outside it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import pytest

from harness.loop.control import Control, RunResult, controlled
from harness.loop.loop import Uncontrolled
from harness.loop.strategies.fifo import Fifo


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """Put everything in place once for all tests here."""
    with controlled() as installed:
        yield installed


def ran(control: Control, program: Callable[[], Any]) -> RunResult:
    """Run a program once, in asyncio's own order."""
    return control.run(lambda loop: program(), Fifo())


SPAWN = multiprocessing.get_context("spawn")


async def connect() -> None:
    """Open a connection as asyncio does."""
    await asyncio.open_connection("127.0.0.1", 9)


async def connect_blocking() -> None:
    """Open a connection as a blocking library does."""
    with socket.socket() as connecting:
        connecting.connect(("127.0.0.1", 9))


async def send() -> None:
    """Send without a connection."""
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendto(b"hello", ("127.0.0.1", 9))


async def send_message() -> None:
    """Send without a connection, in pieces."""
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendmsg([b"hello"], [], 0, ("127.0.0.1", 9))


async def resolve_old() -> None:
    """Ask for an address as old libraries do."""
    socket.gethostbyname("localhost")


async def become_another() -> None:
    """Become another program, which is not there."""
    os.execv("/nowhere", ["nowhere"])


async def resolve() -> None:
    """Ask for an address as a blocking library does."""
    socket.getaddrinfo("localhost", 80)


async def listen() -> None:
    """Listen on a socket."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))


async def serve() -> None:
    """Listen as asyncio does."""
    await asyncio.start_server(print, "127.0.0.1", 0)


async def start_process() -> None:
    """Start a process as asyncio does."""
    await asyncio.create_subprocess_exec(sys.executable, "-V")


async def start_process_blocking() -> None:
    """Start a process as a blocking library does."""
    subprocess.run([sys.executable, "-V"], check=True)  # noqa: ASYNC221


async def run_command() -> None:
    """Run a command in a shell."""
    os.system("true")  # noqa: ASYNC221


async def spawn() -> None:
    """Start a process without the subprocess module."""
    os.posix_spawn(sys.executable, [sys.executable, "-V"], {})  # noqa: ASYNC221


async def start_thread() -> None:
    """Start a thread of its own."""
    threading.Thread(target=print, name="own").start()


async def start_pool() -> None:
    """Give a job to a pool without asking the loop."""
    ThreadPoolExecutor(1).submit(print)


async def handle_signal() -> None:
    """Ask for a signal."""
    asyncio.get_running_loop().add_signal_handler(2, print)


OUTSIDE = {
    connect: "loop.create_connection()",
    connect_blocking: "opened a real socket",
    send: "sent from a real socket",
    send_message: "sent from a real socket",
    resolve_old: "asked for the address of a host",
    become_another: "became another one",
    resolve: "asked for the address of a host",
    listen: "listened on a real socket",
    serve: "loop.create_server()",
    start_process: "loop.subprocess_exec()",
    start_process_blocking: "started another process",
    run_command: "ran a command",
    spawn: "started another process",
    start_thread: "started a thread of its own, 'own'",
    start_pool: "gave work to a pool of threads without the loop",
    handle_signal: "loop.add_signal_handler()",
}


async def two_jobs(job: Callable[[], object]) -> None:
    """Give a job to two threads of asyncio's pool, and anyio's."""
    await asyncio.gather(asyncio.to_thread(job), anyio.to_thread.run_sync(job))


async def wait_for_each_other() -> None:
    """Meet in two jobs; the time-out is real, and would pass."""
    await two_jobs(threading.Barrier(2, timeout=5).wait)


async def wait_for_the_loop() -> None:
    """Ask the loop for something in a job, and wait for its answer."""
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result())


async def run_a_loop() -> None:
    """Run another event loop in a job."""
    sleeping = asyncio.sleep(1)
    try:
        await asyncio.to_thread(asyncio.run, sleeping)
    finally:
        sleeping.close()


OF_JOBS = {
    wait_for_each_other: "a job in a thread waits for another one",
    wait_for_the_loop: "a job in a thread waits for another one, or for the loop",
    run_a_loop: "a job in a thread runs an event loop of its own",
}


class TestRefusals:
    @pytest.mark.parametrize(("program", "what"), OUTSIDE.items(), ids=lambda value: getattr(value, "__name__", ""))
    def test_what_leaves_the_process_is_refused(self, control: Control, program: Any, what: str) -> None:
        """The program gets an error that says what to do instead, and the run proves nothing."""
        came = ran(control, program)
        assert isinstance(came.error, Uncontrolled)
        assert what in str(came.error)
        assert "in-memory transport" in str(came.error)
        assert 1 == len(came.uncontrolled)
        assert what in came.uncontrolled[0]

    def test_a_refusal_that_the_program_swallows_is_remembered(self, control: Control) -> None:
        """A program that goes on without what it was refused is still not controlled."""

        async def program() -> str:
            with pytest.raises(Uncontrolled):
                await start_thread()
            return "goes on"

        came = ran(control, program)
        assert ("goes on", None) == (came.value, came.error)
        assert 1 == len(came.uncontrolled)

    def test_nothing_is_refused_between_two_runs(self, control: Control) -> None:
        """Whoever runs schedules may start threads and processes, and listen."""
        ran(control, lambda: asyncio.sleep(1))
        thread = threading.Thread(target=time.monotonic)
        thread.start()
        thread.join()
        asyncio.run(listen())

    @pytest.mark.parametrize(("program", "what"), OF_JOBS.items(), ids=lambda value: getattr(value, "__name__", ""))
    def test_a_job_that_waits_for_others_is_refused_at_once(self, control: Control, program: Any, what: str) -> None:
        """Everybody else stands still while it works: it would wait for ever, or until its own time-out."""
        came = ran(control, program)
        assert isinstance(came.error, Uncontrolled)
        assert what in came.uncontrolled[0]

    def test_a_job_that_need_not_wait_is_done(self, control: Control) -> None:
        """A queue with something in it, a flag that it only looks at."""

        async def program() -> int:
            waiting: queue.Queue[int] = queue.Queue()
            waiting.put(3)
            assert not await asyncio.to_thread(threading.Event().wait, 0)
            return await asyncio.to_thread(waiting.get)

        came = ran(control, program)
        assert (3, ()) == (came.value, came.uncontrolled)

    @pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_work_for_a_pool_that_runs_already_is_refused(self, control: Control, kind: Any) -> None:
        """It starts no thread and no process that could be seen; what it waits for comes from outside."""
        with kind(1, **({"mp_context": SPAWN} if kind is ProcessPoolExecutor else {})) as pool:
            pool.submit(len, "").result()

            async def program() -> None:
                await asyncio.wrap_future(pool.submit(len, ""))

            came = ran(control, program)
        assert isinstance(came.error, Uncontrolled)
        assert came.uncontrolled[0].startswith("the program gave work to ")

    def test_a_process_that_multiprocessing_spawns_is_refused(self, control: Control) -> None:
        """It is started by other means than every other."""

        async def program() -> None:
            SPAWN.Process(target=print).start()

        assert ("the program started another process",) == ran(control, program).uncontrolled
