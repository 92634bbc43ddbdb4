"""What one load process reports when its users are done, and how the reports of several become one.

Rules:

- Accounts are a monoid: histories of a long run and workers of a distributed one merge in any grouping.
- Whatever kept a process from doing all it should is a doubt, and a doubt forbids "holds". It never becomes a
  violation, and never hides one.
- A run in which no operation was answered is incomplete, and so is one that gave a required checker nothing to examine:
  it would have been green on a target that leaks everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from harness.history.model import UserId, Value
from harness.judging.verdict import Outcome, Verdict
from harness.load.histogram import Histogram

JUDGES = ("leak", "misdelivery", "tampering", "remains", "interference", "limits", "access")
"""The checkers that listen under load; the others need taps inside the target."""

REQUIRED = ("leak", "misdelivery")
"""Those without whose facts a run has shown nothing; the second where the target says what its frames are of."""

EXIT_CODES: Mapping[Outcome, int] = {Outcome.HOLDS: 0, Outcome.VIOLATED: 1, Outcome.UNKNOWN: 3}
"""Exit codes of a locust process; 2 is Locust's own, for an error of usage or an unhandled exception."""


FIRST_EVENT, LAST_EVENT, CHECK = "first_event", "last_event", "check"
PUSHES = frozenset({FIRST_EVENT, LAST_EVENT})
"""From asking for work to its first and its last pushed frame, as its user waits for them; CHECK is the judging of one
frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one process, or several, did and found.

    Args:
        users: how many took part.
        histories: how many were recorded.
        operations, events, frames, faults: recorded in all.
        offered, asked: the operations that the service offers, and those that somebody asked for.
        measured: operations answered in the measured period.
        seconds: length of the measured period; of several processes the longest.
        verdicts: by checker.
        latencies: buckets of milliseconds, by operation, and for what FIRST_EVENT, LAST_EVENT and CHECK say.
        deliveries: rows (owner, observer, frames).
        doubts: what kept the run from being whole, and how often.
        files: histories, relative to the run folder.
        required: the checkers without whose facts the run has shown nothing.
    """

    users: int = 0
    histories: int = 0
    operations: int = 0
    events: int = 0
    frames: int = 0
    faults: int = 0
    offered: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    measured: int = 0
    seconds: float = 0.0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    latencies: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    deliveries: tuple[tuple[UserId, UserId, int], ...] = ()
    doubts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    def merge(self, other: Account) -> Account:
        """Return the account of both parts, which ran at the same time."""
        verdicts = dict(self.verdicts)
        for name, verdict in other.verdicts.items():
            verdicts[name] = verdicts[name].merge(verdict) if name in verdicts else verdict
        counted: Counter[tuple[UserId, UserId]] = Counter()
        for owner, observer, frames in self.deliveries + other.deliveries:
            counted[owner, observer] += frames
        return Account(
            users=self.users + other.users,
            histories=self.histories + other.histories,
            operations=self.operations + other.operations,
            events=self.events + other.events,
            frames=self.frames + other.frames,
            faults=self.faults + other.faults,
            offered=self.offered or other.offered,
            asked=tuple(sorted({*self.asked, *other.asked})),
            measured=self.measured + other.measured,
            seconds=max(self.seconds, other.seconds),
            verdicts=verdicts,
            latencies=_merged(self.latencies, other.latencies),
            deliveries=tuple((owner, observer, frames) for (owner, observer), frames in sorted(counted.items())),
            doubts=dict(Counter(dict(self.doubts)) + Counter(dict(other.doubts))),
            files=tuple(dict.fromkeys(self.files + other.files)),
            required=tuple(dict.fromkeys(self.required + other.required)),
        )

    def then(self, later: Account) -> Account:
        """Return the account of both parts, of which this one ran first, with as many users."""
        whole = self.merge(later)
        return replace(whole, users=max(self.users, later.users), seconds=self.seconds + later.seconds)

    def doubted(self, doubt: str) -> Account:
        """Return this account with one more doubt."""
        return self.merge(Account(doubts={doubt: 1}))

    @property
    def doubt(self) -> str:
        """Everything that kept the run from being whole, in one line, or `""`."""
        doubts = [f"{text} ({count} times)" if count > 1 else text for text, count in self.doubts.items()]
        if not self.operations:
            doubts.append("no operation was asked for, so nothing was examined")
        return "; ".join(doubts)

    def judged(self) -> Mapping[str, Verdict]:
        """Return the verdicts, each with the doubts of the run."""
        doubts = (self.doubt,) if self.doubt else ()
        return {
            name: replace(verdict, doubts=tuple(dict.fromkeys((*verdict.doubts, *doubts))))
            for name in JUDGES
            for verdict in [self.verdicts.get(name, Verdict(name))]
        }

    @property
    def outcome(self) -> Outcome:
        """VIOLATED when anything was found; HOLDS only when the run was whole and the required checkers had facts."""
        verdicts = self.judged()
        if any(verdict.violated for verdict in verdicts.values()):
            return Outcome.VIOLATED
        required = [verdicts[name].outcome for name in self.required]
        doubted = any(verdict.doubts for verdict in verdicts.values())
        return Outcome.UNKNOWN if doubted else Outcome.worst(required)

    def histogram(self, names: Iterable[str]) -> Histogram:
        """Return how long these took, together."""
        whole = Histogram()
        for name in names:
            whole = whole.merge(Histogram(self.latencies.get(name, {})))
        return whole

    def measures(self) -> Mapping[str, Value]:
        """Return what was measured, as it stands in `SuiteRun.measures`."""
        operations = [name for name in self.latencies if name not in PUSHES and name != CHECK]
        spread = {name: _spread(self.histogram([name])) for name in sorted(self.latencies)}
        return {
            **{f"latency_ms_{name}": value for name, value in _spread(self.histogram(operations)).items()},
            "latency_ms": {name: spread[name] for name in operations},
            "push_ms": {name: values for name, values in spread.items() if name in PUSHES},
            "throughput_hz": round(self.measured / self.seconds, 1) if self.seconds else 0.0,
            "measured_s": round(self.seconds, 2),
            "frames": self.frames,
            "check_us_per_frame": _thousandfold(self.histogram([CHECK]).percentile(0.5)),
            "deliveries": [list(row) for row in self.deliveries],
        }


ACCOUNT = TypeAdapter(Account)
"""Reads and writes accounts as JSON."""


def _merged(left: Mapping[str, Mapping[int, int]], right: Mapping[str, Mapping[int, int]]) -> dict[str, dict[int, int]]:
    return {
        name: dict(Histogram(left.get(name)).merge(Histogram(right.get(name))).counts())
        for name in sorted({*left, *right})
    }


def _thousandfold(value: float | None) -> float | None:
    return round(value * 1000, 1) if value is not None else None


def _spread(histogram: Histogram) -> dict[str, float | None]:
    return {f"p{share}": histogram.percentile(share / 100) for share in (50, 95, 99)}
