"""Explores the schedules of one target in processes side by side, and hands over what is found as it is found.

Rules:

- The result depends on the target, the seed, and what may be tried; not on the number of processes, nor on their speed:
  attempts are shared out in batches of fixed size, and merged in their order.
- Every process hashes strings alike (PYTHONHASHSEED=0), so that sets of them are walked alike everywhere.
- What has been found is kept when somebody interrupts.

How it works. Any executor of `concurrent.futures` will do: processes of this machine, or those of a Dask cluster. A
worker opens the target once and keeps it (`_opened`), for as many batches as it is given.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from harness.model import Unreachable
from harness.schedules.batches import Batch, BatchOrder, Explorer, Found, NotExplorable
from harness.schedules.portfolio import Choosing
from harness.schedules.smallest import Smallest, make_smallest
from harness.schedules.telling import tell

BATCH = 25
"""Attempts of one batch."""
AHEAD = 2
"""Batches handed to each worker before it asks."""
HASH_SEED = "0"

OpenExplorer = Callable[[str, int], AbstractContextManager[Explorer]]
"""Opens the explorer of a target, by name and seed; a module-level function, as it goes to other processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploring:
    """What is to be explored.

    Args:
        target: its name.
        open_explorer: opens it, in whichever process.
        seed: of data, schedules and blows.
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

    def orders(self) -> list[BatchOrder]:
        """Return what workers are to do, in order."""
        size = self.schedules if self.choosing.strategy == "exhaustive" else BATCH
        return [
            BatchOrder(
                seed=self.seed,
                start=start,
                stop=min(start + size, self.schedules),
                choosing=self.choosing,
                until=self.until,
            )
            for start in range(0, self.schedules, size)
        ]


@dataclass(frozen=True, slots=True)
class Told:
    """A smallest story, and what it says in words."""

    story: Smallest
    lines: tuple[str, ...]


@dataclass(slots=True)
class Explored:
    """What an exploration has come to.

    Args:
        whole: all batches in one.
        growth: after each batch: (schedules, traces, sites, pairs) seen so far.
        smallest: by checker, the smallest story that shows its first finding.
        unreachable: why the target could not be opened, or `""`.
        not_explorable: why no schedule could decide what becomes of it, or `""`.
    """

    whole: Batch = field(default_factory=lambda: Batch(start=0))
    growth: list[tuple[int, int, int, int]] = field(default_factory=list)
    smallest: dict[str, Told] = field(default_factory=dict)
    unreachable: str = ""
    not_explorable: str = ""

    def add(self, batch: Batch) -> None:
        """Take the next batch in."""
        self.whole.merge(batch)
        seen = self.whole.seen
        self.growth.append((self.whole.schedules, len(seen.traces), len(seen.sites), len(seen.pairs)))


def explore_here(what: Exploring, say: Callable[[str], None] = lambda line: None) -> Explored:
    """Explore in this process, which must hash as HASH_SEED says for the result to be the same elsewhere."""
    explored = Explored()
    try:
        with what.open_explorer(what.target, what.seed) as opened:
            for order in what.orders():
                explored.add(opened.run(order))
                if what.until in explored.whole.found:
                    break
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
        say: told what is going on.
        keep: called with each finding's smallest story as soon as there is one.
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
        self.explored = Explored()

    def run(self, shrink_runs: int) -> Explored:
        """Carry it out; what was explored when somebody interrupts stays in `explored`.

        Args:
            shrink_runs: the most runs that are made to make a finding smaller, for each checker.

        Raises:
            KeyboardInterrupt: somebody has had enough.
        """
        try:
            for batch in self._batches():
                self.explored.add(batch)
                whole = self.explored.whole
                found = f", found by {', '.join(sorted(whole.found))}" if whole.found else ""
                self._say(f"{whole.schedules} of {self._what.schedules} schedules{found}")
                if self._what.until in whole.found:
                    break
            self._shrink(shrink_runs)
        except Unreachable as error:
            self.explored.unreachable = str(error)
        except NotExplorable as error:
            self.explored.not_explorable = str(error)
        return self.explored

    def _batches(self) -> Iterator[Batch]:
        """Yield every batch, in order, with so many under way as keep the workers busy."""
        waiting = iter(self._what.orders())
        under_way: dict[Future[Batch], int] = {}
        done: dict[int, Batch] = {}
        expected = 0
        try:
            while True:
                while len(under_way) < self._workers * AHEAD and (order := next(waiting, None)) is not None:
                    under_way[self._executor.submit(_run_batch, self._what, order)] = order.start
                if not under_way and not done:
                    return
                if under_way and expected not in done:
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        done[under_way.pop(future)] = future.result()
                while expected in done:
                    batch = done.pop(expected)
                    expected += BATCH
                    yield batch
        finally:
            for future in under_way:
                future.cancel()

    def _shrink(self, runs: int) -> None:
        found = self.explored.whole.found
        if not found:
            return
        self._say(f"making what {', '.join(found)} found smaller")
        under_way = {
            name: self._executor.submit(_shrink_one, self._what, name, item, runs) for name, item in found.items()
        }
        for name, future in under_way.items():
            self.explored.smallest[name] = future.result()


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Yield processes of this machine that hash alike."""
    with fixed_hashes(), ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def fixed_hashes() -> Iterator[None]:
    """Processes that are started while this lasts hash strings alike."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = HASH_SEED
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before


class _Opened:
    """The explorer that this process has open."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._key: tuple[str, int] | None = None
        self._explorer: Explorer | None = None

    def explorer(self, what: Exploring) -> Explorer:
        key = (what.target, what.seed)
        if self._explorer is None or self._key != key:
            self._stack.close()
            self._explorer = self._stack.enter_context(what.open_explorer(what.target, what.seed))
            self._key = key
        return self._explorer


_opened = _Opened()


def _run_batch(what: Exploring, order: BatchOrder) -> Batch:
    return _opened.explorer(what).run(order)


def _shrink_one(what: Exploring, checker: str, found: Found, runs: int) -> Told:
    stage = _opened.explorer(what).stage
    smallest = make_smallest(stage, found.executed, checker, runs)
    return Told(smallest, tell(stage, smallest))


def coverage(explored: Explored) -> Mapping[str, object]:
    """Return what the exploration went through, as figures for the report."""
    whole = explored.whole
    every = max(1, len(explored.growth) // 10)
    return {
        "schedules": whole.schedules,
        "strategies": dict(sorted(whole.strategies.items())),
        "traces": len(whole.seen.traces),
        "sites": sorted(whole.seen.sites),
        "pairs": len(whole.seen.pairs),
        "blows": whole.blows,
        "struck": sorted([strike, site] for strike, site in whole.seen.struck),
        "sweep": whole.sweep,
        "swept": len(whole.swept),
        "run_twice": whole.twice,
        "passed_over": dict(sorted(whole.passed_over.items())),
        "first": {name: _first(found) for name, found in whole.found.items()},
        "growth": [list(point) for point in dict.fromkeys((*explored.growth[::every], *explored.growth[-1:]))],
        **({"left": whole.left} if whole.left is not None else {}),
    }


def _first(found: Found) -> Mapping[str, object]:
    """Return how many schedules it took to find something, and which one it was."""
    how = found.executed.interleaving
    return {
        "to_first": found.attempt + 1,
        "strategy": found.strategy,
        "mode": how.mode,
        "scene": found.executed.scene.name,
    }
