"""Who has done nothing must still be served at the end with what serves one user alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories import ANN, BOB, CAT, Story

from harness.history.model import EventKind, Promises
from harness.history.probes import DISCONNECTED
from harness.history.semantics import Semantics
from harness.judging.checkers.interference import BYSTANDER_ASKS

SERVICE = Promises(operations={"chat": Semantics("chat", texts=("text",))})
"""Of which nothing is known but that it is asked with a text."""


def after_trouble(served: tuple[str, ...] = ("chat",)) -> Story:
    """Tell that Ann was served, and that Bob lost his connection."""
    story = Story(SERVICE)
    story.header = replace(story.header, served=served)
    story.does(ANN, "chat", "words", text="a")
    story.event(EventKind.PROBE, BOB, DISCONNECTED, None)
    return story


def fails(story: Story, times: int, options: str = "") -> None:
    """Tell that Cat's answers break off."""
    for _ in range(times):
        call = story.asks(CAT, "chat", text="c")
        if options:
            story.events[-1].value["sent"] = {"request": "POST /chat", "options": options}
        story.info(call)


def test_what_serves_nobody_any_more_is_found() -> None:
    """The last answers are the witness."""
    story = after_trouble()
    fails(story, BYSTANDER_ASKS)
    (finding,) = story.judged("interference").findings
    assert f"u02: chat serves one user alone, and at the end failed {BYSTANDER_ASKS} times in a row" == finding.message
    assert (len(story.events) - 2, len(story.events) - 1) == finding.witness


def test_what_fails_now_and_then_is_not() -> None:
    """Fewer failures say nothing; one more answer says that it serves, and is a fact."""
    story = after_trouble()
    fails(story, BYSTANDER_ASKS - 1)
    assert ({}, {}) == (story.found("interference"), story.judged("interference").examined)
    fails(story, BYSTANDER_ASKS)
    story.does(CAT, "chat", "words", text="c")
    assert ({}, {"unexplained-answer": 1}) == (story.found("interference"), story.judged("interference").examined)


def test_a_refusal_is_no_failure_and_no_fact() -> None:
    """Somebody who asks too often is told so; whether they would be served nobody knows."""
    story = after_trouble()
    fails(story, BYSTANDER_ASKS)
    story.is_refused(CAT, "chat", 429, text="c")
    assert ({}, {}) == (story.found("interference"), story.judged("interference").examined)


def test_who_hung_up_is_no_bystander() -> None:
    """They left their answers themselves."""
    story = after_trouble()
    fails(story, BYSTANDER_ASKS, options="hangs up 1.0 ms after sending")
    assert {} == story.found("interference")


def test_what_has_not_served_one_user_alone_is_not_held_against_others() -> None:
    """Perhaps it never works."""
    story = after_trouble(served=())
    fails(story, BYSTANDER_ASKS)
    assert {} == story.found("interference")


@pytest.mark.parametrize("trouble", [False, True])
def test_nobody_else_can_have_caused_it_before_they_had_trouble(trouble: bool) -> None:
    """A service that fails on its own is a doubt of others, and no finding here."""
    story = Story(SERVICE)
    story.header = replace(story.header, served=("chat",))
    story.does(ANN, "chat", "words", text="a")
    if trouble:
        story.event(EventKind.PROBE, BOB, DISCONNECTED, None)
    fails(story, BYSTANDER_ASKS)
    assert ({"unexplained-answer": 1} if trouble else {}) == story.found("interference")


def test_everybody_fails_and_the_last_one_did_nothing() -> None:
    """Those who had trouble before fail with everybody else, and are still others."""
    story = after_trouble()
    for user in (BOB, ANN):
        story.info(story.asks(user, "chat", text="b"))
    fails(story, 1)
    assert {"unexplained-answer": 1} == story.found("interference")
