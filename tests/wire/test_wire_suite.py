"""The suite on a service that is served from here: what it finds, what it says of the right one, and what it keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapter import Adapter, Channel, LogFile, Route, registered, session, trusted
from harness.claims.evidence import Evidence, Manifest, SuiteOutcome
from harness.claims.plan import WireBudget
from harness.claims.run_folder import RunFolder, read_witness
from harness.history.model import Credential
from harness.judging.verdict import Outcome
from harness.wire.suite import WireSuite

SERVICE = Path(__file__).parent / "session_service.py"
BUDGET = WireBudget(users=4, rounds=1, volume=20, stimuli=("in-turn", "ids", "crowd"), shrink_s=2, attempts=2)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "service.log"
    path.touch()
    monkeypatch.setenv("SESSION_SERVICE_LOG", str(path))
    return path


def suite(which: str, log: Path, seed: int = 1) -> WireSuite:
    adapter = Adapter(
        name="sessions",
        app=f"{SERVICE}:{which}",
        sign_in=session("POST", "/sign-in", json={"name": "{user}"}, sign_out=("POST", "/sign-out"), token="token"),
        routes=[
            Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note"),
            Route("read", "GET", "/notes/{note}"),
        ],
        log=LogFile(str(log), r"user=<([^>]*)>"),
    )
    return WireSuite(target="sessions", adapter=adapter, url="", budget=BUDGET, seed=seed)


def by_checker(outcome: SuiteOutcome) -> dict[str, Evidence]:
    return {item.verdict.checker: item for item in outcome.evidence}


def test_the_right_one_holds(log: Path) -> None:
    """Every anomaly that the claims exclude was examined, and none was seen; also not in its log."""
    found = by_checker(suite("right", log).run())
    assert [Outcome.HOLDS] * 2 == [found[name].verdict.outcome for name in ("leak", "access")]
    assert [] == [name for name, item in found.items() if item.verdict.violated]
    examined = found["leak"].verdict.examined | found["access"].verdict.examined
    wanted = {"leaked-in-answer", "leaked-in-event", "foreign-object", "existence-revealed", "unauthenticated"}
    assert wanted == {name for name, count in examined.items() if count}


def test_the_witness_shows_the_finding_that_is_told_first(log: Path, tmp_path: Path) -> None:
    """So report, terminal and replay tell of one answer; and who got whose frames is counted, here of none."""
    manifest = Manifest(run="r", target="t", plan="p", required=(), seed=1, users=4, started="", version="0")
    folder = RunFolder.create(tmp_path / "run", manifest)
    outcome = replace(suite("wrong_log", log), folder=folder).run()
    leak = by_checker(outcome)["leak"]
    assert leak.witness is not None
    assert read_witness(folder.path / leak.witness).finding == leak.verdict.findings[0]
    assert [] == outcome.run.measures["deliveries"]


def test_who_is_turned_away_comes_under_a_plain_name(log: Path) -> None:
    """A service may take short names only; that it did is counted, and nothing else is lost."""
    outcome = suite("strict", log).run()
    assert [Outcome.HOLDS] * 2 == [by_checker(outcome)[name].verdict.outcome for name in ("leak", "access")]
    measured = outcome.run.measures["stimuli"]
    assert {"solo": 1, "in-turn": 5, "ids": 4, "crowd": 5} == {
        name: tried["renamed"] for name, tried in measured.items()
    }
    assert 0 == sum(tried["renamed"] for tried in suite("right", log).run().run.measures["stimuli"].values())


def test_who_has_signed_out_is_not_let_in(log: Path) -> None:
    """A session that outlives its sign-out is found, as that of somebody who was revoked."""
    finding = by_checker(suite("never_out", log).run())["access"].verdict.findings[0]
    assert ("unauthenticated", Credential.REVOKED) == (finding.anomaly, finding.observer.partition("~")[2])


def test_who_must_register_is_registered_before_signing_out(log: Path) -> None:
    """The verification goes on, and what a signed-out user was given was tried and refused."""
    asked = suite("registering", log)
    named = {"name": "{user}"}
    sign_in = registered("POST", "/register", json=named, then=asked.adapter.sign_in)
    outcome = WireSuite(
        target="x", adapter=replace(asked.adapter, sign_in=sign_in), url="", budget=BUDGET, seed=1
    ).run()
    found = [by_checker(outcome)[name].verdict.outcome for name in ("leak", "access")]
    assert ("", [Outcome.HOLDS] * 2) == (outcome.run.doubt, found)


def test_what_an_intruder_writes_is_nobodys(log: Path) -> None:
    """Who asks in the name of another without a valid credential writes no text that could pass for that user's."""
    outcome = suite("never_out", log).run()
    assert [] == [finding for item in outcome.evidence for finding in item.verdict.findings if "~" in finding.owner]
    leaks = by_checker(outcome)["leak"].verdict.findings
    assert [] == [finding.message for finding in leaks if "~revoked" in finding.observer]


def test_a_log_that_names_the_wrong_user_is_seen(log: Path) -> None:
    """The record under one user's name carries another's mark."""
    finding = by_checker(suite("wrong_log", log).run())["leak"].verdict.findings[0]
    assert ("leaked-in-event", True) == (finding.anomaly, finding.message.endswith("in event log"))


def test_a_log_that_is_asked_for_is_seen_too(log: Path) -> None:
    """The same records, given by a call."""
    asked = suite("wrong_log", log)
    read = [0]

    def new() -> list[tuple[str, str]]:
        lines = log.read_text(encoding="utf-8").splitlines()
        start, read[0] = read[0], len(lines)
        return [(line.partition("<")[2].partition(">")[0], line) for line in lines[start:]]

    adapter = replace(asked.adapter, log=new)
    found = by_checker(WireSuite(target="x", adapter=adapter, url="", budget=BUDGET, seed=1).run())
    assert found["leak"].verdict.findings[0].message.endswith("in event log")


def test_a_name_that_no_header_can_carry_is_one_clear_error(log: Path) -> None:
    """Said of the first such user, before anything is asked."""
    asked = suite("right", log)
    adapter = replace(asked.adapter, sign_in=trusted("x-user", lambda user: f"Zo\u00eb {user.name}"))
    outcome = WireSuite(target="x", adapter=adapter, url="", budget=BUDGET, seed=1).run()
    assert "quote it" in outcome.unreachable


def test_one_seed_asks_the_same(log: Path) -> None:
    """As many requests of each stimulus, twice."""
    first, second = (suite("right", log, seed=5).run().run for _ in range(2))
    assert first.measures["stimuli"] == second.measures["stimuli"]


def test_how_long_refusals_take_is_said_and_not_judged(log: Path) -> None:
    """Of others' objects, and of ids that nobody has: both were asked for."""
    measures = suite("right", log).run().run.measures
    assert min(measures["refusal_ms_foreign"], measures["refusal_ms_missing"]) > 0


@pytest.mark.parametrize("what", ["routes", "channels"])
def test_a_route_or_channel_that_never_succeeds_is_a_doubt(log: Path, what: str) -> None:
    """Nothing was shown of it, so nothing holds; which one, and what to do, is said."""
    asked = suite("right", log)
    more = {"routes": [*asked.adapter.routes, Route("admin", "GET", "/a")], "channels": [Channel("admin", "sse", "/a")]}
    adapter = replace(asked.adapter, **{what: more[what]})
    outcome = WireSuite(target="x", adapter=adapter, url="", budget=BUDGET, seed=1).run()
    assert {Outcome.UNKNOWN} == {item.verdict.outcome for item in outcome.evidence}
    assert "admin never succeeded for anybody" in outcome.run.doubt


def test_what_cannot_be_tried_says_why(log: Path) -> None:
    """A service without channels has no reconnects."""
    asked = suite("right", log)
    budget = BUDGET.model_copy(update={"stimuli": ("reconnects",)})
    outcome = WireSuite(target="x", adapter=asked.adapter, url="", budget=budget, seed=1).run()
    assert "it needs a channel" == outcome.run.measures["stimuli"]["reconnects"]["not_tried"]
