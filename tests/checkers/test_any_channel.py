"""Misdelivery and deliveries on a service of other kinds, ids, frames and channels than the bundled one's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from boards import Boards, promising, watched
from stories import ANN, BOB, Story

from harness.history.model import EventKind, Promises
from harness.history.semantics import Delivery, Pushes, Semantics
from harness.judging.deliveries import Deliveries


class TestFrames:
    def test_a_frame_of_anothers_job_is_misdelivered(self) -> None:
        """Ids are numbers, and stand below `data`."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        story.copies(BOB, 2, 6, "c", "d")
        story.gets(BOB, 1, 5, 0)
        assert ["u01 received going of u00's job 5"] == story.messages("misdelivery")

    def test_a_frame_on_a_device_that_does_not_watch_its_board_is_in_the_wrong_place(self) -> None:
        """A board is what jobs are pushed within."""
        story = watched()
        story.has_board(ANN, 3, 1)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, device=1)
        assert ["u00 received going of board 1 on device 1, not subscribed there"] == story.messages("misdelivery")

    def test_ids_may_be_counted_for_each_kind(self) -> None:
        """Job 1 and board 1 are two objects."""
        story = watched()
        story.copies(BOB, 2, 1, "a", "b")
        for n, type in enumerate(("begun", "going", "done")):
            story.gets(BOB, 2, 1, n, type)
        story.settles()
        assert {} == story.found("misdelivery")

    @pytest.mark.parametrize(
        ("numbers", "found"), [((0, 1, 2), {}), ((0, 2), {"lost-event": 1}), ((0, 1, 1, 2), {"doubled-event": 1})]
    )
    def test_numbers_are_counted(self, numbers: tuple[int, ...], found: dict[str, int]) -> None:
        """As the service says that they are."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        for n in numbers:
            story.gets(ANN, 1, 5, n, "done" if n == 2 else "going")
        story.settles()
        assert found == story.found("misdelivery")

    def test_who_got_what_is_counted(self) -> None:
        """The table needs no more than the description."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0)
        story.gets(BOB, 1, 5, 0)
        deliveries = Deliveries(story.header.promises)
        for event in story.events:
            deliveries.step(event)
        assert [[ANN, ANN, 1], [ANN, BOB, 1]] == deliveries.table()

    def test_what_users_subscribe_to_may_be_what_frames_are_about(self) -> None:
        """A room has no board around it."""
        operations = (
            Semantics("found", makes="room"),
            Semantics("join", takes="room", argument="room", subscribes=True),
        )
        pushes = Pushes(of="room", id="room", seq="n", delivery=Delivery.EXACTLY_ONCE)
        story = Story(Promises(operations={known.name: known for known in operations}, pushes=(pushes,)))
        for room in ("r", "s"):
            story.does(ANN, "found", {"id": room})
        story.does(ANN, "join", None, room="r")
        for room, n in (("r", 0), ("r", 2), ("s", 0)):
            story.event(EventKind.PUSH, ANN, "channel", {"room": room, "n": n})
        story.settles()
        assert {"lost-event": 1, "wrong-thread": 1} == story.found("misdelivery")


class TestDelivery:
    """What is not promised is neither found nor examined."""

    @staticmethod
    def told(*frames: tuple[int, str], **pushes: object) -> Boards:
        """Tell of a job of Ann's, and the frames that reach her."""
        story = watched(**pushes)
        story.copies(ANN, 1, 5, "a", "b")
        for n, type in frames:
            story.gets(ANN, 1, 5, n, type)
        story.settles()
        return story

    @pytest.mark.parametrize("seq", ["data.n", ""])
    @pytest.mark.parametrize("frames", [(), ((0, "going"), (2, "going"), (2, "going"), (1, "going"))])
    def test_where_nothing_is_said_nothing_is_counted(self, frames: tuple[tuple[int, str], ...], seq: str) -> None:
        """Neither lost, nor doubled, nor out of order."""
        story = self.told(*frames, delivery=None, seq=seq)
        assert {} == story.found("misdelivery")
        assert {"misdelivered"} >= story.judged("misdelivery").examined.keys()

    def test_at_most_once_nothing_is_lost(self) -> None:
        """A repeat is still one, and so is a frame that came too late."""
        story = self.told((1, "going"), (3, "going"), (3, "going"), (2, "going"), delivery=Delivery.AT_MOST_ONCE)
        assert {"doubled-event": 1, "reordered-event": 1} == story.found("misdelivery")
        assert 0 == story.examined("misdelivery", "lost-event")

    @pytest.mark.parametrize("delivery", [Delivery.EXACTLY_ONCE, Delivery.AT_LEAST_ONCE])
    @pytest.mark.parametrize("ended", [True, False])
    def test_without_numbers_only_the_last_frame_is_missed(self, delivery: Delivery, ended: bool) -> None:
        """Nobody could tell a repeat from another frame like it."""
        frames = [(0, "going"), (0, "going"), *([(0, "done")] if ended else [])]
        story = self.told(*frames, delivery=delivery, seq="")
        assert ({} if ended else {"lost-event": 1}) == story.found("misdelivery")
        assert {"lost-event": 1} == {
            name: count for name, count in story.judged("misdelivery").examined.items() if name != "misdelivered"
        }

    def test_where_no_frame_is_the_last_none_is_awaited(self) -> None:
        """The service does not say how the end is told."""
        story = self.told((0, "going"), completes=(), fails=())
        assert {} == story.found("misdelivery")

    def test_where_nobody_says_how_to_subscribe_no_place_is_wrong(self) -> None:
        """And nothing is due from the first frame on; a gap is still a gap."""
        promises = promising()
        operations = {name: known for name, known in promises.operations.items() if name != "watch"}
        story = Boards(Promises(operations=operations, pushes=promises.pushes))
        for board in (1, 3):
            story.has_board(ANN, board)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 4)
        story.settles()
        assert {} == story.judged("misdelivery").examined
        story.gets(ANN, 1, 5, 6)
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    def test_what_may_come_by_two_channels_is_not_counted(self) -> None:
        """Nobody knows by which of them a frame came."""
        promises = promising()
        channels = {name: Semantics(name, opens=True) for name in ("socket", "stream")}
        story = Boards(Promises(operations={**promises.operations, **channels}, pushes=promises.pushes))
        for channel in channels:
            story.does(ANN, channel, None)
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        for n in (0, 0, 1, 1):
            story.gets(ANN, 1, 5, n, "done" if n else "begun")
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_frame_that_refuses_names_what_was_asked_for(self) -> None:
        """It is an answer to Bob, and no frame of Ann's board; one of her job is."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        call = story.asks(BOB, "watch", board=1)
        story.event(EventKind.PUSH, BOB, "refused", {"data": {"board": 1}, "event": "refused"})
        story.fail(call)
        assert {} == story.found("misdelivery")
        story.gets(BOB, 1, 5, 0)
        assert {"misdelivered": 1} == story.found("misdelivery")


class TestChannels:
    """Which connection gets what is for the service to say."""

    @staticmethod
    def told(*more: Semantics) -> Boards:
        """Tell of a service with further channels and messages."""
        promises = promising()
        return Boards(replace(promises, operations={**promises.operations, **{known.name: known for known in more}}))

    def test_channels_that_each_subscribe_to_one_board_push_nothing_twice(self) -> None:
        """A stream for each board: what is lost is lost."""
        story = self.told(Semantics("stream", takes="board", argument="board", opens=True, subscribes=True))
        for board in (1, 2):
            story.has_board(ANN, board)
            story.does(ANN, "stream", None, board=board)
        story.copies(ANN, 1, 5, "a", "b")
        for n in (0, 2):
            story.gets(ANN, 1, 5, n, "done" if n else "begun")
        story.settles()
        assert {"lost-event": 1} == story.found("misdelivery")

    @pytest.mark.parametrize(
        "listen",
        [
            Semantics("listen", takes="board", argument="board", opens=True),
            Semantics("listen", takes="board", argument="board", subscribes=True, acknowledged=False),
        ],
    )
    def test_what_may_come_need_not(self, listen: Semantics) -> None:
        """Over a channel on a board of which nobody says that it subscribes, or after a message never acknowledged."""
        story = self.told(listen)
        for board in (1, 2):
            story.has_board(ANN, board)
        story.does(ANN, "listen", None, board=1)
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
        story.gets(ANN, 1, 5, 3)
        story.settles()
        assert {} == story.found("misdelivery")

    def test_a_message_that_is_never_acknowledged_is_never_refused_either(self) -> None:
        """Its frames may come, whatever was said of it."""
        story = self.told(Semantics("listen", takes="board", argument="board", subscribes=True, acknowledged=False))
        for board in (1, 2):
            story.has_board(ANN, board)
        story.is_refused(ANN, "listen", board=1)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0)
        assert {} == story.found("misdelivery")

    def test_a_frame_may_come_before_the_answer_that_names_its_job(self) -> None:
        """On a board of another's, which Bob may or may not use: that is for another checker."""
        story = watched()
        story.copies(BOB, 2, 6, "c", "d")
        story.asks(BOB, "echo", board=1, text="a")
        story.gets(BOB, 1, 5, 0)
        assert {} == story.found("misdelivery")

    def test_what_ends_while_a_device_comes_back_is_not_awaited(self) -> None:
        """Its last frame came before the answer."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "begun")
        story.drops(ANN)
        call = story.asks(ANN, "watch", board=1, seen={"5": 0})
        story.gets(ANN, 1, 5, 1, "done")
        story.ok(call)
        story.settles()
        assert {} == story.found("misdelivery")
