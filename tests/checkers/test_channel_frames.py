"""What frames, channels and subscriptions of a service of its own ways mean to the checkers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from boards import PUSHES, Boards, promising, watched
from stories import ANN, BOB, Story

from harness.history.model import EventKind
from harness.history.semantics import Progress, Pushes, Semantics
from harness.judging.deliveries import Deliveries

SOCKET = Semantics("socket", opens=True)
STREAM = Semantics("stream", takes="board", argument="board", opens=True, subscribes=True)


def told(*more: Semantics, **frames: Any) -> Boards:
    """Tell of a service of boards with further operations and channels, and other frames."""
    promises = promising(**frames)
    return Boards(replace(promises, operations={**promises.operations, **{known.name: known for known in more}}))


class TestChannels:
    """What may come by two ways is not counted."""

    @staticmethod
    def a_gap(story: Boards, device: int = 0) -> dict[str, int]:
        """Let two frames of a job reach a device, without that between them; return what is found."""
        for n in (0, 2):
            story.gets(ANN, 1, 5, n, "done" if n else "begun", device)
        story.settles()
        return story.found("misdelivery")

    @pytest.mark.parametrize("order", [(SOCKET, STREAM), (STREAM, SOCKET)])
    def test_a_stream_beside_a_socket_may_push_the_same(self, order: tuple[Semantics, ...]) -> None:
        """Whichever was opened first."""
        story = told(*order)
        story.has_board(ANN, 1)
        for channel in order:
            story.does(ANN, channel.name, None, **({"board": 1} if channel.takes else {}))
        story.does(ANN, "watch", None, board=1)
        story.copies(ANN, 1, 5, "a", "b")
        assert {} == self.a_gap(story)

    def test_each_device_has_channels_of_its_own(self) -> None:
        """One socket each: what is missing on the second is lost there."""
        story = told(SOCKET)
        for device in (0, 1):
            story.does(ANN, "socket", None, device)
        story.has_board(ANN, 1, 0, 1)
        story.copies(ANN, 1, 5, "a", "b")
        for n in (0, 1, 2):
            story.gets(ANN, 1, 5, n, ("begun", "going", "done")[n])
        assert {"lost-event": 1} == self.a_gap(story, 1)

    def test_a_channel_that_is_opened_again_is_one(self) -> None:
        """After the connection was lost."""
        story = told(SOCKET)
        story.does(ANN, "socket", None)
        story.drops(ANN)
        story.does(ANN, "socket", None)
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        assert {"lost-event": 1} == self.a_gap(story)

    def test_a_message_that_names_nothing_subscribes_to_nothing(self) -> None:
        """There is still one board whose frames may come, so none can come to the wrong one."""
        story = watched()
        story.does(ANN, "watch", None)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "begun")
        assert 0 == story.examined("misdelivery", "wrong-thread")


class TestReplies:
    @pytest.mark.parametrize(
        "does",
        [
            {"makes": "card"},
            {"reads": True},
            {"lists": "card"},
            {"edits": True},
            {"deletes": True},
            {"progress": Progress()},
            {"ends": True},
        ],
    )
    def test_an_operation_of_which_more_is_known_is_not_answered_by_a_frame(self, does: dict[str, Any]) -> None:
        """It has an answer of its own, so a frame about Ann's board is one of hers."""
        story = told(Semantics("act", takes="board", **does))
        story.has_board(ANN, 1)
        story.is_refused(BOB, "act", board=1)
        story.event(EventKind.PUSH, BOB, "renamed", {"data": {"board": 1}, "event": "renamed"})
        assert {"misdelivered": 1} == story.found("misdelivery")

    def test_a_start_under_way_is_no_start_of_what_is_anothers(self) -> None:
        """Frames name no board here: one of a job that nobody has might be of the job that Bob waits for."""
        story = told(within_id="")
        story.has_board(ANN, 1)
        story.has_board(BOB, 2)
        story.copies(ANN, 1, 5, "a", "b")
        story.asks(BOB, "echo", board=2, text="c")
        story.gets(BOB, 1, 5, 0)
        assert {"misdelivered": 1} == story.found("misdelivery")


class TestPlaces:
    def test_what_frames_do_not_name_is_where_it_was_started(self) -> None:
        """So the first frame is due, and the wrong board is wrong."""
        story = told(within_id="")
        story.has_board(ANN, 1, 0)
        story.has_board(ANN, 3, 1)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 1, "done")
        story.gets(ANN, 1, 5, 0, "begun", 1)
        story.settles()
        assert {"lost-event": 1, "wrong-thread": 1} == story.found("misdelivery")

    @pytest.mark.parametrize("frames", [{}, {"within_id": ""}])
    def test_a_job_need_not_be_started_on_a_board(self, frames: dict[str, str]) -> None:
        """It is started of a card, or of nothing: where its frames belong nobody knows, nor what is missing of them."""
        story = told(Semantics("rerun", makes="job", id="data.id", takes="card"), **frames)
        story.has_board(ANN, 1, 0)
        story.does(ANN, "rerun", {"data": {"id": 5}}, card=7)
        story.does(ANN, "echo", {"data": {"id": 6}}, text="a")
        for job in (5, 6):
            story.gets(ANN, 1, job, 0)
        if frames:
            story.gets(ANN, 1, 5, 2)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_text_names_nothing(self) -> None:
        """Whatever it says; frames have no board here, and it is no board either."""
        story = told(within_id="")
        story.has_board(ANN, 1)
        story.event(EventKind.PUSH, BOB, "going", "1")
        assert {} == story.found("misdelivery")

    def test_a_job_that_nobody_started_may_be_the_services_own(self) -> None:
        """On a board of Ann's; she has asked for none."""
        story = watched()
        story.gets(ANN, 1, 99, 0)
        assert {} == story.found("misdelivery")

    def test_where_frames_have_no_numbers_none_is_awaited_of_what_was_seen(self) -> None:
        """The last one may have come while the device was away."""
        story = told(seq="")
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "begun")
        story.drops(ANN)
        story.does(ANN, "watch", None, board=1, seen={"5": 0})
        story.settles()
        assert {} == story.found("misdelivery")

    def test_what_is_no_number_is_not_counted(self) -> None:
        """A number as text, perhaps."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        value = {"data": {"job": 5, "board": 1, "n": "4"}, "event": "going"}
        story.event(EventKind.PUSH, ANN, "going", value)
        assert ({}, 0) == (story.found("misdelivery"), story.examined("misdelivery", "lost-event"))


class TestSeveralForms:
    """A channel pushes frames about jobs, and others about cards."""

    @staticmethod
    def told() -> Boards:
        """Tell of a job and a card of Ann's, each with frames."""
        promises = replace(promising(), pushes=(PUSHES, Pushes(of="card", id="card")))
        story = Boards(promises)
        story.has_board(ANN, 1)
        story.pins(ANN, 1, 7, "a")
        story.copies(ANN, 1, 5, "a", "b")
        story.has_board(BOB, 2)
        return story

    @pytest.mark.parametrize("frame", [{"data": {"job": 5}}, {"card": 7}])
    def test_each_is_read_by_its_own_keys(self, frame: dict[str, Any]) -> None:
        """Whichever comes first in the description."""
        story = self.told()
        story.event(EventKind.PUSH, BOB, "changed", frame)
        assert {"misdelivered": 1} == story.found("misdelivery")

    @pytest.mark.parametrize(("frame", "facts"), [({"data": {"job": 5}}, 1), ({"card": 7}, 0), ({"of": 1}, 0)])
    def test_what_ends_a_job_ends_nothing_else(self, frame: dict[str, Any], facts: int) -> None:
        """A broken job is trouble for its user; a frame of that name about a card, or about nothing, is none."""
        story = self.told()
        story.event(EventKind.PUSH, ANN, "broken", frame)
        story.sees(BOB)
        assert facts == story.examined("interference", "unexplained-answer")


class TestDeliveries:
    def test_ids_may_be_counted_per_user(self) -> None:
        """Each gets what is theirs; an announcement is of nobody."""
        story = Story()
        for user in (ANN, BOB):
            story.opens(user, "1", 0)
            story.runs(user, "1", "1")
        for user in (ANN, BOB):
            story.push(user, "1", "1", 0)
            story.push(user, None, None, 0, "announcement")
        deliveries = Deliveries(story.header.promises)
        for event in story.events:
            deliveries.step(event)
        assert [[ANN, ANN, 1], [BOB, BOB, 1]] == deliveries.table()
