"""Explores the schedules of one target in processes side by side, and hands over what is found as it is found.

Rules:

- The result depends on the target, the seed, and what may be tried; not on the number of processes, nor on their speed:
  attempts are shared out in batches of fixed size, and merged in their order.
- What has been found is kept when somebody interrupts, and when a worker dies.

How it works. Any executor of `concurrent.futures` will do: processes of this machine (`harness.schedules.workers`), or
those of a Dask cluster. A worker opens the target once and keeps it (`_opened`), for as many batches as it is given.
"""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from harness.history.model import Unreachable
from harness.loop.strategies.exhaustive import Exhaustive
from harness.schedules.batches import Batch, NotExplorable, TargetExplorer
from harness.schedules.explorer import Order
from harness.schedules.portfolio import Choosing
from harness.schedules.scenario_runner import ScenarioExecution
from harness.schedules.scenario_story import explain, opening
from harness.schedules.shrinking import Shrunk, shrink
from harness.schedules.tally import Found, Tree

BATCH = 25
"""Attempts of one batch."""
MOST_UNHANDLED = 10
"""Errors that nobody handled: so many different ones are reported, the most frequent first."""
AHEAD = 2
"""Batches handed to each worker before it asks."""
UNSHRUNK = "it was not made smaller, as the exploration ended before that"

OpenExplorer = Callable[[str, int], AbstractContextManager[TargetExplorer]]
"""Opens the explorer of a target, by name and seed; a module-level function, as it goes to other processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploring:
    """What is to be explored.

    Args:
        target: its name.
        open_explorer: opens it, in whichever process.
        seed: of data, schedules and faults.
        schedules: how many attempts.
        choosing: what may be tried.
        until: the checker after whose first finding the exploration ends; None runs all attempts.
    """

    target: str
    open_explorer: OpenExplorer
    seed: int
    schedules: int
    choosing: Choosing = field(default_factory=Choosing)
    until: str | None = None

    def first_orders(self) -> list[Order]:
        """Return what workers do first: all attempts, or, of an exhaustive walk, say which trees there are."""
        if self.choosing.strategy == Exhaustive.name:
            return [self._order(0, 0)]
        return [self._order(start, min(start + BATCH, self.schedules)) for start in range(0, self.schedules, BATCH)]

    def next_orders(self, so_far: Batch) -> list[Order]:
        """Return what they are to do after that: to go on with each tree, in equal parts of what may still be run."""
        going_on = [tree for tree in so_far.trees.values() if tree.branches]
        start, orders = so_far.schedules, []
        for place, tree in enumerate(going_on):
            size = min(BATCH, ceil((self.schedules - start) / (len(going_on) - place)))
            if size > 0:
                orders.append(self._order(start, start + size, tree))
            start += size
        return orders

    def _order(self, start: int, stop: int, tree: Tree | None = None) -> Order:
        return Order(seed=self.seed, start=start, stop=stop, choosing=self.choosing, until=self.until, tree=tree)


@dataclass(frozen=True, slots=True)
class Story:
    """A smallest schedule, and its explanation."""

    shrunk: Shrunk
    lines: tuple[str, ...]


@dataclass(slots=True)
class Explored:
    """What an exploration has come to.

    Args:
        total: all batches in one.
        growth: after each batch: (schedules, traces, sites, pairs) seen so far.
        smallest: by checker, the smallest story that shows its first finding.
        unreachable: why the target could not be opened, or `""`.
        broken: why it ended before its end, or `""`.
        not_explorable: why no schedule could decide what becomes of it, or `""`.
    """

    total: Batch = field(default_factory=lambda: Batch(start=0))
    growth: list[tuple[int, int, int, int]] = field(default_factory=list)
    smallest: dict[str, Story] = field(default_factory=dict)
    unreachable: str = ""
    broken: str = ""
    not_explorable: str = ""

    def add(self, batch: Batch) -> None:
        """Take the next batch in."""
        self.total.take_in(batch)
        covered = self.total.coverage
        self.growth.append((self.total.schedules, len(covered.traces), len(covered.sites), len(covered.pairs)))


def explore_here(what: Exploring, say: Callable[[str], None] = lambda line: None) -> Explored:
    """Explore in this process, which must hash as `workers.HASH_SEED` says for the result to be the same elsewhere."""
    explored = Explored()
    try:
        with what.open_explorer(what.target, what.seed) as opened:
            orders = what.first_orders()
            while orders:
                for order in orders:
                    explored.add(opened.run(order))
                    if what.until in explored.total.found:
                        return explored
                orders = what.next_orders(explored.total)
    except Unreachable as error:
        explored.unreachable = str(error)
    except NotExplorable as error:
        explored.not_explorable = str(error)
    return explored


class Exploration:
    """An exploration in other processes.

    Args:
        what: is explored.
        executor: of `concurrent.futures`, or like one.
        workers: how many it has.
        say: called with what is going on, in short lines.
    """

    def __init__(
        self,
        what: Exploring,
        executor: Executor,
        workers: int,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._what = what
        self._executor = executor
        self._workers = workers
        self._say = say
        self._batches: deque[Future[Batch]] = deque()
        self._stories: dict[str, Future[Story]] = {}
        self.explored = Explored()

    def run(self, shrink_runs: int) -> Explored:
        """Carry it out. What had been explored when it is interrupted, or fails, stays in `explored`.

        Args:
            shrink_runs: the most runs that are made to make a finding smaller, for each checker.

        Raises:
            KeyboardInterrupt: somebody has had enough.
            Exception: whatever a worker raises but for what says that the target cannot be explored.
        """
        try:
            self._explore()
            self._shrink(shrink_runs)
        except Unreachable as error:
            self.explored.unreachable = str(error)
        except NotExplorable as error:
            self.explored.not_explorable = str(error)
        except BrokenExecutor:
            self.explored.broken = (
                "a worker ended in the middle of its work, so not everything was done: something killed it (memory?), "
                "or the target ends its process (os._exit)"
            )
        finally:
            self._keep()
        return self.explored

    def _explore(self) -> None:
        orders = self._what.first_orders()
        while orders:
            for batch in self._carried_out(orders):
                self.explored.add(batch)
                total = self.explored.total
                found = f", found by {', '.join(sorted(total.found))}" if total.found else ""
                self._say(f"{total.schedules} of {self._what.schedules} schedules{found}")
                if self._what.until in total.found:
                    self._drop()
                    return
            orders = self._what.next_orders(self.explored.total)

    def _carried_out(self, orders: Sequence[Order]) -> Iterator[Batch]:
        """Yield every batch, in order, with so many under way as keep the workers busy."""
        waiting, handed_in = deque(orders), self._batches
        while waiting or handed_in:
            under_way = [future for future in handed_in if not future.done()]
            while waiting and len(under_way) < self._workers * AHEAD:
                handed_in.append(self._executor.submit(_run_batch, self._what, waiting.popleft()))
                under_way.append(handed_in[-1])
            if not handed_in[0].done():
                wait(under_way, return_when=FIRST_COMPLETED)
            while handed_in and handed_in[0].done():
                yield handed_in.popleft().result()

    def _shrink(self, runs: int) -> None:
        found = self.explored.total.found
        if not found:
            return
        self._say(f"making what {', '.join(found)} found smaller")
        for name, item in found.items():
            self._stories[name] = self._executor.submit(_shrink_one, self._what, name, item, runs)
        wait(self._stories.values(), return_when=FIRST_EXCEPTION)
        for future in self._stories.values():
            future.result()

    def _drop(self) -> None:
        """Forget what is under way."""
        for batch in self._batches:
            batch.cancel()
        self._batches.clear()

    def _keep(self) -> None:
        """Take in what has been done by now; what was found, and not made smaller, is kept as it was found."""
        for batch in filter(_is_there, self._batches):
            self.explored.add(batch.result())
        self._drop()
        for name, found in self.explored.total.found.items():
            story = self._stories.get(name)
            done = story.result() if story is not None and _is_there(story) else None
            self.explored.smallest[name] = done or as_found(found, name, UNSHRUNK)


def _is_there(future: Future[Any]) -> bool:
    """Whether there is a result."""
    return future.done() and not future.cancelled() and future.exception() is None


def as_found(found: Found, checker: str, why: str) -> Story:
    """Return a finding as it was found."""
    execution: ScenarioExecution = found.execution
    shrunk = Shrunk(symptom=execution.symptom(checker), execution=execution, passing=None, runs=0)
    return Story(shrunk, (*opening(execution), why))


class _Opened:
    """The explorer that this process has open."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._key: tuple[str, int] | None = None
        self._explorer: TargetExplorer | None = None

    def explorer(self, what: Exploring) -> TargetExplorer:
        key = (what.target, what.seed)
        if self._explorer is None or self._key != key:
            self._stack.close()
            if self._key is None:
                atexit.register(self.close)  # later, the interpreter has torn down what closing needs
            self._explorer = self._stack.enter_context(what.open_explorer(what.target, what.seed))
            self._key = key
        return self._explorer

    def close(self) -> None:
        """Close it."""
        self._stack.close()
        self._explorer = None


_opened = _Opened()


def _run_batch(what: Exploring, order: Order) -> Batch:
    return _opened.explorer(what).run(order)


def _shrink_one(what: Exploring, checker: str, found: Found, runs: int) -> Story:
    if not found.shows_again:
        return as_found(found, checker, "it did not show again when it was replayed: this is what was seen")
    execution: ScenarioExecution = found.execution
    subject, shrunk = shrink(_opened.explorer(what).subject_of(execution), execution, execution.symptom(checker), runs)
    return Story(shrunk, explain(subject, shrunk))


def coverage(explored: Explored) -> Mapping[str, object]:
    """Return what the exploration went through, as figures for the report."""
    total = explored.total
    every = max(1, len(explored.growth) // 10)
    return {
        "schedules": total.schedules,
        "strategies": dict(sorted(total.strategies.items())),
        "traces": len(total.coverage.traces),
        "sites": sorted(total.coverage.sites),
        "pairs": len(total.coverage.pairs),
        "faults": total.faults,
        "injected": sorted([fault, site] for fault, site in total.coverage.injected),
        "sweep": total.sweep,
        "swept": len(total.swept),
        "run_twice": total.twice,
        "unhandled_errors": dict(total.unhandled_errors.most_common(MOST_UNHANDLED)),
        "passed_over": dict(sorted(total.passed_over.items())),
        "first": {name: _first(found) for name, found in total.found.items()},
        "growth": [list(point) for point in dict.fromkeys((*explored.growth[::every], *explored.growth[-1:]))],
        **({"left": total.left} if total.left is not None else {}),
    }


def _first(found: Found) -> Mapping[str, object]:
    """Return how many schedules it took to find something, and which one it was."""
    return {
        "to_first": found.attempt + 1,
        "strategy": found.strategy,
        "mode": found.execution.schedule.mode.value,
        "scene": found.execution.scenario,
    }
