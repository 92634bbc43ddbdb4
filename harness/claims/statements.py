"""What a description must say for a claim to be shown, and the line that would say it.

Rules:

- A claim can be shown when each of its anomalies can be, in a suite that counts for the claim.
- An anomaly can be shown when everything is stated that it needs. What is missing is named in the words of the
  description itself: its own operations, channels and kinds.
- That a claim can be shown says nothing of whether it holds.

How it works. `NEEDS` is the table: of each anomaly the statements that it needs, and the suites that look for it. A
statement knows whether a description makes it, and the line that would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.claims import lines
from harness.claims.catalogue import CLAIMS
from harness.claims.evidence import Claim, Suite
from harness.history.model import Component, Heap, Probing, Promises, Resources
from harness.history.semantics import Delivery, Semantics

NOT_ADJUDICATED = "no checker of this version adjudicates it"
PROTOCOLS: Mapping[str, type] = MappingProxyType(
    {"Component": Component, "Heap": Heap, "Probing": Probing, "Resources": Resources}
)
"""What a target in Python may offer beside its operations."""
OUTSIDE_ADAPTERS = "of a target in Python"
"""What no line of an adapter adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of a target.

    Args:
        promises: what it states, and what was inferred.
        protocols: the names of those `PROTOCOLS` that it offers.
        suites: those that can run on it.
    """

    promises: Promises
    protocols: frozenset[str] = frozenset()
    suites: frozenset[Suite] = frozenset(Suite)


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that a description may say.

    Args:
        what: it says, of any target.
        said: whether it is said.
        line: what to add to a description that does not say it.
    """

    what: str
    said: Callable[[Description], object]
    line: Callable[[Promises], str]


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes to show an anomaly.

    Args:
        statements: all of them, the first to make first.
        suites: those that look for it.
    """

    statements: tuple[Statement, ...]
    suites: tuple[Suite, ...] = tuple(Suite)


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """Whether a claim can be shown of a target.

    Args:
        claim: which.
        suites: by which suites; empty when it cannot.
        lacking: by anomaly, the line that would let it be shown.
        reason: why no line would, or `""`.
    """

    claim: Claim
    suites: tuple[Suite, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def can_be(self) -> bool:
        """Whether it can."""
        return bool(self.suites)


def showing(claim: Claim, described: Description) -> Showing:
    """Return whether a claim can be shown of a target, by which suites, and else what is missing."""
    if not claim.anomalies:
        return Showing(claim=claim, reason=NOT_ADJUDICATED)
    missing = {name: line for name in claim.anomalies if (line := lacking(name, described))}
    if missing:
        return Showing(claim=claim, lacking=missing)
    counting = [suite for suite in claim.suites or Suite if suite in described.suites]
    each = [[suite for suite in counting if suite in NEEDS[name].suites] for name in claim.anomalies]
    if not all(each):
        wanted = {suite: None for name in claim.anomalies for suite in NEEDS[name].suites}
        suites = " or ".join(suite for suite in wanted if suite in (claim.suites or Suite))
        return Showing(claim=claim, reason=f"only the {suites} suite shows it, which cannot run on this target")
    return Showing(claim=claim, suites=tuple(suite for suite in counting if any(suite in one for one in each)))


def claims_shown(described: Description) -> tuple[str, ...]:
    """Return the claims that can be shown of a target."""
    return tuple(claim.id for claim in CLAIMS.values() if showing(claim, described).can_be)


def lacking(anomaly: str, described: Description) -> str:
    """Return the line that a description lacks for this anomaly to be shown; `""` when it lacks none."""
    return next((need.line(described.promises) for need in NEEDS[anomaly].statements if not need.said(described)), "")


def all_lacking(described: Description) -> Mapping[str, str]:
    """Return, by anomaly, the line that a description lacks."""
    return {name: line for name in NEEDS if (line := lacking(name, described))}


def needs(anomaly: str) -> str:
    """Return what any target must state for this anomaly to be shown."""
    return "; ".join(need.what for need in NEEDS[anomaly].statements)


def _stated(what: str, does: Callable[[Semantics], object], line: Callable[[Promises], str]) -> Statement:
    """Return a statement about operations: one of them at least does this."""
    return Statement(what, lambda described: described.promises.which(does), line)


def _offered(protocol: str, what: str, line: str) -> Statement:
    return Statement(what, lambda described: protocol in described.protocols, lambda promises: line)


_CARRIES = _stated("an operation that carries a user's own text", lambda one: one.texts, lines.carries)
_TAKES = _stated("an operation on an object that another one makes", lambda one: one.takes, lines.reads)
_ANSWERS = Statement(
    "an operation that reads or lists objects of the user's own, or, of a running service, any request",
    lambda one: one.promises.which(
        lambda known: known.reads or known.lists or (Suite.WIRE in one.suites and not (known.opens or known.over))
    ),
    lines.reads,
)
_SHOWS = Statement("where an answer shows the text of an object", lambda one: lines.showing(one.promises), lines.shows)
_WHOLE = Statement(
    "an operation that shows an object, or lists all there are", lambda one: lines.keeping(one.promises), lines.lists
)
_NEWEST = _stated("an operation that shows a user's newest text only", lambda one: one.newest_of, lines.newest_of)
_CHANNEL = Statement(
    "a channel",
    lambda one: one.promises.pushes or one.promises.which(lambda semantics: semantics.opens),
    lines.channel,
)
_PUSHES = Statement("which object the frames of a channel are about", lambda one: one.promises.pushes, lines.pushes)
_WITHIN = Statement(
    "what users subscribe to, and by which message",
    lambda one: any(
        pushes.within == semantics.takes
        for pushes in one.promises.pushes
        if pushes.within
        for semantics in one.promises.which(lambda semantics: semantics.subscribes)
    ),
    lines.within,
)
_COUNTED = Statement(
    "a sequence number in each frame", lambda one: any(pushes.seq for pushes in one.promises.pushes), lines.seq
)
_ARRIVES = Statement(
    "that each event arrives (exactly-once or at-least-once)",
    lambda one: any(
        pushes.delivery in (Delivery.EXACTLY_ONCE, Delivery.AT_LEAST_ONCE) for pushes in one.promises.pushes
    ),
    lines.delivery,
)
_DELIVERY = Statement(
    "how often each event arrives",
    lambda one: any(pushes.delivery is not None for pushes in one.promises.pushes),
    lines.delivery,
)
_NO_REPEATS = Statement(
    "that no event arrives twice (exactly-once or at-most-once)",
    lambda one: any(
        pushes.delivery in (Delivery.EXACTLY_ONCE, Delivery.AT_MOST_ONCE) for pushes in one.promises.pushes
    ),
    lines.delivery,
)
_STARTS = _stated("an operation that starts work", lambda one: one.starts, lines.starts)
_WRITES = _stated(
    "an operation that starts work which writes objects", lambda one: one.starts and one.starts.writes, lines.writes
)
_ENDS_TOLD = Statement("how the end of work is told", lambda one: lines.tells_end(one.promises), lines.progress)
_WRITTEN_LISTED = Statement(
    "an operation that lists all that work has written",
    lambda one: lines.lists_written(one.promises),
    lines.lists_of_written,
)
_BEGINS = Statement(
    "which frames tell that work begins and ends",
    lambda one: any(pushes.begins and pushes.last for pushes in one.promises.pushes),
    lines.begins,
)
_LIMIT = Statement(
    "how many pieces of work a user may have at a time",
    lambda one: one.promises.runs_per_user is not None,
    lambda promises: "`runs_per_user=3`, or whatever the limit is",
)
_CREDENTIALS = Statement(
    "which invalid credentials can be tried",
    lambda one: one.promises.credentials,
    lambda promises: "a `sign_in=` by which users prove who they are, such as `bearer(token_for)`",
)
_PARTS = _offered(
    "Component", "the parts themselves: the target implements Component", f"`components` {OUTSIDE_ADAPTERS}"
)
_RESOURCES = _offered(
    "Resources",
    "a count of what the target holds: it implements Resources",
    f"`resources()` {OUTSIDE_ADAPTERS}, which counts what it holds",
)
_HEAP = _offered(
    "Heap",
    "live requests of two users to compare: the target implements Heap",
    f"`aliases()` {OUTSIDE_ADAPTERS}, made by `harness.performing.taps.heap`",
)
_TAPS = _offered(
    "Probing",
    "a tap on database sessions: the target implements Probing",
    f"`probes()` {OUTSIDE_ADAPTERS}, fed by `harness.performing.taps.sqlalchemy`",
)

_IN_PROCESS = (Suite.PROPERTIES, Suite.SCHEDULES)
_ALONE = (Suite.PROPERTIES,)

NEEDS: Mapping[str, Needs] = MappingProxyType(
    {
        "leaked-in-answer": Needs((_CARRIES,)),
        "leaked-in-event": Needs((_CARRIES, _CHANNEL)),
        "misdelivered": Needs((_CHANNEL, _PUSHES)),
        "wrong-thread": Needs((_CHANNEL, _PUSHES, _WITHIN)),
        "lost-event": Needs((_CHANNEL, _PUSHES, _COUNTED, _ARRIVES)),
        "doubled-event": Needs((_CHANNEL, _PUSHES, _COUNTED, _NO_REPEATS)),
        "reordered-event": Needs((_CHANNEL, _PUSHES, _COUNTED, _DELIVERY)),
        "tampered": Needs((_CARRIES, _SHOWS)),
        "lost-write": Needs((_CARRIES, _SHOWS, _WHOLE)),
        "partial-write": Needs((_WRITES, _WRITTEN_LISTED, _ENDS_TOLD)),
        "residue": Needs((_RESOURCES,), _IN_PROCESS),
        "earlier-text": Needs((_NEWEST,)),
        "unexplained-answer": Needs((_ANSWERS,)),
        "shared-session": Needs((_TAPS,), _IN_PROCESS),
        "shared-connection": Needs((_TAPS,), _IN_PROCESS),
        "instance-in-registry": Needs((_PARTS,), _ALONE),
        "mutable-registry": Needs((_PARTS,), _ALONE),
        "mutable-context": Needs((_PARTS,), _ALONE),
        "split-read": Needs((_PARTS,), _ALONE),
        "aliased-state": Needs((_HEAP,), _IN_PROCESS),
        "placeholder-accepted": Needs((_PARTS,), _ALONE),
        "legitimate-refused": Needs((_PARTS,), _ALONE),
        "key-collision": Needs((_PARTS,), _ALONE),
        "over-limit": Needs((_LIMIT, _STARTS, _CHANNEL, _PUSHES, _BEGINS, _WITHIN, _ARRIVES)),
        "starved": Needs((_LIMIT, _STARTS, _CHANNEL, _PUSHES, _BEGINS, _WITHIN, _ARRIVES)),
        "unauthenticated": Needs((_CREDENTIALS,)),
        "foreign-object": Needs((_TAKES,)),
        "existence-revealed": Needs((_TAKES,)),
        "legacy-broken": Needs((_PARTS,), _ALONE),
        "legacy-silent": Needs((_PARTS,), _ALONE),
        "legacy-shared": Needs((_PARTS,), _ALONE),
    }
)
"""What each anomaly needs."""


def offered_by(target: object) -> frozenset[str]:
    """Return the names of the optional protocols that an open target offers."""
    return frozenset(name for name, protocol in PROTOCOLS.items() if isinstance(target, protocol))


def lines_of(all_showing: Iterable[Showing]) -> Mapping[str, tuple[str, ...]]:
    """Return, by the line that would be added, the claims that it would bring closer."""
    unlocked: dict[str, list[str]] = {}
    for one in all_showing:
        for line in dict.fromkeys(one.lacking.values()):
            unlocked.setdefault(line, []).append(one.claim.id)
    return {line: tuple(claims) for line, claims in unlocked.items()}


def unlocking(all_showing: Iterable[Showing]) -> Iterator[str]:
    """Yield each line that could be added to an adapter, and the claims that it would bring closer."""
    for line, claims in lines_of(all_showing).items():
        if OUTSIDE_ADAPTERS not in line:
            yield f"{line}: {', '.join(claims)}"
