"""A refusal need not have the status of one: what others get for the same says whether an answer is one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from stories import ANN, BOB, EVE, Story

from harness.history.model import Promises, Value
from harness.history.semantics import Semantics

SERVICE = Promises(
    operations={
        known.name: known
        for known in (
            Semantics("write", makes="note", texts=("text",)),
            Semantics("read", takes="note"),
            Semantics("edit", takes="note", edits=True, texts=("text",)),
            Semantics("list", safe=True),
            Semantics("news", safe=True),
            Semantics("register", makes="account", public=True),
        )
    }
)
NOBODYS = "ffffffffffff"
Tell = Callable[[Story], object]


def told(*tells: Tell) -> Story:
    """Tell of Ann's note, and then what is told."""
    story = Story(SERVICE)
    story.does(ANN, "write", {"id": "n"}, text="a")
    for tell in tells:
        tell(story)
    return story


def reads(user: str, body: Value, id: str = "n") -> Tell:
    return lambda story: story.does(user, "read", body, id=id)


NOTE = {"data": {"note": {"id": "n", "text": "a"}}}
NOTHING = {"data": {"note": None}}
SEEN = {"existence-revealed": 1, "foreign-object": 1}
"""What is examined of a stranger who was refused beside the owner's success and an id of nobody."""


class TestStrangers:
    @pytest.mark.parametrize("order", [*permutations(range(3))])
    def test_who_gets_what_an_id_of_nobody_gives_was_refused(self, order: tuple[int, ...]) -> None:
        """GraphQL has no other way to say it; it is evidence beside the owner's own answer, whatever comes first."""
        tells = (reads(ANN, NOTE), reads(BOB, NOTHING), reads(BOB, NOTHING, NOBODYS))
        story = told(*(tells[place] for place in order))
        assert ({}, SEEN) == (story.found("access"), story.judged("access").examined)

    def test_who_gets_what_the_owner_gets_has_reached_it(self) -> None:
        """An id of nobody gives something else."""
        story = told(reads(ANN, NOTE), reads(BOB, NOTE), reads(BOB, NOTHING, NOBODYS))
        assert {"foreign-object": 1} == story.found("access")

    def test_where_all_get_the_same_nothing_is_known(self) -> None:
        """A service that says `ok` to everybody shows neither that it refuses, nor that it does not."""
        story = told(reads(ANN, "ok"), reads(BOB, "ok"), reads(BOB, "ok", NOBODYS))
        assert ({}, {}) == (story.found("access"), story.judged("access").examined)

    def test_a_subscription_says_the_same_to_everybody(self) -> None:
        """Nobody can tell by its answer, so what it says counts."""
        story = Story()
        story.opens(ANN, "t")
        for user, thread in ((ANN, "t"), (BOB, "t"), (BOB, NOBODYS)):
            story.does(user, "follow", {"following": True}, id=thread)
        assert {"foreign-object": 1} == story.found("access")

    def test_the_id_in_an_answer_makes_no_difference(self) -> None:
        """`no note n` and `no note ffffffffffff` are one refusal."""
        story = told(reads(ANN, NOTE), reads(BOB, {"error": "no n"}), reads(BOB, {"error": f"no {NOBODYS}"}, NOBODYS))
        assert ({}, SEEN) == (story.found("access"), story.judged("access").examined)

    def test_a_refusal_that_an_id_of_nobody_does_not_get_reveals_an_object(self) -> None:
        """It is no success: the owner is answered otherwise."""
        story = told(reads(ANN, NOTE), reads(BOB, {"error": "it is not yours"}), reads(BOB, NOTHING, NOBODYS))
        assert ({"existence-revealed": 1}, SEEN) == (story.found("access"), story.judged("access").examined)
        assert "read refuses another's object with" in story.messages("access")[0]

    def test_without_an_id_of_nobody_beside_it_a_success_is_one(self) -> None:
        """As its status says."""
        assert {"foreign-object": 1} == told(reads(BOB, NOTHING)).found("access")


class TestIntruders:
    def test_a_page_that_everybody_may_see_is_no_finding(self) -> None:
        """And no refusal either."""
        page = {"news": ["we are open on Sundays"]}
        story = told(lambda story: story.does(ANN, "news", page), lambda story: story.does(EVE, "news", page))
        assert ({}, {}) == (story.found("access"), story.judged("access").examined)

    @pytest.mark.parametrize("shown", [[], "<form>sign in</form>", {"errors": ["sign in"]}])
    def test_who_is_shown_nothing_of_a_user_where_users_are_was_refused(self, shown: Value) -> None:
        """An empty list, a page that asks to sign in, an error with the status of a success."""
        story = Story(SERVICE)
        story.does(ANN, "list", [{"id": "n", "text": story.mark(ANN)}])
        story.does(EVE, "list", shown)
        assert ({}, {"unauthenticated": 1}) == (story.found("access"), story.judged("access").examined)

    @pytest.mark.parametrize("operation", ["list", "news", "register"])
    def test_who_is_shown_something_of_a_user_is_found(self, operation: str) -> None:
        """Whatever the operation is said to be."""
        story = Story(SERVICE)
        story.does(EVE, operation, {"latest": story.mark(ANN)})
        assert {"unauthenticated": 1} == story.found("access")

    def test_what_anybody_may_do_is_no_finding(self) -> None:
        """It is stated to be public."""
        story = told(lambda story: story.does(EVE, "register", {"id": "x"}))
        assert {} == story.found("access")

    def test_an_effect_is_found_and_an_error_is_a_refusal(self) -> None:
        """What a user is told who has edited says which it is."""
        edited, wrong = {"id": "n", "text": "b"}, {"errors": ["sign in"]}
        for shown, found in ((edited, {"unauthenticated": 1}), (wrong, {})):
            story = told(
                lambda story: story.does(ANN, "edit", edited, id="n", text="b"),
                lambda story, shown=shown: story.does(EVE, "edit", shown, id="n", text="c"),
            )
            assert found == story.found("access")
            assert {"unauthenticated": 1} == story.judged("access").examined
