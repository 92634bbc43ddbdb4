"""The users of one process in one history: what they saw, and what the checkers say of it.

Rules:

- Whatever reaches a user is recorded and judged at once, in the greenlet that received it. gevent switches only where
  something waits, and nothing waits between reading a frame and judging it, so the order of events is the true one.
- Silence is no answer: a call without an answer is left open, its user takes no further part, and the run is doubted.
- What is missing is called lost only when every user is whole and every channel was read up to its fence. Only then is
  SETTLED recorded, with the work of which the target itself does not say that it has ended.

How it works. `gate` opens when all users are connected, and the measured period begins. `conclude` lets each user come
to rest, all at the same time, records SETTLED, and gives the account.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

import gevent
from gevent.event import Event as Signal
from gevent.lock import BoundedSemaphore

from harness.adapter.sign_in import Headers
from harness.claims.evidence import Suite
from harness.claims.run_folder import HistoryFile
from harness.history.canary import Canaries
from harness.history.model import Event, EventKind, Header, User, Value
from harness.history.probes import SETTLED
from harness.history.recorder import Recorder
from harness.judging.checkers import CHECKERS
from harness.judging.deliveries import Deliveries
from harness.judging.verdict import FoldGuard
from harness.load.abilities import Abilities, Ability
from harness.load.account import CHECK, JUDGES, REQUIRED, Account
from harness.load.behaviours import behaviours_of
from harness.load.belongings import Objects
from harness.load.histogram import Histogram
from harness.load.load_options import LoadOptions
from harness.load.users import USERS_PER_PROCESS, TooManyUsers, distinct_names, load_user

REST_S = 60.0
"""How long all users together may take to come to rest."""
RUSH_S, RUSH_USERS, TEAMS = 2.0, 10, 20
"""How often a team rushes, how many users it has, and how many teams rush one after the other."""
MOST_SHOWN = 64
"""Objects of which others know, by operation."""
MOST_DOUBTS = 20
"""Different doubts that are kept word for word."""


class Member(Protocol):
    """One user at work; `harness.load.virtual_user.VirtualUser`."""

    @property
    def whole(self) -> bool:
        """Whether every call was answered and the socket is open."""

    @property
    def left(self) -> bool:
        """Whether the user was sent away before the end."""

    @property
    def unended(self) -> Collection[str]:
        """The work of which nobody says that it has ended."""

    def rest(self) -> None:
        """Finish what is under way, and read every channel to its fence."""

    def close(self) -> None:
        """Drop the connection."""


class Cohort:
    """The users of one history.

    Args:
        options: of the run.
        process: number of this process, from 0.
        sign_in: returns what the requests of a user carry.
        first: how many users of this process earlier histories had.
        on_open: called when all are connected, with how many of them are.
        on_lost: called when nobody is left that could work.
    """

    def __init__(
        self,
        options: LoadOptions,
        process: int,
        sign_in: Callable[[User], Headers],
        first: int = 0,
        on_open: Callable[[int], None] = lambda _: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.options = options
        self.sign_in = sign_in
        self.abilities = Abilities(options.adapter)
        self.behaviours = behaviours_of(self.abilities, options.adapter)
        self.gate, self.stopping = Signal(), Signal()
        self.over = False
        self.canaries = Canaries(options.seed)
        self.shelf: dict[str, deque[tuple[int, Objects]]] = defaultdict(lambda: deque(maxlen=MOST_SHOWN))
        """By operation, on which objects it has succeeded for their owners, and the numbers of these."""
        self.reached: Counter[str] = Counter()
        """By operation, how often somebody has tried it on another's object."""
        self._names = distinct_names(options.adapter.same_name)
        self._process = process
        self._room = USERS_PER_PROCESS - first
        self.enrolled = first
        self._members: list[Member] = []
        self._coming: set[Member] = set()
        self._expected: int | None = None
        self._on_open, self._on_lost = on_open, on_lost
        self._doubts: Counter[str] = Counter()
        self._latencies: dict[str, Histogram] = defaultdict(Histogram)
        self._measured = 0
        self._opened_s = self._stopped_s = 0.0
        self._concluding = BoundedSemaphore(1)
        self._account: Account | None = None
        self._begin(process)

    def _begin(self, process: int) -> None:
        options = self.options
        header = Header(
            target=options.target,
            suite=Suite.LOAD.value,
            seed=options.seed,
            users=options.users,
            promises=options.adapter.promises,
        )
        self._folds = {name: FoldGuard(CHECKERS[name], header) for name in JUDGES}
        self._deliveries = Deliveries(header.promises)
        self._file = _history_file(options, process)
        if self._file is not None:
            self._file.begin(header)
        self._recorder = Recorder(self._judge, self._deliveries.step, *([self._file.append] if self._file else []))

    # Who takes part

    def enrol(self, member: Member) -> User:
        """Take in one more user; return who that is.

        Raises:
            TooManyUsers: this process has no number left. The run is doubted for it.
        """
        try:
            user = load_user(self._process, self.enrolled, self.options.run, self._names)
        except TooManyUsers as error:
            self.doubt(str(error))
            raise
        self.enrolled += 1
        self._members.append(member)
        self._coming.add(member)
        return user

    def expect(self, users: int) -> None:
        """Say of how many users come first; when they are connected, work begins."""
        self._expected = min(users, self._room)
        self._open_when_all_are_here()

    def arrived(self, member: Member) -> None:
        """Say that one more user is connected, or will not be."""
        self._coming.discard(member)
        self._open_when_all_are_here()

    def _open_when_all_are_here(self) -> None:
        if self._expected is not None and len(self._members) >= self._expected and not self._coming:
            self.open()

    def open(self) -> None:
        """Begin the measured period."""
        if not self.gate.is_set():
            self._opened_s = time.monotonic()
            self.gate.set()
            self._on_open(sum(member.whole for member in self._members))
            self.notice_loss()

    def notice_loss(self) -> None:
        """Say so when nobody is left."""
        if (
            self.gate.is_set()
            and self._members
            and not self.stopping.is_set()
            and not any(m.whole for m in self._members)
        ):
            self._on_lost()

    def doubt(self, text: str) -> None:
        """Note what keeps the run from being whole.

        Args:
            text: without ids, so that a thousand users make one line.
        """
        room = text in self._doubts or len(self._doubts) < MOST_DOUBTS
        self._doubts[text if room else "further doubts"] += 1

    def show(self, ability: Ability, owner: User, objects: Objects) -> None:
        """Let others know that this succeeds on a user's own objects."""
        self.shelf[ability.name].append((owner.number, objects))

    # What happens

    def record(
        self,
        kind: EventKind,
        name: str,
        value: Value = None,
        *,
        user: str = "",
        device: int = 0,
        call: int | None = None,
    ) -> None:
        """Record and judge an event; what comes after the end is not part of the history."""
        if self._account is None:
            self._recorder.record(kind, name, value, user=user, device=device, call=call)

    def next_call(self) -> int:
        """Return a number for a new call."""
        return self._recorder.next_call()

    def fault(self) -> None:
        """Count a fault that was injected."""
        self._recorder.faults += 1

    def took(self, what: str, since_s: float, *, answered: bool = False) -> None:
        """Count how long something took, if it fell into the measured period; 0 is since before that."""
        if self.gate.is_set() and not self.stopping.is_set():
            self._measured += answered
            if since_s >= self._opened_s:
                self._latencies[what].add((time.monotonic() - since_s) * 1000)

    def until_rush_s(self, number: int) -> float:
        """Return how long this user is to wait until the next moment at which ten users act at once."""
        team_s = number // RUSH_USERS % TEAMS * RUSH_S / TEAMS
        return RUSH_S - (time.monotonic() - self._opened_s - team_s) % RUSH_S

    def _judge(self, event: Event) -> None:
        begun_ns = time.perf_counter_ns()
        for fold in self._folds.values():
            fold.step(event)
        if event.kind is EventKind.PUSH:
            self._latencies[CHECK].add((time.perf_counter_ns() - begun_ns) / 1e6)

    # How it ends

    def conclude(self) -> Account:
        """Let everybody come to rest and return the account; the same one when asked again."""
        with self._concluding:
            if self._account is None:
                self._rest()
                self._account = self._accounted()
                for member in self._members:
                    member.close()
                if self._file is not None:
                    self._file.end()
                    self._file.close()
                self.over = True
            return self._account

    def _rest(self) -> None:
        self.stopping.set()
        self._stopped_s = time.monotonic()
        present = [member for member in self._members if not member.left]
        if not self.gate.is_set():
            self.doubt("the run was stopped before all users were connected")
            return
        resting = [gevent.spawn(member.rest) for member in present if member.whole]
        gevent.joinall(resting, timeout=REST_S)
        late = [greenlet for greenlet in resting if not greenlet.successful()]
        gevent.killall(late)
        if late:
            self.doubt(f"{len(late)} users did not come to rest within {REST_S:.0f} s")
        elif all(member.whole for member in present) and not self._doubts:
            unended = sorted({name for member in present for name in member.unended})
            self.record(EventKind.PROBE, SETTLED, {"open": unended})

    def _accounted(self) -> Account:
        counts = self._recorder.counts
        return Account(
            users=sum(not member.left for member in self._members),
            histories=1,
            operations=self._recorder.operations,
            events=counts.total(),
            frames=counts[EventKind.PUSH],
            faults=self._recorder.faults,
            offered=tuple(self.options.adapter.promises.operations),
            asked=tuple(sorted(self._recorder.asked)),
            measured=self._measured,
            seconds=self._stopped_s - self._opened_s if self._opened_s else 0.0,
            verdicts={name: fold.verdict() for name, fold in self._folds.items()},
            latencies={name: histogram.counts() for name, histogram in self._latencies.items()},
            deliveries=tuple((str(owner), str(seer), int(count)) for owner, seer, count in self._deliveries.table()),
            doubts=dict(self._doubts),
            files=(self._file.name,) if self._file is not None else (),
            required=REQUIRED if self.options.adapter.promises.pushes else REQUIRED[:1],
        )


def _history_file(options: LoadOptions, process: int) -> HistoryFile | None:
    if not options.out:
        return None
    folder = Path(options.out) / "histories"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"histories/{options.history}{f'-{process}' if process else ''}.jsonl"
    return HistoryFile(Path(options.out) / name, name)
