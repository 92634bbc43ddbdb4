"""A client of server-sent events says what it has seen: its own last event, and that of somebody else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from harness.adapter import Adapter, Channel, Route, trusted
from harness.claims.evidence import SuiteOutcome
from harness.claims.plan import WireBudget
from harness.wire.suite import WireSuite

SERVICE = Path(__file__).parent / "feed_service.py"
BUDGET = WireBudget(users=4, stimuli=("reconnects",), shrink_s=0, attempts=1)


def tried(which: str) -> SuiteOutcome:
    adapter = Adapter(
        name="feed",
        app=f"{SERVICE}:{which}",
        sign_in=trusted("x-user", lambda user: quote(user.name)),
        routes=[
            Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
            Route("list", "GET", "/notes"),
        ],
        channels=[Channel("feed", "sse", "/feed")],
    )
    return WireSuite(target="feed", adapter=adapter, url="", budget=BUDGET, seed=1).run()


@pytest.mark.parametrize(("which", "found"), [("right", set()), ("of_the_event", {"leaked-in-event"})])
def test_another_users_event_id_is_tried(which: str, found: set[str]) -> None:
    """A service that goes on after an event must not go on with what is another's."""
    outcome = tried(which)
    assert "" == outcome.run.doubt
    assert found == {finding.anomaly for item in outcome.evidence for finding in item.verdict.findings}


def test_who_has_seen_no_id_opens_all_the_same() -> None:
    """Events need none; nothing is left out for that."""
    assert 0 == tried("unnumbered").run.measures["stimuli"]["reconnects"]["left_out"]
