"""An event loop that makes no choice itself: virtual time, no selector, and a scheduler wherever something is open.

Rules:

- Plain callbacks keep asyncio's order: none overtakes another, and no task overtakes a callback that was there first.
- What asyncio leaves open is a choice: which device completes next, and when; which of several timers that fall due
  at one instant, but were set at different ones, comes first. In the preemptive mode also: which ready task steps next.
- Time passes only when nobody can do anything, to the next timer. A loop that spins for SPIN steps lets it pass, too.
- One sequence of choices gives one run: tasks and futures hash by their number, so that sets of them (TaskGroup,
  `asyncio.wait`) are walked in one order; threads work in lock-step (see `harness.schedules.lockstep`).
- What cannot be controlled (sockets, subprocesses, signals, other threads) is refused, and remembered.

How it works. `asyncio.BaseEventLoop` gives everything but `_run_once`. Here that runs until the loop is stopped: it
collects the options, asks the scheduler where there are two or more, and performs one. Only the choices are recorded.

Standard library only.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from harness.schedules.jobs import Deadlock, Job, Livelock, Uncontrolled
from harness.schedules.lockstep import Pools
from harness.schedules.numbered import NumberedFuture, NumberedHandle, NumberedTask, NumberedTimer
from harness.schedules.outside import Refusing
from harness.schedules.scheduling import PLAIN, Mode, Scheduler
from harness.schedules.timers import FIRST_TIMER, Timers

__all__ = ["Deadlock", "Job", "Livelock", "OnStep", "ScheduleLoop", "Uncontrolled"]

SPIN = 10_000
"""Steps at one instant after which time passes although somebody is ready: a loop that polls must see it pass."""
SPIN_S = 1.0
"""How much passes then, when there is no timer that it could pass to."""
MOST_STEPS = 1_000_000
"""Steps of one run; more than that is taken for a livelock."""

OnStep = Callable[[asyncio.Task[Any], Context], None]
"""Called after each step of a task, with the task and its context."""


class ScheduleLoop(Refusing):
    """One run of one program. Make a new one for each; `harness.schedules.control.run` does.

    Args:
        scheduler: makes the choices.
        mode: which choices there are.
        on_step: called after each step of a task.
        most_steps: of the run; one more is a Livelock.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        mode: Mode = Mode.PREEMPTIVE,
        on_step: OnStep | None = None,
        most_steps: int = MOST_STEPS,
    ) -> None:
        super().__init__()
        self.numbers = count(1)
        self.picks: list[int] = []
        """The position taken at each choice."""
        self.trace: list[int] = []
        """Whose step each step was."""
        self.uncontrolled = []
        self.on_time: Callable[[float], None] | None = None
        """Called when time has passed, with the time it is now."""
        self.pools = Pools(self)
        self._mode = mode
        self._choose: Callable[[list[int]], int] = scheduler.choose
        self._choosing = True
        self._on_step = on_step
        self._most_steps = most_steps
        self._open: list[NumberedHandle | NumberedTimer] = []
        self._actors: list[int] = []
        self._rest: deque[NumberedHandle | NumberedTimer] = deque()
        self._timers = Timers()
        self._jobs: list[Job] = []
        self._devices = count(-1, -1)
        self._now = 0.0
        self._spun = 0
        self._foreign: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    # What asyncio asks of a loop

    def time(self) -> float:
        """Return the virtual time, in seconds since the loop was made."""
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """Put a callback, or a step of a task, at the end of the queue."""
        self._check_closed()
        handle = NumberedHandle(callback, args, self, context)
        self._enqueue(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """The same, from a thread in lock-step.

        Raises:
            Uncontrolled: from any other thread.
        """
        if self._thread_id not in (None, here := threading.get_ident()) and not self.pools.holds(here):
            self.refuse(f"thread {threading.current_thread().name!r} called into the loop")
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back when that much virtual time has passed, in seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """Call back at this virtual time."""
        if when is None:
            raise TypeError("when cannot be None")
        self._check_closed()
        timer = NumberedTimer(when, callback, args, self, context)
        self._timers.add(timer, set_at=self._now)
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future that hashes by its number."""
        return NumberedFuture(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any] | Any,
        *,
        name: str | None = None,
        context: Context | None = None,
        **more: Any,
    ) -> asyncio.Task[Any]:
        """Return a task that hashes by its number."""
        if self.get_task_factory() is not None:
            return super().create_task(coro, name=name, context=context, **more)
        self._check_closed()
        return NumberedTask(coro, loop=self, name=name, context=context, **more)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Have a thread do it, in lock-step; which thread, and when it is done, is the scheduler's choice."""
        self._check_closed()
        return self.pools.submit(executor or self._default_executor, func, args)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """End the threads."""
        self.pools.close()

    def close(self) -> None:
        """End the threads and forget what is pending."""
        if not self.is_closed():
            self.pools.close()
            for pending in (self._open, self._actors, self._rest, self._timers, self._jobs):
                pending.clear()
        super().close()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when it falls due."""

    # Devices

    def new_device(self) -> int:
        """Return the number of a new device: something outside that does one job after the other."""
        return next(self._devices)

    def submit(self, job: Job) -> None:
        """Hand a job to its device."""
        self._jobs.append(job)

    def job_for(self, future: object) -> Job | None:
        """Return the job that this future waits for, if a device has it."""
        return next((job for job in self._jobs if job.future is future), None)

    def job_of(self, device: int) -> Job | None:
        """Return the job that this device would have done next."""
        return next((job for job in self._jobs if job.device == device), None)

    def ready_task(self, number: int) -> tuple[asyncio.Task[Any], Context] | None:
        """Return a task that is ready to step, and its context, by its number."""
        for handle in (*self._open, *self._rest):
            if handle.task is not None and handle.actor == number:
                return handle.task, handle._context
        return None

    def give_up(self, job: Job) -> None:
        """Let a job fail instead of being done."""
        self._jobs.remove(job)
        assert job.fail is not None, "asked only of jobs that can fail"
        job.fail()

    def decide(self, actors: list[int]) -> int:
        """Have the scheduler choose among these, and record it; alone, there is nothing to choose."""
        if len(actors) < 2 or not self._choosing:
            return 0
        pick = self._choose(actors)
        self.picks.append(pick)
        return pick

    def in_order(self) -> None:
        """From here on every choice is FIFO's, and none is recorded."""
        self._choosing = False

    def as_scheduled(self) -> None:
        """From here on the scheduler is asked again."""
        self._choosing = True

    def pass_time(self, seconds: float) -> None:
        """Let time pass although the loop stands still, as blocking code does."""
        self._pass_to(self._now + seconds)

    def number_of(self, task: asyncio.Task[Any]) -> int:
        """Return the number of a task, also of one that a factory made."""
        number: int | None = getattr(task, "number", None)
        if number is None:
            number = self._foreign.get(task) or self._foreign.setdefault(task, next(self.numbers))
        return number

    # The run

    def _run_once(self) -> None:
        """Run until somebody stops the loop."""
        run = self._run_in_turns if self._mode is Mode.STRICT else self._run_step_by_step
        run()

    def _run_in_turns(self) -> None:
        """As asyncio does: what has completed is taken in, then everything that is ready runs, in order."""
        queue = self._rest
        while True:
            if self._timers:
                self._take_in_timers()
            while self._jobs and (jobs := self._heads()):
                options = [PLAIN] if queue else []
                options += [job.device for job in jobs]
                pick = self.decide(options) - (1 if queue else 0)
                if pick < 0:
                    break
                self._complete(jobs[pick])
            if not queue and not self._stopping:
                self._wait()
                continue
            for _ in range(len(queue)):
                self._run(queue.popleft())
            if self._stopping:
                return

    def _run_step_by_step(self) -> None:
        """One step at a time; after as many as a turn of asyncio has, timers are taken in, or the loop ends."""
        ready, actors, rest = self._open, self._actors, self._rest
        while True:
            if self._timers:
                self._take_in_timers()
            for _ in range(len(ready) + len(rest) or 1):
                if self._stopping:
                    self._run_next()
                elif self._jobs:
                    self._pick_with_devices()
                elif ready:
                    pick = self.decide([*actors, PLAIN] if rest else actors)
                    if pick == len(actors):
                        self._run_plain()
                    else:
                        del actors[pick]
                        self._run(ready.pop(pick))
                elif rest:
                    self._run_plain()
                else:
                    self._wait()
            if self._stopping:
                return

    def _run_next(self) -> None:
        """Run what comes next in asyncio's own order, if there is anything."""
        if self._open:
            del self._actors[0]
            self._run(self._open.pop(0))
        elif self._rest:
            self._run_plain()

    def _enqueue(self, handle: NumberedHandle | NumberedTimer) -> None:
        """Put a handle where it can be chosen, unless it would overtake a plain callback."""
        if self._rest or handle.actor == PLAIN or self._mode is Mode.STRICT:
            self._rest.append(handle)
        else:
            self._open.append(handle)
            self._actors.append(handle.actor)

    def _run_plain(self) -> None:
        """Run the next plain callback; the tasks behind it can then be chosen."""
        rest = self._rest
        handle = rest.popleft()
        while rest and rest[0].actor != PLAIN:
            self._open.append(rest[0])
            self._actors.append(rest.popleft().actor)
        self._run(handle)
        del handle

    def _pick_with_devices(self) -> None:
        """Perform one of: a task that is ready, the next plain callback, a job of a device."""
        jobs = self._heads()
        tasks, plain = len(self._actors), 1 if self._rest else 0
        actors = self._actors + [PLAIN] * plain + [job.device for job in jobs]
        if not actors:
            self._wait()
            return
        pick = self.decide(actors)
        if pick < tasks:
            del self._actors[pick]
            self._run(self._open.pop(pick))
        elif pick < tasks + plain:
            self._run_plain()
        else:
            self._complete(jobs[pick - tasks - plain])

    def _run(self, handle: NumberedHandle | NumberedTimer) -> None:
        if handle._cancelled:
            return
        self._spun += 1
        if self._spun > SPIN:
            self._unspin()
        task = handle.task
        if task is not None:
            self.trace.append(handle.actor)
        handle._run()
        if task is not None and self._on_step is not None:
            self._on_step(task, handle._context)
        del handle, task  # as asyncio does: a traceback may keep this frame, which would keep the task

    def _heads(self) -> list[Job]:
        """Return the first job of each device that can be tried now, in the order in which they were handed in."""
        return [job for job in self._first_jobs() if job.not_before <= self._now]

    def _first_jobs(self) -> Iterable[Job]:
        heads: dict[int, Job] = {}
        for job in self._jobs:
            heads.setdefault(job.device, job)
        return heads.values()

    def _complete(self, job: Job) -> None:
        self.trace.append(job.device)
        if (again := job.carry_out()) is None:
            self._jobs.remove(job)
        else:
            job.not_before = again

    # Time

    def _take_in_timers(self) -> None:
        """Move the timers that are due to the queue; of one instant, those set at different ones as it is chosen."""
        while due := self._timers.next_due(self._now):
            while due:
                groups = list(due)
                chosen = groups[self.decide([FIRST_TIMER + place for place in range(len(groups))])]
                self._enqueue(due[chosen].popleft())
                if not due[chosen]:
                    del due[chosen]

    def _wait(self) -> None:
        """Let time pass until somebody can do something.

        Raises:
            Deadlock: that will never be.
        """
        if (moment := self._next_moment()) is None:
            waiting = f"{len(asyncio.all_tasks(self))} tasks wait for each other and nothing can wake them"
            raise Deadlock(f"{waiting}: see what each of them awaits")
        self._pass_to(moment)

    def _next_moment(self) -> float | None:
        """Return when the next timer falls due or a job can be tried again; None when there is neither."""
        timer = self._timers.next_moment()
        moments = [] if timer is None else [timer]
        moments += [job.not_before for job in self._first_jobs()]
        return max(self._now, min(moments)) if moments else None

    def _pass_to(self, moment: float) -> None:
        self._now = moment
        self._most_steps -= self._spun
        self._spun = 0
        if self._most_steps < 0:
            raise Livelock(
                "the run does not come to an end: some task goes on for ever, or polls without waiting. See what it "
                "waits for, or allow more steps"
            )
        if self.on_time is not None:
            self.on_time(moment)

    def _unspin(self) -> None:
        """Somebody polls: let a device do its job, or time pass, to the next moment at which anything happens."""
        jobs, moment = self._heads(), self._next_moment()
        self._pass_to(self._now + SPIN_S if moment is None else moment)
        if jobs:
            self._complete(jobs[0])
