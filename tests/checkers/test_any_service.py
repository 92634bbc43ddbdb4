"""The checkers on a service of other kinds, names, ids and frames than the bundled one's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from boards import Boards, promising, watched
from stories import ANN, BOB, EVE, Story

from harness.history.model import EventKind, Promises
from harness.history.semantics import Semantics


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


class TestLimits:
    def test_an_end_that_may_have_come_by_another_channel_is_awaited_by_nobody(self) -> None:
        """Order is certain on one connection only."""
        promises = promising(1)
        channels = {name: Semantics(name, opens=True) for name in ("socket", "stream")}
        story = Boards(replace(promises, operations={**promises.operations, **channels}))
        for channel in channels:
            story.does(ANN, channel, None)
        story.has_board(ANN, 1, 0)
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            story.gets(ANN, 1, job, 0, "begun")
        assert {} == story.found("limits")

    def test_a_job_that_was_not_named_may_have_taken_the_slot(self) -> None:
        """The answer had no id where it should be."""
        story = watched(1)
        story.copies(ANN, 1, 5, "a", "b")
        story.gets(ANN, 1, 5, 0, "begun")
        story.does(BOB, "echo", {"job": "5"}, board=2, text="c")
        story.is_refused(BOB, "echo", 429, board=2, text="c")
        assert {} == story.found("limits")

    def test_a_frame_need_not_say_what_it_is_pushed_within(self) -> None:
        """The harness knows where the job was started."""
        story = watched(1, within_id="")
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            story.gets(ANN, 1, job, 0, "begun")
        assert {"over-limit": 1} == story.found("limits")

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
        story.event(EventKind.PUSH, EVE, "renamed", {"data": {"board": 2}, "event": "renamed"})
        assert {} == story.found("access")
        story.gets(EVE, 1, 5, 0)
        assert {"unauthenticated": 1} == story.found("access")

    def test_what_an_intruder_asked_for_may_be_refused_by_its_name(self) -> None:
        """Where a channel is opened on the job itself."""
        promises = promising()
        listen = Semantics("listen", takes="job", argument="job", opens=True)
        story = Boards(replace(promises, operations={**promises.operations, "listen": listen}))
        story.asks(EVE, "listen", job=5)
        story.gets(EVE, 1, 5, 0, "refused")
        assert {} == story.found("access")

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
    def test_what_was_never_acknowledged_is_not_the_newest(self) -> None:
        """Nobody knows whether it was done."""
        say = Semantics("say", texts=("text",), acknowledged=False)
        operations = (say, Semantics("said", newest_of=("say", "post")), Semantics("post", texts=("text",)))
        story = Story(Promises(operations={known.name: known for known in operations}))
        old = story.mark(ANN)
        story.does(ANN, "post", None, text=old)
        story.does(ANN, "say", None, text=story.mark(ANN))
        story.does(ANN, "said", {"text": old})
        assert {} == story.found("remains")

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
