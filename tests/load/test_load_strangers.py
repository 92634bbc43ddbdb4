"""Load on services that are not ours: users sign in, ask, open channels and subscribe as the adapters say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.claims.evidence import Manifest, SuiteOutcome
from harness.claims.plan import LoadBudget
from harness.claims.run_folder import RunFolder
from harness.history.model import Event, EventKind, is_intruder
from harness.judging.verdict import Outcome
from harness.load.suite import run_load
from harness.wire.serving import located
from tests.load import signed_in_service
from tests.services.serving import serving

HERE = Path(__file__).parent
TARGETS = HERE.parent / "services" / "targets"
USERS = 8


def load(adapter: str, url: str, folder: Path, duration_s: float = 5.0) -> tuple[SuiteOutcome, list[Event]]:
    """Put a service under a short load; return what came of it, and its history."""
    manifest = Manifest(
        run="r", target="t", plan="p", required=(), seed=7, users=USERS, started="2026-01-01", version="0"
    )
    runs = RunFolder.create(folder / "run", manifest)
    outcome = run_load(
        target_name="t",
        adapter=adapter,
        url=url,
        budget=LoadBudget(duration_s=duration_s, users=USERS),
        seed=7,
        folder=runs,
        history_name="load",
        on_line=lambda _: None,
    )
    return outcome, [event for name in outcome.run.files for _, _, events in runs.histories(name) for event in events]


def verdict(outcome: SuiteOutcome, checker: str) -> Outcome:
    """Return what this checker says."""
    return next(item.verdict.outcome for item in outcome.evidence if item.verdict.checker == checker)


def counts(events: Iterable[Event]) -> Counter[tuple[str, str]]:
    """Return how often each thing happened, by name and kind; what intruders asked has a name of its own."""
    return Counter(
        (f"intruder's {event.name}" if is_intruder(event.user) else event.name, event.kind.value) for event in events
    )


@pytest.mark.parametrize("by", ["cookies", "tokens"])
def test_users_sign_in_by_asking(by: str, tmp_path: Path) -> None:
    """Who must register, under a plain name, and is given a session, works as themselves; a stranger is refused.

    A cookie that an answer sets changes nothing: who asks is said by the headers of the request alone.
    """
    adapter = replace(getattr(signed_in_service, by), app=f"{signed_in_service.__file__}:right")
    with located(adapter) as url:
        outcome, events = load(f"{signed_in_service.__file__}:{by}", url, tmp_path)
    assert outcome.run.doubt == ""
    assert verdict(outcome, "leak") is Outcome.HOLDS
    happened = counts(events)
    assert happened["write_note", "ok"] >= USERS
    assert happened["list_notes", "ok"]
    assert happened["intruder's list_notes", "fail"]
    assert not happened["intruder's list_notes", "ok"]
    asked = [event.value for event in events if (event.name, event.kind) == ("write_note", EventKind.INVOKE)]
    assert all(value["given"]["text"] in value["sent"]["body"] for value in asked)
    made = [event.value["id"] for event in events if (event.name, event.kind) == ("write_note", EventKind.OK)]
    assert all(isinstance(name, int) for name in made)


def test_a_leak_is_seen(tmp_path: Path) -> None:
    """A service that forgets who asks is convicted, by what the lists of one user show of another."""
    adapter = replace(signed_in_service.cookies, app=f"{signed_in_service.__file__}:leaky")
    with located(adapter) as url:
        outcome, _ = load(f"{signed_in_service.__file__}:cookies", url, tmp_path)
    assert verdict(outcome, "leak") is Outcome.VIOLATED


def test_a_stream_of_events_is_heard(tmp_path: Path) -> None:
    """Server-sent events reach the user to whom they are sent, each with its id and its data."""
    with serving("sse_feed", leaky=False) as url:
        outcome, events = load(f"{TARGETS}/sse_feed_target.py", url, tmp_path, 4.0)
    assert outcome.run.doubt == ""
    assert verdict(outcome, "leak") is Outcome.HOLDS
    pushed = [event.value for event in events if event.kind is EventKind.PUSH]
    assert pushed
    assert all(frame["event"] == "note" and frame["id"] and frame["data"]["text"] for frame in pushed)


def test_a_channel_is_opened_on_ones_own_objects_and_on_others(tmp_path: Path) -> None:
    """A channel of a single object is opened on the user's own; on another's it is refused, or convicted."""
    with serving("progress_stream", leaky=False) as url:
        outcome, events = load(f"{TARGETS}/progress_stream_target.py", url, tmp_path)
    assert outcome.run.doubt == ""
    happened = counts(events)
    assert happened["progress", "ok"]
    assert happened["progress", "fail"]
    assert verdict(outcome, "access") is Outcome.HOLDS
    with serving("progress_stream", leaky=True) as url:
        outcome, _ = load(f"{TARGETS}/progress_stream_target.py", url, tmp_path / "leaky")
    assert verdict(outcome, "access") is Outcome.VIOLATED


def test_messages_are_said_over_a_websocket(tmp_path: Path) -> None:
    """A service that lets anybody subscribe to a room is convicted by what it then pushes."""
    with serving("websocket_rooms", leaky=True) as url:
        outcome, events = load(f"{TARGETS}/websocket_rooms_target.py", url, tmp_path)
    assert outcome.run.doubt == ""
    assert counts(events)["subscribe", "ok"]
    assert verdict(outcome, "leak") is Outcome.VIOLATED
