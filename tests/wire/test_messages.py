"""What is said over a channel is judged, too, where the service says whether it was done."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from harness.adapter import Adapter, Channel, Message, Route, trusted
from harness.claims.evidence import SuiteOutcome
from harness.claims.plan import WireBudget
from harness.judging.verdict import Verdict
from harness.transport.answers import has
from harness.wire.suite import WireSuite

SERVICE = Path(__file__).parent / "rooms_service.py"
JOIN = Message("join", {"join": "{room}"}, done={"type": "joined", "room": "{room}"})


def tried(which: str) -> SuiteOutcome:
    adapter = Adapter(
        name="rooms",
        app=f"{SERVICE}:{which}",
        sign_in=trusted("x-user", lambda user: quote(user.name)),
        routes=[
            Route("write", "POST", "/rooms", json={"text": "{canary}"}, makes="room"),
            Route("list", "GET", "/rooms"),
        ],
        channels=[Channel("socket", "websocket", "/socket", messages=[JOIN])],
    )
    budget = WireBudget(users=3, stimuli=("ids",), shrink_s=0, attempts=1)
    return WireSuite(target="rooms", adapter=adapter, url="", budget=budget, seed=1).run()


def access(outcome: SuiteOutcome) -> Verdict:
    return next(item.verdict for item in outcome.evidence if item.verdict.checker == "access")


def test_a_refusal_is_evidence_beside_the_owners_success() -> None:
    """The owner joined, the other did not, though the socket stays open for both."""
    verdict = access(tried("right"))
    assert ({}, True) == (verdict.violations, verdict.examined["foreign-object"] > 0)


def test_who_is_let_in_to_anothers_room_is_found() -> None:
    """No word of the owner comes out; that the other joined is what shows it."""
    messages = {finding.message.partition(" on ")[0] for finding in access(tried("open_to_all")).findings}
    assert messages
    assert all(message.endswith("succeeded with join") for message in messages)


def test_a_message_that_never_succeeds_is_a_doubt() -> None:
    """Who refuses everybody shows nothing."""
    outcome = tried("closed_to_all")
    assert ("join never succeeded" in outcome.run.doubt, {}) == (True, access(outcome).violations)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ({"type": "joined", "room": 7, "more": []}, True),
        ({"type": "joined", "room": 8}, False),
        ({"type": "joined"}, False),
        ("joined", False),
    ],
)
def test_more_may_stand_in_the_frame_that_says_so(frame: object, found: bool) -> None:
    """And an id may be a number there."""
    assert found == has(frame, {"type": "joined", "room": "7"})


def test_a_list_begins_with_what_is_wanted() -> None:
    """As the arguments of Socket.IO do."""
    assert (True, False) == (has(["joined", "7", {}], ["joined", 7]), has(["joined"], ["joined", 7]))
