"""The checkers on a service of other kinds, names, ids and frames than the bundled one's."""

from __future__ import annotations

import pytest
from boards import Boards, promising
from stories import ANN, BOB, EVE, Story

from harness.history.model import EventKind, Promises
from harness.history.semantics import Delivery, Pushes, Semantics
from harness.judging.deliveries import Deliveries


def watched(limit: int | None = None, **frames: object) -> Boards:
    """Tell of Ann and Bob, each with a board that device 0 watches."""
    story = Boards(promising(limit, **frames))
    story.has_board(ANN, 1, 0)
    story.has_board(BOB, 2, 0)
    return story


class TestData:
    def test_what_was_written_is_shown(self) -> None:
        """Read, listed, on a page, and edited."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "look", {"data": {"id": 7, "attributes": {"text": "a"}}}, card=7)
        story.does(ANN, "change", {"data": {"version": 2}}, card=7, text="b")
        story.sees(ANN, (7, "b"))
        story.sees(ANN, operation="page")
        assert ({}, {}) == (story.found("tampering"), story.found("interference"))
        assert {"tampered": 2, "lost-write": 3} == story.judged("tampering").examined

    def test_another_text_in_its_place_was_tampered_with(self) -> None:
        """The message names the kind as the service does."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "look", {"data": {"id": 7, "attributes": {"text": "z"}}}, card=7)
        assert ["u00: card 7 reads 'z', which its owner never wrote"] == story.messages("tampering")

    def test_a_text_that_is_not_where_it_should_be_deviates(self) -> None:
        """The description says where it stands."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        story.does(ANN, "look", {"data": {"id": 7, "text": "a"}}, card=7)
        assert {"tampered": 1} == story.found("tampering")

    def test_what_is_missing_from_a_list_of_all_is_lost(self) -> None:
        """It was acknowledged before."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        story.sees(ANN)
        assert ["u00: card 7 was acknowledged and is not listed"] == story.messages("tampering")

    def test_what_is_missing_from_a_page_is_not_judged_and_what_is_there_is(self) -> None:
        """A page need not have everything, and must have nothing strange."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        story.sees(ANN, operation="page")
        assert {} == story.judged("tampering").examined
        story.sees(BOB, (9, "z"), operation="page")
        assert ["u01: page shows a card that this user never wrote: 'z'"] == story.messages("interference")

    def test_work_writes_all_or_nothing(self) -> None:
        """A job copies two cards."""
        story = Boards()
        story.has_board(ANN, 1, 0)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "done")
        story.sees(ANN, (7, "a"))
        assert ["u00: 1 of the 2 cards of one piece of work are there: 'a'"] == story.messages("tampering")

    def test_a_job_that_is_told_to_be_done_must_have_written(self) -> None:
        """Where no frame tells, its progress does."""
        story = Boards()
        story.copies(ANN, 1, 5, "a", "b")
        story.does(ANN, "check", {"id": 5, "state": "ok"}, job=5)
        story.sees(ANN)
        assert {"lost-write": 1} == story.found("tampering")

    @pytest.mark.parametrize(
        ("answer", "found"), [({"state": "ok", "said": "a"}, 0), ({"state": "ok", "said": "b"}, 1)]
    )
    def test_a_job_repeats_its_text(self, answer: dict[str, str], found: int) -> None:
        """What it gives is what it was given."""
        story = Boards()
        story.does(ANN, "cards", {"found": []})
        story.does(BOB, "echo", {"data": {"id": 5}}, board=2, text="a")
        story.does(BOB, "check", answer, job=5)
        assert found == story.found("interference").get("unexplained-answer", 0)

    @pytest.mark.parametrize("explained", [True, False])
    def test_a_job_that_breaks_needs_a_reason(self, explained: bool) -> None:
        """Asking it to stop is one."""
        story = Boards()
        story.does(ANN, "cards", {"found": []})
        story.does(BOB, "echo", {"data": {"id": 5}}, board=2, text="a")
        if explained:
            story.asks(BOB, "stop", job=5)
        story.does(BOB, "check", {"state": "bad"}, job=5)
        assert ({} if explained else {"unexplained-answer": 1}) == story.found("interference")

    def test_anothers_broken_job_is_trouble(self) -> None:
        """After it, Bob's answers count."""
        story = watched()
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "done")
        story.sees(BOB)
        assert 0 == story.examined("interference", "unexplained-answer")
        story.copies(ANN, 1, 6, "c", "d")
        story.gets(ANN, 1, 6, 0, "broken")
        story.sees(BOB)
        assert 1 == story.examined("interference", "unexplained-answer")


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


class TestLimits:
    def test_jobs_beyond_the_limit_are_found(self) -> None:
        """Both were seen to begin, none to end."""
        story = watched(1)
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            story.gets(ANN, 1, job, 0, "begun")
        assert ["u00 has 2 jobs at once, with a limit of 1"] == story.messages("limits")

    def test_a_refusal_while_another_is_at_the_limit_starves(self) -> None:
        """Whichever operation starts the job; and an end that was told makes room."""
        story = watched(1)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "begun")
        story.is_refused(BOB, "echo", 429, board=2, text="c")
        assert ["u01 was refused a job with at most 0 of 1 open, while u00 had 1 or more"] == story.messages("limits")
        story.does(ANN, "check", {"state": "ok"}, job=5)
        story.is_refused(BOB, "echo", 429, board=2, text="d")
        assert {"starved": 1} == story.found("limits")

    @pytest.mark.parametrize(
        "frames", [{"begins": ()}, {"completes": (), "fails": ()}, {"delivery": None}, {"within": "", "within_id": ""}]
    )
    def test_where_beginnings_and_ends_are_not_surely_seen_nobody_is_accused(self, frames: dict[str, object]) -> None:
        """Jobs may have ended, and begun, long ago."""
        story = watched(1, **frames)
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            story.gets(ANN, 1, job, 0, "begun")
        story.copies(BOB, 2, 7, "c", "d")
        story.is_refused(BOB, "echo", 429, board=2, text="c")
        story.settles("7")
        assert ({}, {}) == (story.found("limits"), story.judged("limits").examined)


class TestAccess:
    def test_a_kind_may_be_called_like_anything(self) -> None:
        """The ids of objects and what else was asked stand apart: a query of Ann's is found in Bob's hands."""
        operations = (
            Semantics("save", makes="query", texts=("text",)),
            Semantics("run", takes="query", argument="query", reads=True),
        )
        story = Story(Promises(operations={known.name: known for known in operations}))
        story.does(ANN, "save", {"id": "q"}, text="a")
        for user in (ANN, BOB):
            call = story.event(
                EventKind.INVOKE,
                user,
                "run",
                {"objects": {"query": "q"}, "given": {"query": "a"}, "sent": {"query": {"page": "1"}}},
                call=len(story.events),
            )
            story.event(EventKind.OK, user, "run", {"body": {"id": "q"}}, call=call)
        assert ["u01 succeeded with run on u00's query q"] == story.messages("access")

    def test_what_is_sent_to_an_intruder_is_held_against_it(self) -> None:
        """Unless it may be the refusal of what the intruder asked for."""
        story = watched()
        story.asks(EVE, "watch", board=1)
        story.event(EventKind.PUSH, EVE, "refused", {"data": {"board": 1}, "event": "refused"})
        assert {} == story.found("access")
        story.gets(EVE, 1, 5, 0)
        assert {"unauthenticated": 1} == story.found("access")

    def test_what_is_never_acknowledged_is_no_evidence(self) -> None:
        """That nothing was said is neither success nor refusal."""
        operations = (
            Semantics("open", makes="room"),
            Semantics("say", takes="room", argument="room", acknowledged=False),
        )
        story = Story(Promises(operations={known.name: known for known in operations}))
        story.does(ANN, "open", {"id": "r"})
        for user in (ANN, BOB, EVE):
            story.does(user, "say", None, room="r")
        assert ({}, {}) == (story.found("access"), story.judged("access").examined)


class TestRemains:
    def test_an_earlier_text_of_another_kind_is_found(self) -> None:
        """Whatever shows the newest only."""
        promises = promising()
        newest = Semantics("peek", takes="card", argument="card", reads=True, newest_of=("pin", "change"))
        story = Boards(Promises(operations={**promises.operations, "peek": newest}))
        old, new = story.mark(ANN), story.mark(ANN)
        story.pins(ANN, 1, 7, old)
        story.does(ANN, "change", None, card=7, text=new)
        story.does(ANN, "peek", {"was": new}, card=7)
        assert {} == story.found("remains")
        story.does(ANN, "peek", {"was": old}, card=7)
        assert {"earlier-text": 1} == story.found("remains")
