"""One run as a picture: a lane per user, bars for calls, dots for arrivals, diamonds for faults, numbered arrows for
findings.

Rules:

- The picture judges nothing: an arrow is a finding of a checker, from the owner's event to the observer's;
  every other arrival is a dot, whosever it is.
- It shows the part of the run around the findings, of MOST_LANES users and MOST_EVENTS events; what is left
  out is said beneath.
- Positions are in the units of the view box, rounded to a tenth; the template only writes them down.

How it works: `_drawable` ties findings to events, `_window` picks the events, `_lanes` the users, and `_Axis`
turns an event into a horizontal position: by time, or by index where a history has no clock, or a clock that stands
still while the schedule decides who goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.claims.evidence import Suite
from harness.history.model import Call, CallJoiner, Event, EventKind, History, UserId
from harness.history.probes import FAULT
from harness.judging.verdict import Finding
from harness.reporting.arrows import Arrow, arrow
from harness.reporting.ticks import round_step
from harness.reporting.wording import natural, plural

MOST_LANES = 12
MOST_EVENTS = 360
MOST_ARROWS = 12

WIDTH = 1072
_LEFT, _RIGHT, _TOP, _LANE, _BOTTOM = 64.0, 20.0, 18.0, 34.0, 30.0
_LEAST_BAR = 3.0
_MOST_TICKS = 8
_UNITS = (("s", 10**9), ("ms", 10**6), ("µs", 10**3), ("ns", 1))


@dataclass(frozen=True, slots=True)
class Numbered:
    """A finding with the events it goes from and to; no origin where no event of the owner shows it."""

    number: int
    finding: Finding
    origin: Event | None
    arrival: Event


@dataclass(frozen=True, slots=True)
class Bar:
    """A call; accused when a numbered finding begins with it."""

    x: float
    y: float
    width: float
    accused: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with a text: a lane's name, or a tick of the axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Swimlanes:
    """The geometry of the picture, and the table that goes with it."""

    width: int
    height: float
    left: float
    lanes: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    dots: tuple[tuple[float, float], ...]
    faults: tuple[tuple[float, float], ...]
    arrows: tuple[Arrow, ...]
    numbered: tuple[Numbered, ...]
    notes: tuple[str, ...]

    @property
    def description(self) -> str:
        """The picture in a sentence, for those who cannot see it."""
        shown = f"{plural(len(self.lanes), 'user')}, {plural(len(self.bars), 'call')}"
        found = plural(len(self.numbered), "numbered finding")
        fell = f", {plural(len(self.faults), 'fault')}" if self.faults else ""
        return f"{shown}, {plural(len(self.dots), 'arrival')}{fell} and {found}; the table lists the findings."


def swimlanes(history: History, findings: Iterable[Finding]) -> Swimlanes | None:
    """Return the picture of a run, or None when no finding points at an event of it."""
    every = [*findings]
    drawable = _drawable(history, every)
    if not drawable:
        return None
    events, shown = _window(history.events, drawable)
    shown = [Numbered(number, n.finding, n.origin, n.arrival) for number, n in enumerate(shown, 1)]
    lanes, users = _lanes(events, shown)
    axis = _Axis(history, events)
    bars = _bars(history.events, events, shown, lanes, axis)
    crossed = {n.arrival.index for n in shown}
    return Swimlanes(
        width=WIDTH,
        height=_TOP + _LANE * len(lanes) + _BOTTOM,
        left=_LEFT,
        lanes=tuple(Mark(y, name) for name, y in lanes.items()),
        ticks=axis.ticks(),
        bars=tuple(bars),
        dots=tuple(
            (axis.x(event), lanes[event.user])
            for event in events
            if event.kind is EventKind.PUSH and event.user in lanes and event.index not in crossed
        ),
        faults=tuple(
            (axis.x(event), lanes[event.user])
            for event in events
            if event.kind is EventKind.PROBE and event.name == FAULT and event.user in lanes
        ),
        arrows=_arrows(shown, lanes, axis),
        numbered=tuple(shown),
        notes=_notes(history, events, shown, every, len(lanes), users),
    )


def _drawable(history: History, findings: Iterable[Finding]) -> list[Numbered]:
    """Findings whose witness lies in this history, and whose observer (if named) is there to receive."""
    by_index = {event.index: event for event in history.events}
    drawable = []
    for finding in findings:
        witness = [by_index[index] for index in finding.witness if index in by_index]
        if not witness or len(witness) < len(finding.witness):
            continue
        received = [e for e in witness if e.user == finding.observer and e.kind is not EventKind.INVOKE]
        if finding.observer and not received:
            continue
        arrival = received[-1] if received else witness[-1]
        owned = (e for e in witness if finding.owner and e.user == finding.owner)
        origin = next((e for e in owned if e.index < arrival.index), None)
        drawable.append(Numbered(0, finding, origin, arrival))
    return sorted(drawable, key=lambda n: (n.arrival.index, n.finding.anomaly))


def _window(events: Sequence[Event], drawable: Sequence[Numbered]) -> tuple[Sequence[Event], list[Numbered]]:
    """The events around as many of the first findings as fit, and those findings."""
    place = {event.index: at for at, event in enumerate(events)}
    low, high = len(events), -1
    shown: list[Numbered] = []
    for item in drawable[:MOST_ARROWS]:
        arrival = place[item.arrival.index]
        origin = place[item.origin.index] if item.origin else arrival
        if shown and max(high, arrival) - min(low, origin) >= MOST_EVENTS:
            break
        low, high = min(low, origin), max(high, arrival)
        shown.append(item)
    low = max(low, high - MOST_EVENTS + 1)
    spare = MOST_EVENTS - (high - low + 1)
    low = max(0, low - spare // 2)
    return events[low : low + MOST_EVENTS], shown


def _lanes(events: Iterable[Event], shown: Iterable[Numbered]) -> tuple[dict[UserId, float], int]:
    """The users with a lane, from top to bottom, and how many took part in all."""
    involved = Counter(user for n in shown for user in (n.arrival.user, n.origin.user if n.origin else "") if user)
    busy = Counter(event.user for event in events if event.user)
    ranked = sorted(busy, key=lambda user: (-involved[user], -busy[user], natural(user)))
    kept = sorted(ranked[:MOST_LANES], key=natural)
    return {user: _TOP + _LANE * (at + 0.5) for at, user in enumerate(kept)}, len(busy)


class _Axis:
    """Turns events into horizontal positions."""

    def __init__(self, history: History, window: Sequence[Event]) -> None:
        first, last = history.events[0], history.events[-1]
        self._timed = history.header.suite != Suite.SCHEDULES and last.time_ns > first.time_ns
        self._zero = first.time_ns if self._timed else 0
        self._low, high = self._value(window[0]), self._value(window[-1])
        self._span = max(high - self._low, 1)

    def _value(self, event: Event) -> int:
        return event.time_ns - self._zero if self._timed else event.index

    def _at(self, value: float) -> float:
        share = min(max((value - self._low) / self._span, 0.0), 1.0)
        return round(_LEFT + 8 + share * (WIDTH - _LEFT - _RIGHT - 16), 1)

    def x(self, event: Event) -> float:
        """The position of an event; of one outside the window, the nearer edge."""
        return self._at(self._value(event))

    def ticks(self) -> tuple[Mark, ...]:
        """Round values, at most _MOST_TICKS of them."""
        step = round_step(self._span / _MOST_TICKS)
        first = -(-self._low // step) * step
        values = range(first, self._low + self._span + 1, step)
        return tuple(Mark(self._at(value), self._label(value)) for value in values)

    def _label(self, value: int) -> str:
        if not self._timed:
            return f"event {value:,}"
        unit, size = next((unit, size) for unit, size in _UNITS if self._span >= 2 * size or size == 1)
        return f"{value / size:,g} {unit}"


def _bars(
    history: Sequence[Event],
    window: Sequence[Event],
    shown: Iterable[Numbered],
    lanes: dict[UserId, float],
    axis: _Axis,
) -> list[Bar]:
    accused = {n.origin.call for n in shown if n.origin is not None and n.origin.call is not None}
    bars = []
    for call in _calls(history, window):
        start, end = axis.x(call.invocation), axis.x(call.completion)
        if call.invocation.user in lanes:
            width = round(max(end - start, _LEAST_BAR), 1)
            bars.append(Bar(start, lanes[call.invocation.user], width, call.invocation.call in accused))
    return bars


def _calls(history: Sequence[Event], window: Sequence[Event]) -> list[Call]:
    """The calls that were under way in the window; one that never completed lasts to the end of the run."""
    joiner, unfinished, calls = CallJoiner(), dict[int, Event](), list[Call]()
    for event in history:
        if event.kind is EventKind.INVOKE and event.call is not None:
            unfinished[event.call] = event
        call = joiner.step(event)
        if call is not None and event.call is not None:
            del unfinished[event.call]
            calls.append(call)
    calls += [Call(event, history[-1]) for event in unfinished.values()]
    first, last = window[0].index, window[-1].index
    return [call for call in calls if call.invocation.index <= last and call.completion.index >= first]


def _arrows(shown: Iterable[Numbered], lanes: dict[UserId, float], axis: _Axis) -> tuple[Arrow, ...]:
    arrows: list[Arrow] = []
    for n in shown:
        if n.arrival.user not in lanes:
            continue
        end = (axis.x(n.arrival), lanes[n.arrival.user])
        start = (axis.x(n.origin), lanes[n.origin.user]) if n.origin and n.origin.user in lanes else None
        arrows.append(arrow(n.number, start, end, arrows))
    return tuple(arrows)


def _notes(
    history: History,
    events: Sequence[Event],
    shown: Sequence[Numbered],
    findings: Sequence[Finding],
    lanes: int,
    users: int,
) -> tuple[str, ...]:
    notes = []
    if len(events) < len(history.events):
        notes.append(f"{len(events):,} of {len(history.events):,} events of the run are in the picture.")
    if lanes < users:
        notes.append(f"{lanes} of {users} users have a lane: those in findings first, then the busiest.")
    if len(shown) < len(findings):
        notes.append(f"{len(shown)} of {len(findings):,} recorded findings are numbered here.")
    if any(n.origin is not None and n.origin.index < events[0].index for n in shown):
        notes.append("An arrow from the left edge begins before the part shown.")
    return tuple(notes)
