"""An event loop that makes no choice itself: virtual time, no selector, and a scheduler wherever something is open.

Rules:

- Plain callbacks keep asyncio's order: none overtakes another, and no task overtakes a callback that was there first.
- What asyncio leaves open is a choice: which device completes next, and when; which of several timers that fall due
  at one instant, but were set at different ones, comes first. In the preemptive mode also: which ready task steps next.
- Time passes only when nobody can do anything, to the next timer. A loop that spins for SPIN steps lets it pass, too.
- One sequence of choices gives one run: tasks and futures hash by their number, so that sets of them (TaskGroup,
  `asyncio.wait`) are walked in one order; threads work in lock-step (see `harness.loop.lockstep`).
- What cannot be controlled (sockets, subprocesses, signals, other threads) is refused, and remembered.

How it works. `asyncio.BaseEventLoop` gives everything but `_run_once`. Here that runs until the loop is stopped: it
collects the options, asks the scheduler where there are two or more, and performs one. Only the choices are recorded.

Standard library only.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from harness.loop.factories import OnStep, TaskLoop
from harness.loop.jobs import Deadlock, Job, Livelock, Uncontrolled
from harness.loop.lockstep import Pools
from harness.loop.scheduling import PLAIN, Mode, Scheduler
from harness.loop.task_ids import (
    STEP,
    WAKE,
    WAKE_NAME,
    NumberedHandle,
    NumberedTimer,
    Step,
)
from harness.loop.timers import FIRST_TIMER, Timers
from harness.loop.wait_states import stuck

__all__ = ["Deadlock", "Job", "Livelock", "OnStep", "ScheduleLoop", "Uncontrolled"]

STRICT = Mode.STRICT
SPIN = 10_000
"""Steps at one instant after which time passes although somebody is ready: a loop that polls must see it pass."""
SPIN_S = 1.0
"""How much passes then, when there is no timer that it could pass to."""
MOST_STEPS = 1_000_000
"""Steps of one run; more than that is taken for a livelock."""


class ScheduleLoop(TaskLoop):
    """One run of one program. Make a new one for each; `harness.loop.control.run` does.

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
        super().__init__(on_step)
        self.pools = Pools(self)
        self.picks: list[int] = []
        """The position taken at each choice."""
        self.trace: list[int] = []
        """Whose step each step was."""
        self.on_time: Callable[[float], None] | None = None
        """Called when time has passed, with the time it is now."""
        self._mode = mode
        self._choose: Callable[[list[int]], int] = scheduler.choose
        self._choosing = True
        self._most_steps = most_steps
        self._open: list[Step] = []
        self._actors: list[int] = []
        self._rest: deque[NumberedHandle | NumberedTimer | Step] = deque()
        self._timers = Timers()
        self._now = 0.0
        self._spun = 0

    # What asyncio asks of a loop

    def time(self) -> float:
        """Return the virtual time, in seconds since the loop was made."""
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """Put a callback, or a step of a task, at the end of the queue."""
        if self._closed:
            self._check_closed()
        kind = type(callback)
        if kind is STEP or (kind is WAKE and callback.__name__ == WAKE_NAME):
            task = callback.__self__
            actor = getattr(task, "number", 0) or self.task_ids.of(task)
            step = actor, task, copy_context() if context is None else context, callback, args
            if self._rest or self._mode is STRICT:  # it would overtake a plain callback
                self._rest.append(step)
            else:
                self._open.append(step)
                self._actors.append(actor)
            return step  # type: ignore[return-value]  # only tasks put their steps here, and they drop it
        handle = NumberedHandle(callback, args, self, context)
        self._rest.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        """The same, from a thread in lock-step.

        Raises:
            Uncontrolled: from any other thread.
        """
        if self._thread_id is not None and not self.has_part_in(threading.get_ident()):
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

    def close(self) -> None:
        """End the threads and forget what is pending."""
        if not self.is_closed():
            self.pools.close()
            for pending in (self._open, self._actors, self._rest, self._timers, self.devices.jobs):
                pending.clear()
            self._on_step = None
        super().close()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when it falls due."""

    # The choices

    def ready_task(self, number: int) -> tuple[asyncio.Task[Any], Context] | None:
        """Return a task that is ready to step, and its context, by its number."""
        steps = (step for step in (*self._open, *self._rest) if isinstance(step, tuple))
        return next(((step[1], step[2]) for step in steps if step[0] == number), None)

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

    # The run

    def _run_once(self) -> None:
        """Run until somebody stops the loop."""
        run = self._run_in_turns if self._mode is STRICT else self._run_step_by_step
        run()

    def _run_in_turns(self) -> None:
        """As asyncio does: what has completed is taken in, then everything that is ready runs, in order."""
        queue, timers = self._rest, self._timers.heap
        while True:
            if timers:
                self._take_in_timers()
            while self.devices.jobs and (jobs := self.devices.heads(self._now)):
                options = [PLAIN] if queue else []
                options += [job.device for job in jobs]
                pick = self.decide(options) - (1 if queue else 0)
                if pick < 0:
                    break
                self._complete(jobs[pick])
            if not queue and not self._stopping:
                self._wait()
                continue
            self._spun += len(queue)
            if self._spun > SPIN:
                self._move_on()
            for _ in range(len(queue)):
                self._run(queue.popleft())
            if self._stopping:
                return

    def _run_step_by_step(self) -> None:
        """One step at a time; after as many as a turn of asyncio has, timers are taken in, or the loop ends."""
        ready, actors, rest, jobs = self._open, self._actors, self._rest, self.devices.jobs
        timers, choose, picked = self._timers.heap, self._choose, self.picks.append
        while True:
            if timers:
                self._take_in_timers()
            turn = len(ready) + len(rest)
            self._spun += turn
            if self._spun > SPIN:
                self._move_on()
            for _ in range(turn or 1):
                if self._stopping:
                    self._run_next()
                elif jobs:
                    self._pick_with_devices()
                elif ready:
                    options, pick = [*actors, PLAIN] if rest else actors, 0
                    if self._choosing and len(options) > 1:  # as `decide`: most of a run passes here
                        pick = choose(options)
                        picked(pick)
                    if pick == len(actors):
                        self._run_plain()
                        continue
                    del actors[pick]
                    self._step(ready.pop(pick))
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
            self._step(self._open.pop(0))
        elif self._rest:
            self._run_plain()

    def _run_plain(self) -> None:
        """Run the next plain callback; the tasks behind it can then be chosen."""
        rest = self._rest
        handle = rest.popleft()
        while rest and isinstance(behind := rest[0], tuple):
            self._open.append(behind)
            self._actors.append(behind[0])
            rest.popleft()
        self._run(handle)
        del handle

    def _pick_with_devices(self) -> None:
        """Perform one of: a task that is ready, the next plain callback, a job of a device."""
        jobs = self.devices.heads(self._now)
        tasks, plain = len(self._actors), 1 if self._rest else 0
        actors = self._actors + [PLAIN] * plain + [job.device for job in jobs]
        if not actors:
            self._wait()
            return
        pick = self.decide(actors)
        if pick < tasks:
            del self._actors[pick]
            self._step(self._open.pop(pick))
        elif pick < tasks + plain:
            self._run_plain()
        else:
            self._complete(jobs[pick - tasks - plain])

    def _run(self, handle: NumberedHandle | NumberedTimer | Step) -> None:
        if isinstance(handle, tuple):
            self._step(handle)
        elif not handle._cancelled:
            handle._run()
        del handle  # as asyncio does: a traceback may keep this frame, which would keep the task

    def _step(self, step: Step) -> None:
        actor, task, context, callback, args = step
        self.trace.append(actor)
        try:
            if args:
                context.run(callback, *args)
            else:
                context.run(callback)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.call_exception_handler({"message": f"Exception in {task!r}", "exception": error})
        if self._on_step is not None:
            self._on_step(task, context)
        del step, task, callback  # as in `_run`

    def _complete(self, job: Job) -> None:
        self.trace.append(job.device)
        if (again := job.carry_out()) is None:
            self.devices.jobs.remove(job)
        else:
            job.not_before = again

    # Time

    def _take_in_timers(self) -> None:
        """Move the timers that are due to the queue; of one instant, those set at different ones as it is chosen."""
        while due := self._timers.next_due(self._now):
            while due:
                groups = list(due)
                chosen = groups[self.decide([FIRST_TIMER + place for place in range(len(groups))])]
                self._rest.append(due[chosen].popleft())
                if not due[chosen]:
                    del due[chosen]

    def _wait(self) -> None:
        """Let time pass until somebody can do something.

        Raises:
            Deadlock: that will never be.
        """
        if (moment := self._next_moment()) is None:
            raise Deadlock(stuck(sorted(asyncio.all_tasks(self), key=self.task_ids.of)))
        self._pass_to(moment)

    def _next_moment(self) -> float | None:
        """Return when the next timer falls due or a job can be tried again; None when there is neither."""
        timer = self._timers.next_moment()
        moments = [] if timer is None else [timer]
        moments += [job.not_before for job in self.devices.first()]
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

    def _move_on(self) -> None:
        """After too many steps at one instant somebody polls: let a device do its job, and time pass."""
        jobs, moment = self.devices.heads(self._now), self._next_moment()
        self._pass_to(self._now + SPIN_S if moment is None else moment)
        if jobs:
            self._complete(jobs[0])
