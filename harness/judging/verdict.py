"""What a checker says: holds, violated or unknown.

A verdict is counted, not declared: `outcome` follows from what was examined, found and doubted.

- something was found: VIOLATED;
- otherwise a doubt was raised (a checker crashed, a run was cut short), or nothing was examined: UNKNOWN;
- otherwise HOLDS, which says "in what was examined", and never "proven".

Verdicts are a monoid under `merge`, with the empty verdict of a checker as identity: the verdicts of parts (schedules,
load workers, shards of a history) merge into the verdict of the whole, in any grouping.

Source: three-valued validity and its merging, jepsen `checker.clj`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from harness.history.model import Event, EventKind, Header, UserId
from harness.history.probes import DOUBT

MOST_FINDINGS = 20
"""Findings kept word for word; the rest are counted."""


class Outcome(StrEnum):
    """Three outcomes; merging takes the worst, and merging nothing is UNKNOWN."""

    HOLDS = "holds"
    UNKNOWN = "unknown"
    VIOLATED = "violated"

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """Return VIOLATED before UNKNOWN before HOLDS; UNKNOWN for no outcomes at all."""
        order = list(Outcome)
        return max(outcomes, key=order.index, default=Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation, in one sentence.

    Args:
        anomaly: an id of `harness.claims.adjudication.ANOMALIES`.
        message: says who saw what of whom, and where.
        observer: who saw it, or `""`.
        owner: whose it is, or `""`.
        witness: indices of the events that show it, in the order of the history.
    """

    anomaly: str
    message: str
    observer: UserId = ""
    owner: UserId = ""
    witness: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one checker says of what it was shown.

    Args:
        checker: its name.
        examined: by anomaly, the facts on which it could have failed.
        violations: by anomaly, how often it did.
        findings: the first MOST_FINDINGS of them.
        doubts: why no outcome better than UNKNOWN may be given.
    """

    checker: str
    examined: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """VIOLATED, UNKNOWN or HOLDS, derived as the module says."""
        if self.violated:
            return Outcome.VIOLATED
        if self.doubts or self.facts == 0:
            return Outcome.UNKNOWN
        return Outcome.HOLDS

    @property
    def facts(self) -> int:
        """How many facts were examined in all."""
        return sum(self.examined.values())

    @property
    def violated(self) -> int:
        """How many violations were found in all."""
        return sum(self.violations.values())

    def beginning_with(self, finding: Finding) -> Verdict:
        """Return this verdict with one of its findings before all others: that of which a witness was kept."""
        others = (known for known in self.findings if known != finding)
        return replace(self, findings=(finding, *others))

    def about(self, anomalies: Iterable[str]) -> Verdict:
        """Return what this verdict says of these anomalies only."""
        kept = frozenset(anomalies)
        return replace(
            self,
            examined={name: count for name, count in self.examined.items() if name in kept},
            violations={name: count for name, count in self.violations.items() if name in kept},
            findings=tuple(finding for finding in self.findings if finding.anomaly in kept),
        )

    def merge(self, other: Verdict) -> Verdict:
        """Return the verdict of both parts together.

        Raises:
            ValueError: the parts are of different checkers.
        """
        if self.checker != other.checker:
            raise ValueError(
                f"cannot merge a verdict of {self.checker!r} with one of {other.checker!r}: "
                "only parts of one checker's work have a common verdict. Merge them by checker."
            )
        return Verdict(
            self.checker,
            _added(self.examined, other.examined),
            _added(self.violations, other.violations),
            _first_of_each(self.findings + other.findings),
            tuple(dict.fromkeys(self.doubts + other.doubts)),
        )


def _added(left: Mapping[str, int], right: Mapping[str, int]) -> Mapping[str, int]:
    return {name: left.get(name, 0) + right.get(name, 0) for name in sorted({*left, *right})}


def _first_of_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the first MOST_FINDINGS of each anomaly, so that a frequent one cannot push out a rare one."""
    kept: list[Finding] = []
    seen: dict[str, int] = {}
    for finding in findings:
        seen[finding.anomaly] = seen.get(finding.anomaly, 0) + 1
        if seen[finding.anomaly] <= MOST_FINDINGS:
            kept.append(finding)
    return tuple(kept)


class Fold(Protocol):
    """A checker at work: no I/O, clock, randomness or target; memory bounded by users and open calls."""

    def step(self, event: Event, /) -> None:
        """Take the next event of the history."""

    def verdict(self) -> Verdict:
        """Say what has been seen so far; may be asked at any time."""


@dataclass(frozen=True, slots=True)
class Checker:
    """A way to judge histories.

    Args:
        name: what it is called in plans, reports and on the command line.
        sentence: what it looks for.
        anomalies: the ids it can find.
        fold: makes a fresh fold for one history.
    """

    name: str
    sentence: str
    anomalies: tuple[str, ...]
    fold: Callable[[Header], Fold]


class Tally:
    """What a fold counts while it works: facts, findings and doubts. The only mutable part of a verdict."""

    __slots__ = ("_checker", "_doubts", "_examined", "_findings", "_violations")

    def __init__(self, checker: str) -> None:
        self._checker = checker
        self._doubts: dict[str, None] = {}
        self._examined: dict[str, int] = {}
        self._violations: dict[str, int] = {}
        self._findings: list[Finding] = []

    def examine(self, anomaly: str, facts: int = 1) -> None:
        """Count facts on which this anomaly could have shown."""
        if facts:
            self._examined[anomaly] = self._examined.get(anomaly, 0) + facts

    def find(self, finding: Finding) -> None:
        """Count a violation, and keep it word for word while there is room."""
        anomaly = finding.anomaly
        self._violations[anomaly] = self._violations.get(anomaly, 0) + 1
        if self._violations[anomaly] <= MOST_FINDINGS:
            self._findings.append(finding)

    def doubt(self, reason: str) -> None:
        """Say why nothing better than UNKNOWN may be concluded."""
        if len(self._doubts) < MOST_FINDINGS:
            self._doubts[reason] = None

    def verdict(self) -> Verdict:
        """Return what has been counted so far."""
        return Verdict(
            self._checker,
            dict(sorted(self._examined.items())),
            dict(sorted(self._violations.items())),
            tuple(self._findings),
            tuple(self._doubts),
        )


def judge(checker: Checker, header: Header, events: Iterable[Event]) -> Verdict:
    """Fold a whole history. A checker that crashes is UNKNOWN, with the reason; it never stops the others."""
    return FoldGuard(checker, header).run(events)


class FoldGuard:
    """A fold that turns a crash into a doubt, so that one broken checker cannot hide the others' verdicts.

    It also takes in what the history itself doubts: see `harness.history.probes.DOUBT`.
    """

    __slots__ = ("_checker", "_crash", "_doubts", "_fold")

    def __init__(self, checker: Checker, header: Header) -> None:
        self._checker = checker
        self._fold: Fold | None = None
        self._crash: str | None = None
        self._doubts: dict[str, None] = {}
        try:
            self._fold = checker.fold(header)
        except Exception as error:
            self._crash = f"checker {checker.name} crashed before the first event: {error!r}"

    def step(self, event: Event) -> None:
        """Pass the event on, unless the fold has crashed before."""
        if event.kind is EventKind.PROBE and event.name == DOUBT and self._checker.name in event.value["checkers"]:
            self._doubts[event.value["reason"]] = None
        if self._crash is None and self._fold is not None:
            try:
                self._fold.step(event)
            except Exception as error:
                self._crash = f"checker {self._checker.name} crashed at event {event.index}: {error!r}"

    def verdict(self) -> Verdict:
        """Return the fold's verdict, with the doubts of the history, and with one more when it crashed."""
        verdict, crash = Verdict(self._checker.name), self._crash
        if self._fold is not None:
            try:
                verdict = self._fold.verdict()
            except Exception as error:
                crash = crash or f"checker {self._checker.name} crashed when asked for its verdict: {error!r}"
        doubts = (*self._doubts, *([crash] if crash is not None else []))
        return replace(verdict, doubts=(*verdict.doubts, *doubts)) if doubts else verdict

    def run(self, events: Iterable[Event]) -> Verdict:
        """Fold all events and return the verdict."""
        for event in events:
            self.step(event)
        return self.verdict()
