"""What came back is told for what it is, and nothing that matters of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapter import Route
from harness.history.canary import Canaries
from harness.history.model import EventKind
from harness.transport.answers import MOST_KEPT, Answer, Misfit, id_in, kept, recorded


def answer(status: int, body: str = "", location: str = "") -> Answer:
    return Answer(status, (("location", location),) if location else (), body.encode())


@pytest.mark.parametrize(
    ("given_answer", "kind"),
    [
        (answer(200), EventKind.OK),
        (answer(302, location="/notes/1"), EventKind.OK),
        (answer(302, location="/accounts/login/?next=/notes"), EventKind.FAIL),
        (answer(404), EventKind.FAIL),
        (answer(500), EventKind.INFO),
    ],
)
def test_a_status_says_whether_it_happened(given_answer: Answer, kind: EventKind) -> None:
    """A refusal did not happen, also where it is a way to sign in; of a crash nobody knows."""
    assert kind is given_answer.kind


class TestIds:
    def test_may_stand_in_a_header(self) -> None:
        """The end of the path in `Location`, decoded."""
        created = Answer(201, (("location", "http://127.0.0.1/notes/a%20b/"),), b"")
        route = Route("write", "POST", "/", makes="note", id="@location")
        assert "a b" == id_in(created, route)
        with pytest.raises(Misfit, match="'location'"):
            id_in(answer(201), route)

    @pytest.mark.parametrize(
        ("place", "body", "found"),
        [
            ("id", '{"id": 7}', 7),
            ("data.0.note_id", '{"data": [{"note_id": "a"}]}', "a"),
            ("", '"a-b"', "a-b"),
        ],
    )
    def test_are_found_where_the_adapter_says(self, place: str, body: str, found: str | int) -> None:
        """Keys and positions, with dots between."""
        assert found == id_in(answer(201, body), Route("write", "POST", "/", makes="note", id=place))

    @pytest.mark.parametrize("body", ["", "[]", '{"id": null}', '{"id": true}', '{"ids": 1}'])
    def test_that_are_not_there_are_asked_for(self, body: str) -> None:
        """One sentence says which route, what came, and what to see to."""
        with pytest.raises(Misfit, match=r"write.*See `id` of that route"):
            id_in(answer(201, body), Route("write", "POST", "/", makes="note"))


@given(st.integers(0, 300_000), st.integers(0, 300_000))
def test_a_mark_in_a_long_text_is_never_lost(before: int, after: int) -> None:
    """However far inside, it is found in what is kept."""
    canaries = Canaries(1)
    text = "x" * before + canaries.mark(3, 5) + "y" * after
    assert canaries.find(text) == canaries.find(kept(text))


def test_a_long_text_without_marks_is_counted() -> None:
    """A megabyte of nothing is not kept."""
    said = kept("x" * 1_000_000)
    assert (True, True) == (len(said) < MOST_KEPT, "characters" in said)


def test_every_header_is_kept() -> None:
    """Also the second cookie, in which something may leak."""
    came = Answer(200, (("set-cookie", "a=1"), ("set-cookie", "b=2")), b"\xff")
    value = recorded(came)
    assert ([["set-cookie", "a=1"], ["set-cookie", "b=2"]], "\xff") == (value["headers"], value["body"])
