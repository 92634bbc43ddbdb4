"""What a description must say for a claim to be shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.adapter import Adapter, Channel, Message, Route, bearer, nobody
from harness.claims.adjudication import adjudicate
from harness.claims.catalogue import ANOMALIES, CLAIMS
from harness.claims.evidence import Evidence, Suite
from harness.claims.statements import (
    NEEDS,
    PROTOCOLS,
    Description,
    all_lacking,
    claims_shown,
    lacking,
    lines_of,
    needs,
    offered_by,
    showing,
    unlocking,
)
from harness.history.model import Promises
from harness.history.semantics import Delivery, Progress, Pushes, Work
from harness.judging.verdict import Verdict
from harness.targets.bundled import BUNDLED

TEXT = {"text": "{canary}"}
JOBS = Adapter(
    name="jobs",
    sign_in=nobody(),
    routes=[
        Route("add_job", "POST", "/jobs", json=TEXT, makes="job"),
        Route("see_job", "GET", "/jobs/{job}"),
        Route("jobs", "GET", "/jobs"),
        Route("run_job", "POST", "/jobs/{job}/runs", json=TEXT, makes="run"),
        Route("see_run", "GET", "/runs/{run}"),
    ],
    channels=[Channel("live", "websocket", "/live", messages=[Message("join", {"join": "{job}"})])],
)
"""A service of which nothing is stated but what it makes."""
PUSHES = Pushes(of="run", within="job", within_id="job", seq="n", type="type", begins=("begun",), completes=("done",))


def described(adapter: Adapter, **more: Any) -> Description:
    return Description(promises=adapter.promises, **more)


def route(adapter: Adapter, name: str, **changes: Any) -> Adapter:
    """Return the adapter with one route changed."""
    routes = [replace(one, **changes) if one.name == name else one for one in adapter.routes]
    return replace(adapter, routes=routes)


def pushing(adapter: Adapter, **changes: Any) -> Adapter:
    """Return the adapter whose channel says something of its frames; changes of `PUSHES`."""
    [channel] = adapter.channels
    message = replace(channel.messages[0], done={"joined": "{job}"}, subscribes=True)
    return replace(adapter, channels=[replace(channel, messages=[message], pushes=replace(PUSHES, **changes))])


def working(adapter: Adapter) -> Adapter:
    """Return the adapter that says of its runs that they are work which writes jobs."""
    adapter = route(adapter, "run_job", starts=Work(writes="job"))
    return route(route(adapter, "see_run", progress=Progress()), "jobs", lists="job", shows="text")


def test_every_anomaly_has_its_needs() -> None:
    """The table and the catalogue name the same anomalies; each needs something."""
    assert set(ANOMALIES) == set(NEEDS)
    assert [] == [name for name, need in NEEDS.items() if not need.statements or not need.suites]


def test_of_the_bundled_backend_everything_can_be_shown() -> None:
    """Whatever is adjudicated at all, once what is inside may be seen, too; from outside only that is missing."""
    adjudicated = tuple(claim.id for claim in CLAIMS.values() if claim.anomalies)
    assert adjudicated == claims_shown(described(BUNDLED, protocols=frozenset(PROTOCOLS)))
    lines = lines_of(showing(claim, described(BUNDLED)) for claim in CLAIMS.values())
    assert {"of a target in Python"} == {line.partition("` ")[2].split(",")[0] for line in lines}


def test_of_nothing_nothing_can_be_shown() -> None:
    """A target that states nothing gets no claim."""
    assert () == claims_shown(Description(promises=Promises()))


def test_an_adapter_that_states_only_what_is_made_shows_what_needs_no_more() -> None:
    """Leaks, ids and answers need marks and ids."""
    assert ("SES-2", "ERR-1", "AUT-2") == claims_shown(described(JOBS))


@pytest.mark.parametrize(
    ("anomaly", "line", "change"),
    [
        ("tampered", '`shows="text"` on see_job', lambda one: route(one, "see_job", shows="text")),
        (
            "lost-write",
            '`lists="job"` on jobs, if it lists all of them',
            lambda one: route(one, "jobs", lists="job", shows="text"),
        ),
        (
            "earlier-text",
            '`newest_of=["add_job"]` on see_job, if it shows no older text',
            lambda one: route(one, "see_job", newest_of=["add_job"]),
        ),
        ("misdelivered", '`pushes=Pushes(of="job", id="id")` on live', pushing),
        (
            "wrong-thread",
            '`within="job", within_id="job"` in the Pushes of live, and `subscribes=True` on join, if it subscribes',
            pushing,
        ),
        (
            "reordered-event",
            '`seq="seq"` in the Pushes of live, if each frame has a number',
            lambda one: pushing(one, delivery=Delivery.AT_MOST_ONCE),
        ),
        (
            "lost-event",
            "`delivery=Delivery.EXACTLY_ONCE` in the Pushes of live, if that is promised",
            lambda one: pushing(one, delivery=Delivery.AT_LEAST_ONCE),
        ),
        ("partial-write", '`starts=Work(writes="job")` on run_job, if it writes all or nothing', working),
        (
            "over-limit",
            "`runs_per_user=3`, or whatever the limit is",
            lambda one: replace(working(pushing(one, delivery=Delivery.EXACTLY_ONCE)), runs_per_user=2),
        ),
        (
            "unauthenticated",
            "a `sign_in=` by which users prove who they are, such as `bearer(token_for)`",
            lambda one: replace(one, sign_in=bearer(lambda user: user.name)),
        ),
    ],
)
def test_the_line_that_is_lacking_unlocks(anomaly: str, line: str, change: Callable[[Adapter], Adapter]) -> None:
    """It is in the names of the description; with it, and with what it leads to, the anomaly can be shown."""
    before = {
        "lost-write": route(JOBS, "jobs", shows="text"),
        "wrong-thread": _quiet(pushing(JOBS, within="", seq="")),
        "reordered-event": pushing(JOBS, seq=""),
        "lost-event": pushing(JOBS),
        "partial-write": pushing(JOBS),
    }.get(anomaly, JOBS)
    assert line == all_lacking(described(before))[anomaly]
    assert anomaly not in all_lacking(described(change(before)))


def _quiet(adapter: Adapter) -> Adapter:
    """Return the adapter whose message is not said to subscribe."""
    [channel] = adapter.channels
    return replace(adapter, channels=[replace(channel, messages=[replace(channel.messages[0], subscribes=False)])])


def test_an_inferred_list_shows_no_loss() -> None:
    """Nobody says that `GET /jobs` has them all, so what is missing there is not lost."""
    listed = route(JOBS, "jobs", shows="text")
    assert "lost-write" in all_lacking(described(listed))
    assert "tampered" not in all_lacking(described(listed))


def test_a_line_names_the_claims_that_it_would_bring_closer() -> None:
    """In the order of the catalogue; what no line of an adapter adds is left out where lines are offered."""
    shown = [showing(CLAIMS[claim], described(JOBS)) for claim in ("SES-1", "SES-5", "CTX-1", "FAC-2")]
    text, parts = lacking("tampered", described(JOBS)), lacking("key-collision", described(JOBS))
    assert ("SES-5",) == lines_of(shown)[text]
    assert "`components` of a target in Python" == parts
    offered = list(unlocking(shown))
    assert f"{text}: SES-5" in offered
    assert [] == [line for line in offered if "of a target in Python" in line]
    both = [showing(CLAIMS[claim], Description(promises=Promises())) for claim in ("SES-2", "SES-5")]
    assert '`json={"text": "{canary}"}` on a route that takes one: SES-2, SES-5' in list(unlocking(both))


def test_what_lacks_nothing_has_no_line() -> None:
    """The description says all that the anomaly needs."""
    assert "" == lacking("leaked-in-answer", described(BUNDLED))


def test_what_is_inside_is_said_to_be_needed() -> None:
    """In words that fit any target."""
    assert "the parts themselves: the target implements Component" == needs("key-collision")


def test_a_target_offers_the_protocols_that_it_implements() -> None:
    """By its methods; what is none of a target has none."""

    class Counting:
        async def resources(self) -> dict[str, int]:
            return {}

    assert ({"Resources"}, frozenset()) == (offered_by(Counting()), offered_by(object()))


class TestSuites:
    @pytest.mark.parametrize("claim", ["NI-1", "SCL-1", "SES-1", "SES-2"])
    def test_what_is_said_is_said_of_the_claim(self, claim: str) -> None:
        """Whether it can be shown, or not for whatever reason."""
        three = frozenset(Suite) - {Suite.LOAD}
        assert CLAIMS[claim] is showing(CLAIMS[claim], described(BUNDLED, suites=three)).claim

    def test_of_several_suites_that_would_show_it_each_is_named(self) -> None:
        """Sessions are seen inside, and what is inside is not seen over a network."""
        outside = described(BUNDLED, protocols=frozenset(PROTOCOLS), suites=frozenset({Suite.WIRE, Suite.LOAD}))
        reason = "only the properties or schedules suite shows it, which cannot run on this target"
        assert reason == showing(CLAIMS["SES-1"], outside).reason

    def test_a_claim_of_many_users_needs_the_load_suite(self) -> None:
        """Where that cannot run, the reason is said, and no line would help."""
        three = frozenset(Suite) - {Suite.LOAD}
        assert (Suite.LOAD,) == showing(CLAIMS["SCL-1"], described(BUNDLED)).suites
        without = showing(CLAIMS["SCL-1"], described(BUNDLED, suites=three))
        assert (False, {}) == (without.can_be, without.lacking)
        assert "only the load suite shows it, which cannot run on this target" == without.reason

    def test_what_is_inside_is_seen_in_this_process_only(self) -> None:
        """Parts by the properties suite; sessions under schedules, too."""
        inside = described(BUNDLED, protocols=frozenset(PROTOCOLS))
        assert (Suite.PROPERTIES,) == showing(CLAIMS["REG-1"], inside).suites
        assert (Suite.PROPERTIES, Suite.SCHEDULES) == showing(CLAIMS["SES-1"], inside).suites

    def test_what_nobody_adjudicates_has_a_reason(self) -> None:
        """No line unlocks it."""
        assert "no checker of this version adjudicates it" == showing(CLAIMS["NI-1"], described(BUNDLED)).reason


def test_an_unknown_claim_names_the_line_in_the_names_of_the_adapter() -> None:
    """Where nobody looked at the description, what any target needs is said; where nothing lacks, so is that."""
    verdict = Verdict("tampering", {"tampered": 1})
    evidence = Evidence(
        suite=Suite.WIRE, target="t", seed=1, users=2, histories=1, verdict=verdict, replay="harness replay"
    )
    said = [
        adjudicate(CLAIMS["SES-5"], [evidence], (), lacking=lacking).reasons[0].partition(": ")[2]
        for lacking in (all_lacking(described(JOBS)), None, {})
    ]
    assert [
        'the description lacks `shows="text"` on see_job',
        "it needs an operation that carries a user's own text; where an answer shows the text of an object; "
        "an operation that shows an object, or lists all there are",
        "the description says all that it needs, and the suite never exercised it: give a larger budget",
    ] == said
