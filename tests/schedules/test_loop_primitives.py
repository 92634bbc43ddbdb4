"""What asyncio documents of its primitives holds under every schedule: futures, events, locks, conditions, queues."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from test_loop_schedules import Way, every_value, everywhere, in_both_modes

from harness.loop.scheduling import Mode


class TestFuture:
    @everywhere
    def test_callbacks_run_in_order_and_never_at_once(self, way: Way) -> None:
        """They run once each, in the order in which they were added, after `set_result` has returned."""

        async def program() -> list[str]:
            loop, told = asyncio.get_running_loop(), list[str]()
            future = loop.create_future()
            for name in ("first", "second", "third"):
                future.add_done_callback(lambda done, name=name: told.append(f"{name} {done.result()}"))

            async def resolve() -> None:
                future.set_result("done")
                told.append("set")

            await asyncio.gather(asyncio.create_task(resolve()), future)
            return told

        for told in way.values(program):
            assert ["set", "first done", "second done", "third done"] == told

    @everywhere
    def test_a_cancelled_future_tells_whoever_waits(self, way: Way) -> None:
        """Every task that awaits a future sees its cancellation; setting it afterwards is an error."""

        async def program() -> list[str]:
            future, told = asyncio.get_running_loop().create_future(), list[str]()

            async def wait() -> None:
                try:
                    await asyncio.shield(future)
                except asyncio.CancelledError:
                    told.append("cancelled")

            waiting = [asyncio.create_task(wait()) for _ in range(3)]
            await asyncio.sleep(0)
            assert future.cancel()
            await asyncio.gather(*waiting)
            try:
                future.set_result(1)
            except asyncio.InvalidStateError:
                told.append("too late")
            return told

        for told in way.values(program):
            assert ["cancelled"] * 3 + ["too late"] == told


class TestEvent:
    @everywhere
    def test_nobody_passes_before_it_is_set(self, way: Way) -> None:
        """All who wait pass after `set`, and so does who comes later; in the strict mode in the order of waiting."""

        async def program() -> list[str]:
            event, told = asyncio.Event(), list[str]()

            async def wait(name: str) -> None:
                told.append(f"{name} waits")
                await event.wait()
                told.append(f"{name} passes")

            async def open_it() -> None:
                await asyncio.sleep(0)
                told.append("set")
                event.set()

            await asyncio.gather(*(wait(name) for name in "abc"), open_it())
            return told

        for told in way.values(program):
            passed = [entry for entry in told if entry.endswith("passes")]
            assert ["a passes", "b passes", "c passes"] == sorted(passed)
            assert told.index("set") < min(told.index(entry) for entry in passed)
            if way.mode is Mode.STRICT:
                assert sorted(passed) == passed


class TestLock:
    @everywhere
    def test_one_at_a_time_in_the_order_of_asking(self, way: Way) -> None:
        """Nobody enters while another is inside, and no one overtakes whoever asked before."""

        async def program() -> tuple[list[int], list[int], int]:
            lock, asked, entered = asyncio.Lock(), list[int](), list[int]()
            inside = most = 0

            async def work(number: int) -> None:
                nonlocal inside, most
                for _ in range(number % 3):
                    await asyncio.sleep(0)
                asked.append(number)
                async with lock:
                    entered.append(number)
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0)
                    inside -= 1

            await asyncio.gather(*(work(number) for number in range(6)))
            return asked, entered, most

        for asked, entered, most in way.values(program):
            assert asked == entered
            assert 1 == most

    @in_both_modes
    def test_a_cancelled_waiter_never_enters_and_nobody_is_stranded(self, mode: Mode) -> None:
        """In every schedule of three tasks, one of them cancelled: it is inside or out, and the other two get in."""

        async def program() -> tuple[str, bool]:
            lock, entered = asyncio.Lock(), list[str]()

            async def work(name: str) -> None:
                async with lock:
                    entered.append(name)
                    await asyncio.sleep(0)

            tasks = {name: asyncio.create_task(work(name)) for name in "abc"}
            await asyncio.sleep(0)
            tasks["b"].cancel()
            await asyncio.wait(tasks.values())
            assert tasks["b"].cancelled() or "b" in entered
            return "".join(sorted(entered)), lock.locked()

        outcomes = set(every_value(program, mode))
        assert ("ac", False) in outcomes
        assert outcomes <= {("ac", False), ("abc", False)}


class TestSemaphore:
    @everywhere
    def test_no_more_than_its_value_inside(self, way: Way) -> None:
        """At most two are inside at a time, two are at some time, and in the strict mode they come in order."""

        async def program() -> tuple[list[int], int]:
            semaphore, entered = asyncio.BoundedSemaphore(2), list[int]()
            inside = most = 0

            async def work(number: int) -> None:
                nonlocal inside, most
                async with semaphore:
                    entered.append(number)
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    inside -= 1

            await asyncio.gather(*(work(number) for number in range(6)))
            return entered, most

        seen = list(way.values(program))
        for entered, _ in seen:
            assert list(range(6)) == sorted(entered)
            if way.mode is Mode.STRICT:
                assert list(range(6)) == entered
        assert 2 == max(most for _, most in seen)

    @in_both_modes
    def test_a_bounded_one_is_released_only_as_often_as_acquired(self, mode: Mode) -> None:
        """One release too many is an error in every schedule, whoever makes it."""

        async def program() -> int:
            semaphore = asyncio.BoundedSemaphore(1)

            async def release() -> None:
                await asyncio.sleep(0)
                semaphore.release()

            await semaphore.acquire()
            told = await asyncio.gather(release(), release(), return_exceptions=True)
            return sum(isinstance(error, ValueError) for error in told)

        assert {1} == set(every_value(program, mode))


class TestCondition:
    @everywhere
    def test_a_notice_wakes_as_many_as_it_says(self, way: Way) -> None:
        """`notify(2)` wakes two of four, who hold the lock one at a time; `notify_all` wakes the others."""

        async def program() -> list[int]:
            condition, told, inside = asyncio.Condition(), list[int](), 0

            async def wait() -> None:
                nonlocal inside
                async with condition:
                    await condition.wait()
                    inside += 1
                    assert 1 == inside
                    await asyncio.sleep(0)
                    inside -= 1
                    told.append(len(told))

            waiting = [asyncio.create_task(wait()) for _ in range(4)]
            await asyncio.sleep(1)
            async with condition:
                condition.notify(2)
            await asyncio.sleep(1)
            woken = len(told)
            async with condition:
                condition.notify_all()
            await asyncio.gather(*waiting)
            return [woken, len(told)]

        for counts in way.values(program):
            assert [2, 4] == counts

    @everywhere
    def test_wait_for_comes_back_when_its_condition_holds(self, way: Way) -> None:
        """Whoever waits for a number sees at least that one, under the lock, however the counting goes on."""

        async def program() -> dict[int, int]:
            condition, seen, counted = asyncio.Condition(), dict[int, int](), 0

            async def wait(number: int) -> None:
                async with condition:
                    await condition.wait_for(lambda: counted >= number)
                    seen[number] = counted

            async def count() -> None:
                nonlocal counted
                for _ in range(4):
                    async with condition:
                        counted += 1
                        condition.notify_all()
                    await asyncio.sleep(0)

            await asyncio.gather(*(wait(number) for number in (3, 1, 4)), count())
            return seen

        for seen in way.values(program):
            assert {1, 3, 4} == set(seen)
            assert all(number <= counted <= 4 for number, counted in seen.items())


class TestBarrier:
    @everywhere
    def test_nobody_passes_before_all_have_come(self, way: Way) -> None:
        """Three come and three pass, twice over; each gets a place of its own."""

        async def program() -> list[str]:
            barrier, told = asyncio.Barrier(3), list[str]()

            async def walk() -> list[int]:
                places = []
                for _ in range(2):
                    told.append("comes")
                    places.append(await barrier.wait())
                    told.append("passes")
                return places

            places = await asyncio.gather(*(walk() for _ in range(3)))
            assert [[0, 1, 2]] * 2 == [sorted(each) for each in zip(*places, strict=True)]
            return told

        for told in way.values(program):
            assert ["comes"] * 3 == told[:3]
            assert ["passes"] == told[-1:]


class TestQueue:
    @everywhere
    def test_nothing_is_lost_doubled_or_out_of_its_producers_order(self, way: Way) -> None:
        """Whatever producers put, consumers get once, each producer's in order; the queue is never over-full."""

        async def program() -> list[tuple[str, int]]:
            queue: asyncio.Queue[tuple[str, int]] = asyncio.Queue(2)
            got: list[tuple[str, int]] = []

            async def produce(name: str) -> None:
                for number in range(4):
                    await queue.put((name, number))
                    assert queue.qsize() <= 2

            async def consume() -> None:
                while True:
                    got.append(await queue.get())
                    queue.task_done()

            consumers = [asyncio.create_task(consume()) for _ in range(2)]
            await asyncio.gather(*(produce(name) for name in "ab"))
            await queue.join()
            for consumer in consumers:
                consumer.cancel()
            return got

        for got in way.values(program):
            assert sorted((name, number) for name in "ab" for number in range(4)) == sorted(got)
            for name in "ab":
                assert [0, 1, 2, 3] == [number for producer, number in got if producer == name]

    @everywhere
    def test_join_waits_for_the_last_task_done(self, way: Way) -> None:
        """`join` comes back when every item was said to be done, not when it was taken."""

        async def program() -> int:
            queue: asyncio.Queue[int] = asyncio.Queue()
            done = 0

            async def consume() -> None:
                nonlocal done
                while True:
                    await queue.get()
                    await asyncio.sleep(0)
                    done += 1
                    queue.task_done()

            consumers = [asyncio.create_task(consume()) for _ in range(2)]
            for number in range(5):
                queue.put_nowait(number)
            await queue.join()
            for consumer in consumers:
                consumer.cancel()
            return done

        assert {5} == set(way.values(program))

    @in_both_modes
    def test_a_cancelled_getter_loses_nothing(self, mode: Mode) -> None:
        """In every schedule of two getters, one cancelled as the item comes, one has it, and none waits beside it."""

        async def program() -> list[str]:
            queue: asyncio.Queue[str] = asyncio.Queue()
            getters = [asyncio.create_task(queue.get()) for _ in range(2)]
            await asyncio.sleep(0)
            queue.put_nowait("item")
            getters[0].cancel()
            await asyncio.wait(getters, timeout=1)
            return [task.result() for task in getters if task.done() and not task.cancelled()]

        assert {("item",)} == {tuple(had) for had in every_value(program, mode)}

    @everywhere
    def test_priority_and_lifo_queues_keep_their_order(self, way: Way) -> None:
        """What is there comes smallest first from one, latest first from the other, whoever asks."""

        async def drained(queue: asyncio.Queue[int], items: Iterable[int]) -> list[int]:
            for item in items:
                await queue.put(item)
            got: list[int] = []

            async def take() -> None:
                for _ in range(2):
                    got.append(await queue.get())
                    await asyncio.sleep(0)

            await asyncio.gather(take(), take())
            return got

        async def program() -> tuple[list[int], list[int]]:
            return await drained(asyncio.PriorityQueue(), (3, 1, 4, 2)), await drained(asyncio.LifoQueue(), range(4))

        for by_priority, by_age in way.values(program):
            assert [1, 2, 3, 4] == by_priority
            assert [3, 2, 1, 0] == by_age
