"""What others do must change nothing for who did nothing, and what refuses them need not say so by its status."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from harness.adapter import Adapter, Route, bearer, session
from harness.claims.evidence import SuiteOutcome
from harness.claims.plan import WireBudget
from harness.judging.verdict import Outcome, Verdict
from harness.wire.suite import WireSuite
from tests.services.apps.tokens import SECRET

HERE = Path(__file__).parent
SIGN_IN = bearer(lambda user: jwt.encode({"sub": user.name}, SECRET, algorithm="HS256"))


def gateway(which: str) -> Adapter:
    """A chat, and its last answer."""
    routes = [Route("chat", "POST", "/chat", json={"text": "{canary}"}), Route("last", "GET", "/last")]
    return Adapter(name="gateway", sign_in=SIGN_IN, routes=routes, app=f"{HERE / 'gateway_service.py'}:{which}")


def graph(which: str) -> Adapter:
    """Notes, all of them asked for at one address."""
    add, note = {"text": "{canary}"}, {"id": "{note}"}
    routes = [
        Route("add", "POST", "/graph", json={"operation": "add", "variables": add}, makes="note", id="data.add.id"),
        Route("note", "POST", "/graph", json={"operation": "note", "variables": note}),
        Route("mine", "POST", "/graph", json={"operation": "mine"}),
    ]
    return Adapter(name="graph", sign_in=SIGN_IN, routes=routes, app=f"{HERE / 'graph_service.py'}:{which}")


def profiles(which: str) -> Adapter:
    """Profiles, and news for everybody."""
    routes = [
        Route("write_profile", "PUT", "/profile", json={"text": "{canary}"}),
        Route("read_profile", "GET", "/profile"),
        Route("news", "GET", "/news"),
    ]
    sign_in = session("POST", "/sign-in", json={"name": "{user}"})
    return Adapter(name="profiles", sign_in=sign_in, routes=routes, app=f"{HERE / 'cookie_service.py'}:{which}")


def tried(adapter: Adapter, *stimuli: str, seed: int = 1) -> SuiteOutcome:
    """Put a service under these stimuli."""
    budget = WireBudget(rounds=3, volume=20, stimuli=stimuli, shrink_s=0, attempts=1)
    return WireSuite(target=adapter.name, adapter=adapter, url="", budget=budget, seed=seed).run()


def verdict(outcome: SuiteOutcome, checker: str) -> Verdict:
    (found,) = (item.verdict for item in outcome.evidence if item.verdict.checker == checker)
    return found


def test_who_did_nothing_is_served_no_more_after_others_hung_up() -> None:
    """It is found, with how often; what would come after it is left out, and the report says why.

    When exactly somebody hangs up nobody decides, so a second and a third attempt are made with other seeds.
    """
    for seed in (1, 2, 3):
        outcome = tried(gateway("leaky"), "hang-ups", "bursts", seed=seed)
        if verdict(outcome, "interference").violated:
            break
    assert "chat serves one user alone, and at the end failed" in verdict(outcome, "interference").findings[0].message
    said = "after hang-ups, nobody was served with chat any more"
    assert said == outcome.run.measures["stimuli"]["bursts"]["not_tried"]


def test_what_is_left_out_is_a_doubt_whoever_has_caused_it() -> None:
    """A chat that answers one user alone and four in turn, and no more: nobody had trouble before the bystander, so
    nobody is accused, and nothing holds.
    """
    outcome = tried(gateway("tired"), "in-turn", "crowd")
    assert (
        "it was not put under every stimulus: after in-turn, nobody was served with chat any more" in outcome.run.doubt
    )
    assert {Outcome.UNKNOWN} == {item.verdict.outcome for item in outcome.evidence}


def test_who_did_nothing_is_served_by_the_right_one() -> None:
    """Beside as many who hung up: each operation is a fact."""
    outcome = tried(gateway("twin"), "hang-ups")
    assert (Outcome.HOLDS, {}) == (
        verdict(outcome, "interference").outcome,
        {item.verdict.checker: item.verdict.violations for item in outcome.evidence if item.verdict.violated},
    )


@pytest.mark.parametrize("which", ["leaky", "twin"])
def test_nothing_where_the_note_would_be_is_a_refusal(which: str) -> None:
    """The one that shows it to a stranger is found, the one that does not holds."""
    outcome = tried(graph(which), "in-turn", "ids")
    found = verdict(outcome, "access")
    if which == "twin":
        assert (Outcome.HOLDS, 0) == (found.outcome, verdict(outcome, "leak").violated)
        assert 0 < min(found.examined[name] for name in ("foreign-object", "existence-revealed", "unauthenticated"))
    else:
        assert {"foreign-object"} == set(found.violations)


@pytest.mark.parametrize("which", ["leaky", "twin"])
def test_a_page_that_is_cached_with_somebodys_cookie_is_found(which: str) -> None:
    """Nobody's text is in it; and a page for everybody that sets each their own is no finding."""
    outcome = tried(profiles(which), "in-turn", "ids")
    leak = verdict(outcome, "leak")
    if which == "twin":
        assert [] == [item.verdict.checker for item in outcome.evidence if item.verdict.violated]
        assert leak.facts
    else:
        assert "session cookie in the answer of news" in leak.findings[0].message
