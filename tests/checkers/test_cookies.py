"""The cookie that a service gave a user at their sign-in belongs in no answer to anybody else."""

from __future__ import annotations

import pytest
from stories import ANN, BOB, CAT, EVE, Story

from harness.history.model import EventKind
from harness.history.probes import SIGNED_IN
from harness.judging.cookies import digest_of, values_in

ANNS, BOBS = "an-unguessable-session-of-ann", "an-unguessable-session-of-bob"


def signed_in(**cookies: str) -> Story:
    """Tell that Ann, Bob and Cat have signed in, and were given these cookies."""
    story = Story()
    for user, value in ((ANN, cookies.get("ann", ANNS)), (BOB, cookies.get("bob", BOBS))):
        story.event(EventKind.PROBE, "", SIGNED_IN, {"user": user, "cookies": [digest_of(value)]})
    return story


def is_set(story: Story, user: str, value: str, kind: EventKind = EventKind.OK) -> None:
    """Tell that an answer sets a cookie."""
    call = story.asks(user, "list_notes")
    headers = [["content-type", "application/json"], ["set-cookie", f"sessionid={value}; Path=/; HttpOnly"]]
    story.event(kind, user, "list_notes", {"status": 200, "headers": headers, "body": []}, call=call)


@pytest.mark.parametrize("user", [BOB, CAT, EVE])
@pytest.mark.parametrize("kind", [EventKind.OK, EventKind.FAIL])
def test_who_is_given_anothers_is_found(user: str, kind: EventKind) -> None:
    """Whoever they are, and whatever else the answer says."""
    story = signed_in()
    is_set(story, user, ANNS, kind)
    assert [f"{user} was given {ANN}'s session cookie in the answer of list_notes"] == story.messages("leak")
    assert {"leaked-in-answer": 1} == story.found("leak") == story.judged("leak").examined


def test_ones_own_again_and_one_that_nobody_was_given_are_not() -> None:
    """A session is prolonged, or begun."""
    story = signed_in()
    is_set(story, ANN, ANNS)
    is_set(story, ANN, "an-unguessable-new-session")
    is_set(story, CAT, "an-unguessable-new-session")
    assert {} == story.found("leak")


def test_what_two_were_given_is_nobodys_credential() -> None:
    """The name of a server, for instance."""
    story = signed_in(ann="the-server-on-which-you-are", bob="the-server-on-which-you-are")
    is_set(story, CAT, "the-server-on-which-you-are")
    assert {} == story.found("leak")


def test_what_is_short_is_no_credential() -> None:
    """A language is chosen from a few; what cannot be read holds none."""
    assert ([], [ANNS]) == ([*values_in("lang=en; Path=/")], [*values_in(f"lang=en; sessionid={ANNS}")])
    assert [] == [*values_in("=;=")]


def test_a_frame_is_no_answer_whatever_it_calls_its_parts() -> None:
    """Services push what they like."""
    story = signed_in()
    for headers in ({"set-cookie": ANNS}, ["set-cookie", ANNS], "set-cookie", None):
        story.event(EventKind.PUSH, BOB, "mail", {"headers": headers})
    assert () == story.judged("leak").doubts
