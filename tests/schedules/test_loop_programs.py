"""Small programs made of words, one word for each thing that asyncio can do; any Python from 3.11 on can run them.

A script is a list of tasks, a task a list of words. What a program shows is its log: who said which word when, and how
that ended. Execution as a script of its own, this file prints the traces and logs of many programs in many schedules.

Standard library only. `asyncio.wait_for` is left out: in 3.11 it makes a task of what it waits for, later it does not.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.loop.loop import ScheduleLoop
from harness.loop.scheduling import Mode
from harness.loop.strategies import STRATEGIES

PATIENCE_S = 4
"""How long a word waits for other tasks."""

Script = Sequence[Sequence[str]]


class World:
    """What the tasks of one program share."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[str] = asyncio.Queue(2)
        self.lock = asyncio.Lock()
        self.slots = asyncio.Semaphore(2)
        self.event = asyncio.Event()
        self.condition = asyncio.Condition()
        self.tasks: list[asyncio.Task[None]] = []
        self.children: list[asyncio.Task[None]] = []

    async def stay(self, who: str, pauses: int = 2) -> None:
        """Step a few times, and tell it."""
        for number in range(pauses):
            self.log.append(f"{who} steps {number}")
            await asyncio.sleep(0)


Word = Callable[[World, str], Awaitable[object]]


async def pause(world: World, who: str) -> None:
    await asyncio.sleep(0)


async def sleep(world: World, who: str) -> None:
    await asyncio.sleep(1 + ord(who[0]) % 2)


async def put(world: World, who: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await world.queue.put(who)


async def get(world: World, who: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        world.log.append(f"{who} got {await world.queue.get()}")


async def lock(world: World, who: str) -> None:
    async with world.lock:
        await world.stay(f"{who} locked")


async def slot(world: World, who: str) -> None:
    async with world.slots:
        await world.stay(f"{who} in a slot")


async def open_event(world: World, who: str) -> None:
    world.event.set()


async def wait(world: World, who: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await world.event.wait()
    world.event.clear()


async def notify(world: World, who: str) -> None:
    async with world.condition:
        world.condition.notify()


async def notice(world: World, who: str) -> None:
    async with asyncio.timeout(PATIENCE_S), world.condition:
        await world.condition.wait()


async def spawn(world: World, who: str) -> None:
    world.children.append(world.loop.create_task(world.stay(f"{who} child")))


async def gather(world: World, who: str) -> None:
    await asyncio.gather(world.stay(f"{who} left"), world.stay(f"{who} right", 1))


async def group(world: World, who: str) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError(who)

    async with asyncio.TaskGroup() as members:
        for number in range(3):
            members.create_task(world.stay(f"{who} member {number}", 3))
        members.create_task(fail())


async def shield(world: World, who: str) -> None:
    async with asyncio.timeout(1):
        await asyncio.shield(world.stay(f"{who} shielded"))


async def soon(world: World, who: str) -> None:
    world.loop.call_soon(world.log.append, f"{who} called")


async def later(world: World, who: str) -> None:
    world.loop.call_later(1, world.log.append, f"{who} called later")


async def at_once(world: World, who: str) -> None:
    world.loop.call_later(0, world.log.append, f"{who} called at once")


async def cancel(world: World, who: str) -> None:
    place = (ord(who[0]) + 1) % len(world.tasks)
    world.tasks[place].cancel()


async def expire(world: World, who: str) -> None:
    async with asyncio.timeout(1):
        await world.loop.create_future()


async def first(world: World, who: str) -> None:
    both = [world.loop.create_task(world.stay(f"{who} runner {pauses}", pauses)) for pauses in (1, 3)]
    world.children.extend(both)
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    world.log.extend(f"{who} runner {place} ended" for place, task in enumerate(both) if task.done())


async def generate(world: World, who: str) -> None:
    async def numbers() -> Any:
        try:
            for number in range(3):
                yield number
                await asyncio.sleep(0)
        finally:
            world.log.append(f"{who} closes")

    generator = numbers()
    async for number in generator:
        if number == 1:
            break
    await generator.aclose()


AT_ONCE: Mapping[str, Word] = {
    word.__name__: word for word in (pause, lock, slot, open_event, spawn, gather, group, soon, cancel, first, generate)
}
"""Words that wait for no clock."""
WORDS: Mapping[str, Word] = {
    **AT_ONCE,
    **{word.__name__: word for word in (sleep, put, get, wait, notify, notice, shield, later, at_once, expire)},
}


async def _work(world: World, who: str, text: Sequence[str], words: Mapping[str, Word]) -> None:
    for number, word in enumerate(text):
        world.log.append(f"{who} {number} {word}")
        try:
            await words[word](world, who)
        except (TimeoutError, ExceptionGroup) as error:
            world.log.append(f"{who} {number} {type(error).__name__}")
    world.log.append(f"{who} ends")


async def perform(script: Script, words: Mapping[str, Word] = WORDS) -> list[str]:
    """Perform a program in the running loop, and return its log."""
    world = World()
    for place, text in enumerate(script):
        world.tasks.append(world.loop.create_task(_work(world, "abcdefgh"[place], text, words)))
    await asyncio.wait(world.tasks)
    world.log.extend(f"{task.cancelled()}" for task in world.tasks)
    if world.children:
        await asyncio.wait(world.children)
    return world.log


def script_of(seed: int, words: Sequence[str] = tuple(WORDS)) -> Script:
    """Return a program made up by this seed."""
    random = Random(seed)
    return [[random.choice(words) for _ in range(random.randrange(1, 5))] for _ in range(random.randrange(2, 5))]


def run_once(
    program: Coroutine[Any, Any, list[str]], strategy: str, mode: Mode, seed: int
) -> tuple[list[int], list[str]]:
    """Run a program once; return its trace and its log."""
    scheduler = STRATEGIES[strategy]().scheduler(seed)
    assert scheduler is not None
    loop = ScheduleLoop(scheduler, mode)
    try:
        return loop.trace, loop.run_until_complete(program)
    finally:
        loop.close()


def everything(programs: int, words: Sequence[str] = tuple(WORDS)) -> dict[str, tuple[list[int], list[str]]]:
    """Run that many programs in each mode under each strategy; return what each showed."""
    return {
        f"program {seed}, {strategy}, {mode.value}": run_once(perform(script_of(seed, words)), strategy, mode, seed)
        for seed in range(programs)
        for strategy in ("fifo", "random", "sticky", "pct")
        for mode in Mode
    }


def test_every_word_is_said_and_shows() -> None:
    """The programs say all words between them, some of which end in an error, a cancellation or a timeout."""
    entries = [entry for _, log in everything(40).values() for entry in log]
    said = {entry.split()[2] for entry in entries if len(entry.split()) == 3}
    assert set(WORDS) <= said
    assert {"TimeoutError", "ExceptionGroup"} <= said
    assert "True" in entries


def test_programs_show_the_order_of_their_steps() -> None:
    """Other schedules give other logs, of the same programs."""
    shown = everything(20)
    fifo, random = ([shown[f"program {n}, {name}, preemptive"] for n in range(20)] for name in ("fifo", "random"))
    assert sum(here != there for here, there in zip(fifo, random, strict=True)) > 15


if __name__ == "__main__":
    print(json.dumps(everything(int(sys.argv[1]), sys.argv[2:])))
