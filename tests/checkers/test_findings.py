"""What a finding says: who saw what of whom, in one sentence, and by which events."""

from __future__ import annotations

import pytest
from boards import Boards, watched
from stories import ANN, BOB, CAT, EVE, Story

from harness.history.probes import (
    ALIASES,
    CONNECTION,
    CONTEXT_KEY,
    CONTEXT_WRITE,
    LEGACY_CALL,
    LEGACY_EVENT,
    REGISTRY_ENTRY,
    REGISTRY_READ,
    REGISTRY_WRITE,
    SESSION,
)
from harness.judging.checkers import CHECKERS


class TestInside:
    """What taps and attacks on the parts saw."""

    def test_a_shared_object(self) -> None:
        """Both users, and the way by which each reaches it."""
        story = Story()
        shared = {"type": "dict", "owner": ANN, "observer": BOB, "path_owner": "a.b", "path_observer": "c"}
        seen = story.probe(ALIASES, {"compared": 1, "shared": [shared]})
        assert ["u01's c and u00's a.b are one dict"] == story.messages("aliasing")
        assert [(BOB, ANN, (seen,))] == story.concerned("aliasing")

    def test_a_split_read(self) -> None:
        """The round, and both sets of names; the first read is one of the events."""
        story = Story()
        reads = [story.probe(REGISTRY_READ, {"round": 4, "frozen": True, "names": names}) for names in (["a"], ["b"])]
        assert ["round 4: one read of the frozen registry gave ['a'], another ['b']"] == story.messages("agreement")
        assert [("", "", tuple(reads))] == story.concerned("agreement")

    def test_a_collision_of_keys(self) -> None:
        """The parts of both, and the key."""
        story = Story()
        made = [story.probe(CONTEXT_KEY, {"parts": parts, "key": "u_1"}) for parts in (["u", "1"], ["u_1"])]
        assert ["""["u", "1"] and ["u_1"] were both given the key 'u_1'"""] == story.messages("identity")
        assert [("", "", tuple(made))] == story.concerned("identity")

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            (
                REGISTRY_ENTRY,
                {"name": "narrator", "is_class": False},
                "the registry holds 'narrator', which is not a class",
            ),
            (REGISTRY_WRITE, {"via": "items()", "changed": True}, "a frozen registry was changed via items()"),
            (CONTEXT_WRITE, {"via": "metadata", "changed": True}, "a context was changed via metadata"),
        ],
    )
    def test_a_change_of_what_must_not_change(self, name: str, value: dict[str, object], message: str) -> None:
        """What was changed, and by which way."""
        story = Story()
        story.probe(name, value)
        assert [message] == story.messages("immutability")

    def test_a_session_and_a_connection_of_two_requests(self) -> None:
        """Whoever came second saw it; it belongs to whom it was given first."""
        story = Story()
        for kind, action in ((SESSION, "use"), (CONNECTION, "checkout")):
            story.probe(kind, {"action": action, kind: 1}, ANN, 10)
            story.probe(kind, {"action": "use", kind: 1}, BOB, 11)
        assert [(BOB, ANN, (0, 1)), (BOB, ANN, (2, 3))] == story.concerned("sessions")

    def test_a_legacy_call(self) -> None:
        """Which call it is, and what is wrong with it."""
        story = Story()
        for call, works, warning, replacement in (
            ("get", False, "use create_app", "create_app"),
            ("put", True, "this is old", "create_app"),
            ("end", True, "", "create_app"),
            ("new", True, None, None),
        ):
            story.probe(LEGACY_CALL, {"call": call, "works": works, "warning": warning, "replacement": replacement})
        assert [
            "the legacy call get does not work",
            "the legacy call put warns without naming create_app",
            "the legacy call end does not warn",
        ] == story.messages("migration")

    def test_an_event_of_the_legacy_api(self) -> None:
        """Who received it, and whose it is."""
        story = Story()
        story.probe(LEGACY_EVENT, {"owner": ANN, "observer": BOB})
        assert ["u01 received an event of u00 by the legacy API"] == story.messages("migration")
        assert [(BOB, ANN, (0,))] == story.concerned("migration")

    def test_what_is_still_held(self) -> None:
        """Each kind with what it was at the start, and how many requests had ended by then."""
        story = Story()
        begun = story.holds("start", tasks=1, files=1)
        story.does(ANN, "list_notes", [])
        story.is_refused(BOB, "list_notes")
        story.info(story.asks(CAT, "list_notes"))
        story.does(EVE, "list_notes", [])
        seen = story.holds("settled", files=1, tasks=3, sockets=2)
        assert [
            "3 tasks still held after 3 ended requests (1 at start)",
            "2 sockets still held after 3 ended requests (0 at start)",
        ] == story.messages("residue")
        assert [("", "", (begun, seen))] * 2 == story.concerned("residue")

    @pytest.mark.parametrize("checker", CHECKERS)
    def test_an_operation_may_be_called_like_a_probe(self, checker: str) -> None:
        """And a probe of another checker, or of nobody, says nothing."""
        story = Story()
        for name in (ALIASES, CONTEXT_KEY, LEGACY_CALL, REGISTRY_READ, SESSION, CONNECTION, "resources"):
            story.does(ANN, name, {"frozen": True})
        story.probe("tick", None)
        assert ({}, {}) == (story.judged(checker).examined, story.found(checker))


class TestAccess:
    def test_what_an_intruder_got(self) -> None:
        """An answer with its request, or what was sent."""
        story = Story()
        answered = story.does(EVE, "write_note", {"id": "n"}, text="a")
        sent = story.push(EVE, "r", "t", 0)
        assert [
            "u03~expired succeeded with write_note without a valid credential",
            "u03~expired was sent agent_thinking without a valid credential",
        ] == story.messages("access")
        assert [(EVE, "", (answered - 1, answered)), (EVE, "", (sent,))] == story.concerned("access")

    def test_an_object_that_is_gone(self) -> None:
        """Who asked for its end, and the owner's refusal; whoever asked last is named."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.is_refused(BOB, "delete_note", id="n")
        refused = story.is_refused(CAT, "delete_note", id="n")
        gone = story.is_refused(ANN, "read_note", 410, id="n")
        assert [(CAT, ANN, (refused - 1, gone))] == story.concerned("access")
        assert 1 == story.examined("access", "foreign-object")

    def test_what_refusals_tell(self) -> None:
        """Numbers and the id itself are left out; a long text is shown by its beginning."""
        story = Story()
        story.notes(ANN, "n-1", "a")
        foreign = story.is_refused(BOB, "read_note", 403, f"n-1 {7:012x} {'y' * 90}", id="n-1")
        unknown = story.is_refused(BOB, "read_note", 404, "none", id="n-2")
        assert [
            f"read_note refuses another's object with 403 '<id> <id> {'y' * 70}', "
            "but an id that nobody has with 404 'none'"
        ] == story.messages("access")
        assert [("", "", (foreign, unknown))] == story.concerned("access")


class TestAnswers:
    def test_data_that_its_owner_did_not_write_so(self) -> None:
        """The making, the asking and the answer show it."""
        story = Boards()
        story.pins(ANN, 1, 7, "a")
        shown = story.does(ANN, "look", {"data": {"id": 7, "attributes": {"text": "z"}}}, card=7)
        listed = story.sees(ANN)
        assert [(ANN, ANN, (1, shown - 1, shown)), (ANN, ANN, (1, listed - 1, listed))] == story.concerned("tampering")
        assert {"tampered": 1, "lost-write": 1} == story.found("tampering")

    def test_an_answer_that_nothing_explains(self) -> None:
        """Whose answer it is; nobody knows who was in the way."""
        story = Boards()
        story.has_board(ANN, 1)
        seen = story.sees(BOB, (9, "z"))
        assert [(BOB, "", (seen - 1, seen))] == story.concerned("interference")

    def test_each_answer_of_a_user_alone_that_nothing_explains_is_a_doubt(self) -> None:
        """Two strange cards in one list are two reasons."""
        story = Boards()
        story.sees(BOB, (8, "y"), (9, "z"))
        assert [
            "the target fails on its own: u01: cards shows a card that this user never wrote: 'y'",
            "the target fails on its own: u01: cards shows a card that this user never wrote: 'z'",
        ] == list(story.doubts("interference"))

    def test_an_earlier_text(self) -> None:
        """It is the user's own, and the request that brought it in is one of the events."""
        story = Story()
        old = story.mark(ANN)
        story.notes(ANN, "n", old)
        story.does(ANN, "edit_note", {"id": "n"}, id="n", text=story.mark(ANN))
        read = story.does(ANN, "read_note", {"id": "n", "text": old}, id="n")
        assert [(ANN, ANN, (0, read - 1, read))] == story.concerned("remains")


class TestFrames:
    def test_frames_that_went_astray(self) -> None:
        """Of the user's own, each with the frame before it, or what showed that it was missing."""
        story = watched()
        story.has_board(ANN, 3, 1)
        story.copies(ANN, 1, 5, "a", "b")
        story.copies(ANN, 1, 6, "c", "d")
        copied = len(story.events) - 2
        place = story.gets(ANN, 3, 5, 0)
        story.gets(ANN, 1, 5, 0)
        skipping = story.gets(ANN, 1, 5, 3)
        late = story.gets(ANN, 1, 5, 1)
        twice = story.gets(ANN, 1, 5, 1)
        last = story.gets(ANN, 1, 5, 4, "done")
        after = story.gets(ANN, 1, 5, 5)
        again = story.gets(ANN, 1, 5, 4, "done")
        story.gets(ANN, 1, 5, 6, "done")
        settled = story.settles()
        assert [
            (ANN, ANN, (place,)),
            (ANN, ANN, (skipping, late)),
            (ANN, ANN, (late, twice)),
            (ANN, ANN, (last, after)),
            (ANN, ANN, (after, again)),
            (ANN, ANN, (again, again + 1)),
            (ANN, ANN, (skipping, settled)),
            (ANN, ANN, (copied, settled)),
        ] == story.concerned("misdelivery")
        assert [
            "u00 received going of job 5 as one of board 3",
            "u00 received event 1 (going) of job 5 after a later one",
            "u00 received event 1 (going) of job 5 twice",
            "u00 received event 5 (going) of job 5 after its last event, 4",
            "u00 received event 4 (done) of job 5 twice",
            "u00 received event 6 (done) of job 5 after its last event, 4",
            "u00 never received event 2 of job 5 on device 0",
            "u00 never received the last event of job 6 on device 0",
        ] == story.messages("misdelivery")


class TestLimits:
    def test_one_user_above_the_limit(self) -> None:
        """The beginnings of all that goes at once."""
        story = watched(1)
        begun = []
        for job in (5, 6):
            story.copies(ANN, 1, job, f"a{job}", f"b{job}")
            begun.append(story.gets(ANN, 1, job, 0, "begun"))
        assert [(ANN, "", tuple(begun))] == story.concerned("limits")

    def test_one_user_kept_waiting(self) -> None:
        """What was accepted and has not begun, and who had the slots: of many, three are named."""
        story = watched(1)
        others = (ANN, CAT, "u03", "u04")
        for board, user in enumerate(others[1:], 3):
            story.has_board(user, board, 0)
        for board, user in zip((1, 3, 4, 5), others, strict=True):
            story.copies(user, board, 10 + board, f"a{board}", f"b{board}")
            story.gets(user, board, 10 + board, 0, "begun")
        story.copies(BOB, 2, 6, "c", "d")
        accepted = len(story.events) - 1
        settled = story.settles("6")
        assert ["u01's job 6 never began, while u00, u02, u03 had 1 or more"] == story.messages("limits")
        assert [(BOB, "", (accepted, settled))] == story.concerned("limits")
