"""One execution, judged while it happens: a target, a runner, and every checker listening to the history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from secrets import randbits, token_hex

from harness.claims.run_folder import HistoryFile
from harness.history.model import (
    Admitting,
    Credential,
    Event,
    EventKind,
    Header,
    Promises,
    Promising,
    Target,
    User,
    UserId,
)
from harness.history.names import fresh
from harness.history.probes import SIGNED_IN
from harness.history.recorder import Recorder
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import Checker, FoldGuard, Verdict
from harness.performing.adapted import AdaptedTarget
from harness.performing.connections import Deadlines
from harness.performing.runner import Runner
from harness.performing.totals import Totals
from harness.scenario.program import Fault, Program, Step

OpenTarget = Callable[[], AbstractAsyncContextManager[Target]]
"""Opens a fresh target, and closes it at the end."""


def promises_of(target: Target) -> Promises:
    """Return what the target states of itself; one that states nothing offers nothing."""
    return target.promises if isinstance(target, Promising) else Promises()


def same_name_of(target: Target) -> Callable[[str], str]:
    """Return what the target makes of a user's name before it compares; nothing where it does not say."""
    return target.adapter.same_name if isinstance(target, AdaptedTarget) else str


@dataclass(frozen=True, slots=True)
class Failure:
    """An execution in which a checker found something."""

    program: Program
    header: Header
    events: tuple[Event, ...]
    verdicts: Mapping[str, Verdict]


class Performance:
    """One execution under way. Enter it, perform steps, and ask for the verdicts after `settle`."""

    def __init__(
        self,
        target: Target,
        program: Program,
        header: Header,
        checkers: Mapping[str, Checker],
        file: HistoryFile | None = None,
        deadlines: Deadlines | None = None,
        cookies: dict[UserId, tuple[str, ...]] | None = None,
    ) -> None:
        """Put everything in place.

        Args:
            target, program, header: what is performed, and what its history is called.
            checkers: who listen.
            file: where the history goes.
            deadlines: how long the runner waits.
            cookies: digests of the cookies of earlier users of the same service, who have other numbers; takes in those
                of the users of this program.
        """
        self.header = header
        self._cookies = {} if cookies is None else cookies
        self.users = program.users
        self._begun = False
        self.events: list[Event] = []
        self.deliveries = Deliveries(header.promises)
        self._folds = {name: FoldGuard(checker, header) for name, checker in checkers.items()}
        self._target, self._program = target, program
        self._file = file
        listeners = [self.events.append, *(fold.step for fold in self._folds.values()), self.deliveries.step]
        self.recorder = Recorder(*listeners, *([file.append] if file is not None else []))
        self._runner = Runner(target, program.users, header, self.recorder, deadlines)

    async def __aenter__(self) -> Performance:
        self.users = self._runner.users = await admitted(self._target, self._program.users)
        if self._file is not None:
            self._file.begin(self.header, replace(self._program, users=self.users))
        self._begun = True
        self._record_cookies()
        await self._runner.begin()
        return self

    def _record_cookies(self) -> None:
        if isinstance(self._target, AdaptedTarget):
            valid = (user for user in self.users if user.credential is Credential.VALID)
            self._cookies |= {user.id: cookies for user in valid if (cookies := self._target.cookies_of(user))}
        for user_id, cookies in self._cookies.items():
            self.recorder.record(EventKind.PROBE, SIGNED_IN, {"user": user_id, "cookies": list(cookies)})

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._runner.close()
        finally:
            if self._file is not None:
                self._file.end()

    async def perform(self, steps: Sequence[Step]) -> None:
        """Carry out these steps."""
        for step in steps:
            await self._runner.perform(step)

    @property
    def left_out(self) -> int:
        """How many steps were left out, as they named an object that was never made."""
        return self._runner.left_out

    def is_under_way(self, call: int) -> bool:
        """Return whether this call has not been answered yet."""
        return self._runner.is_under_way(call)

    def inject(self, fault: Fault, position: int, call: int) -> bool:
        """Inject this fault into a user's request right now; see `Runner.inject`."""
        return self._runner.inject(fault, position, call)

    async def settle(self) -> None:
        """Wait until whatever can end has ended; see `Runner.settle`."""
        await self._runner.settle()

    def verdicts(self) -> Mapping[str, Verdict]:
        """Return what each checker says so far."""
        return {name: fold.verdict() for name, fold in self._folds.items()}

    def add_to(self, totals: Totals, users: int) -> None:
        """Count this execution into the totals; one to which nobody was let in has no history."""
        if not self._begun:
            return
        performed = Totals(
            verdicts=dict(self.verdicts()),
            histories=1,
            operations=self.recorder.operations,
            events=len(self.events),
            faults=self.recorder.faults,
            users=users,
            offered=dict.fromkeys(self.header.promises.operations),
            asked=self.recorder.asked,
            deliveries=self.deliveries,
        )
        totals.merge(performed)


async def perform(
    program: Program,
    header: Header,
    open_target: OpenTarget,
    checkers: Mapping[str, Checker],
    deadlines: Deadlines | None = None,
) -> Failure:
    """Perform a program once more, and say what came of it this time.

    A target that goes on between two performances gets marks of its own for each: what the last one has left there
    must not count in the next.
    """
    async with open_target() as target:
        if getattr(target, "lasting", None) is not False:
            header = replace(header, seed=randbits(48))
        async with Performance(target, program, header, checkers, deadlines=deadlines) as performance:
            await performance.perform(program.steps)
            await performance.settle()
        return Failure(program, header, tuple(performance.events), performance.verdicts())


async def admitted(target: Target, users: tuple[User, ...]) -> tuple[User, ...]:
    """Return the users under the names that the target knows, which nobody has had there before.

    A user whose name was used in an earlier execution would find that one's notes, and nobody could tell them from
    another user's. A target that says `lasting = False` starts empty each time: there the names are left as they are.
    """
    if isinstance(target, Admitting):
        return await target.admit(users)
    if getattr(target, "lasting", None) is False:
        return users
    once = token_hex(4)
    return tuple(replace(user, name=fresh(user.name, once)) for user in users)


def first_violation(verdicts: Mapping[str, Verdict]) -> Verdict | None:
    """Return the first verdict, in the order of the checkers, that is violated."""
    return next((verdict for verdict in verdicts.values() if verdict.violated), None)


@asynccontextmanager
async def lasting(open_target: OpenTarget) -> AsyncIterator[OpenTarget]:
    """Yield a way to open the target that starts a target of the kind `lasting` only once.

    A target whose attribute `lasting` is true (a process, a service) is too slow to start for each program.
    """
    async with AsyncExitStack() as stack:
        kept: list[Target] = []

        @asynccontextmanager
        async def reopen() -> AsyncIterator[Target]:
            if kept:
                yield kept[0]
                return
            async with AsyncExitStack() as own:
                target = await own.enter_async_context(open_target())
                if getattr(target, "lasting", False):
                    kept.append(target)
                    stack.push_async_exit(own.pop_all())
                yield target

        yield reopen
