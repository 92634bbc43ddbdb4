"""What a finding is about is told in requests, whatever suite found it."""

from __future__ import annotations

from harness.claims.requests import requests_of
from harness.history.model import Event, EventKind
from harness.judging.verdict import Finding

EVENTS = (
    Event(index=0, kind=EventKind.INVOKE, user="u00", call=1, name="write", value={"given": {"text": "mine"}}),
    Event(index=1, kind=EventKind.OK, user="u00", call=1, name="write", value={"status": 201, "body": {"id": "n"}}),
    Event(
        index=2,
        kind=EventKind.INVOKE,
        user="u01",
        call=2,
        name="search",
        value={"sent": {"request": "GET /search", "query": {"q": "a"}, "options": "in 2 pieces"}},
    ),
    Event(index=3, kind=EventKind.PUSH, user="u01", name="feed", value={"text": "mine"}),
    Event(index=4, kind=EventKind.OK, user="u01", call=2, name="search", value={"status": 200, "body": "mine"}),
    Event(index=5, kind=EventKind.PROBE, user="", name="settled", value={"open": []}),
)


def told(*witness: int) -> list[str]:
    return [*requests_of(EVENTS, Finding(anomaly="a", message="m", witness=witness))]


def test_both_requests_are_told_and_what_the_observer_got() -> None:
    """In their order; a request as it was sent where that is known, else what was asked with what was given."""
    assert [
        "u00: write text=mine",
        "u01: GET /search {'q': 'a'} (in 2 pieces)",
        "u01 got: search 200 mine",
    ] == told(0, 4)


def test_what_was_pushed_is_told_by_its_topic() -> None:
    """It answers no request; an answer that nobody looked at is left out."""
    assert ["u01 got: feed {'text': 'mine'}"] == told(3)


def test_a_target_that_knows_no_status_answers_with_a_body() -> None:
    """As one in Python does."""
    answer = Event(index=0, kind=EventKind.OK, user="u00", call=1, name="list", value={"body": ["mine"]})
    assert ('u00 got: list ["mine"]',) == requests_of([answer], Finding(anomaly="a", message="m", witness=(0,)))


def test_what_was_seen_inside_is_nothing_that_a_user_got() -> None:
    """That all was settled, for instance, which shows what is missing."""
    assert ["u00: write text=mine"] == told(0, 5)


def test_a_witness_of_another_history_is_left_out() -> None:
    """Nothing is told of an event that is not there."""
    assert [] == told(9)
