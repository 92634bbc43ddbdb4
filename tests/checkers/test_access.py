from __future__ import annotations

import pytest
from stories import ANN, BOB, CAT, EVE, Story

from harness.history.model import Promises
from harness.history.semantics import Semantics
from harness.judging.verdict import MOST_FINDINGS

SERVICE = Promises(
    operations={
        known.name: known
        for known in (
            Semantics("open", makes="folder"),
            Semantics("write", makes="note"),
            Semantics("read", takes="note", argument="note"),
            Semantics("drop", takes="note", argument="note", deletes=True),
            Semantics("close", takes="folder", argument="folder", deletes=True),
            Semantics("listen", takes="folder", argument="folder", opens=True),
        )
    }
)
"""A service of folders and notes."""


def tried(by_owner: bool = True) -> Story:
    """Tell of Ann's note, which Bob tried to read, and Ann has read if `by_owner`."""
    story = Story()
    story.notes(ANN, "n", "a")
    story.is_refused(BOB, "read_note", id="n")
    if by_owner:
        story.does(ANN, "read_note", {"id": "n", "text": "a"}, id="n")
    return story


class TestUnauthenticated:
    def test_an_intruder_must_not_succeed(self) -> None:
        """Whatever is done for them; what they were shown must be somebody's, see `test_refusals_by_answer`."""
        story = Story()
        story.does(EVE, "write_note", {"id": "n"}, text="a")
        assert {"unauthenticated": 1} == story.found("access")
        assert ["u03~expired succeeded with write_note without a valid credential"] == story.messages("access")

    def test_an_intruder_must_not_be_sent_anything(self) -> None:
        """A pushed event is service, too."""
        story = Story()
        story.push(EVE, "r", "t", 0)
        assert {"unauthenticated": 1} == story.found("access")

    @pytest.mark.parametrize("first", ["refusal", "success"])
    def test_a_refusal_counts_beside_a_valid_users_success(self, first: str) -> None:
        """In either order."""
        story = Story()
        if first == "success":
            story.does(ANN, "list_notes", [])
        story.is_refused(EVE, "list_notes", 401)
        if first == "refusal":
            assert {} == story.judged("access").examined
            story.does(ANN, "list_notes", [])
        assert {"unauthenticated": 1} == story.judged("access").examined
        assert {} == story.found("access")

    def test_a_target_that_refuses_everybody_gives_nothing_to_examine(self) -> None:
        """And neither does a success with another verb."""
        story = Story()
        story.does(ANN, "list_threads", [])
        story.is_refused(ANN, "list_notes", 401)
        story.is_refused(EVE, "list_notes", 401)
        assert {} == story.judged("access").examined

    def test_each_refusal_counts(self) -> None:
        """Those before the success, and those after it."""
        story = Story()
        for _ in range(2):
            story.is_refused(EVE, "list_notes", 401)
        story.does(ANN, "list_notes", [])
        story.is_refused(EVE, "list_notes", 401)
        assert {"unauthenticated": 3} == story.judged("access").examined

    def test_an_intruder_owns_nothing(self) -> None:
        """What it was given by mistake is not foreign to anybody."""
        story = Story()
        story.does(EVE, "write_note", {"id": "n"}, text="a")
        story.does(ANN, "read_note", {"id": "n", "text": "a"}, id="n")
        assert {"unauthenticated": 1} == story.found("access")


class TestForeignObject:
    def test_success_on_anothers_object_is_found(self) -> None:
        """Bob reads Ann's note by its id."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.does(BOB, "read_note", {"id": "n"}, id="n")
        (finding,) = story.judged("access").findings
        assert ("foreign-object", BOB, ANN, (1, 2, 3)) == (
            finding.anomaly,
            finding.observer,
            finding.owner,
            finding.witness,
        )
        assert "u01 succeeded with read_note on u00's note n" == finding.message

    def test_following_anothers_thread_is_found(self) -> None:
        """A subscription is checked against the owner, too."""
        story = Story()
        story.opens(ANN, "ta")
        story.follows(BOB, "ta")
        assert {"foreign-object": 1} == story.found("access")

    @pytest.mark.parametrize("answer", ["refusal", "crash"])
    @pytest.mark.parametrize("who", [BOB, EVE])
    def test_a_deletion_that_was_refused_and_took_place_is_found(self, who: str, answer: str) -> None:
        """Ann has not deleted it, and it is gone."""
        story = Story()
        story.notes(ANN, "n", "a")
        call = story.asks(who, "delete_note", id="n")
        story.fail(call) if answer == "refusal" else story.info(call)
        story.is_refused(ANN, "read_note", 404, id="n")
        assert {"foreign-object": 1} == story.found("access")
        assert [f"u00's note n is gone after {who} asked for delete_note"] == story.messages("access")

    def test_what_its_owner_may_have_deleted_is_held_against_nobody(self) -> None:
        """A deletion takes other objects with it: which, only the target knows."""
        story = Story(SERVICE)
        for verb, name in (("open", "f"), ("write", "n")):
            story.does(ANN, verb, {"id": name})
        story.is_refused(BOB, "drop", 404, note="n")
        story.does(ANN, "close", None, folder="f")
        story.is_refused(ANN, "read", 404, note="n")
        assert {} == story.found("access")

    def test_an_object_of_a_services_own_kind_has_an_owner(self) -> None:
        """The operations of a service are those that its header gives."""
        story = Story(SERVICE)
        story.does(ANN, "write", {"id": "n"})
        story.does(BOB, "read", {"id": "n"}, note="n")
        assert ["u01 succeeded with read on u00's note n"] == story.messages("access")

    @pytest.mark.parametrize("first", ["refusal", "success"])
    def test_a_refusal_counts_beside_the_owners_success_on_the_same_object(self, first: str) -> None:
        """In either order."""
        story = tried()
        if first == "success":
            story.is_refused(BOB, "read_note", id="n")
        assert (1 if first == "refusal" else 2) == story.examined("access", "foreign-object")
        assert {} == story.found("access")

    def test_each_refusal_counts_once(self) -> None:
        """Beside the first success of the owner's, and beside no other again."""
        story = tried(by_owner=False)
        story.is_refused(CAT, "read_note", id="n")
        for _ in range(2):
            story.does(ANN, "read_note", {"id": "n", "text": "a"}, id="n")
        assert 2 == story.examined("access", "foreign-object")

    def test_an_error_is_no_refusal(self) -> None:
        """Nobody knows what it would have been."""
        story = tried()
        story.info(story.asks(BOB, "read_note", id="n"))
        assert 1 == story.examined("access", "foreign-object")

    @pytest.mark.parametrize("end", ["answer", "refusal", "error"])
    def test_who_names_no_object_reaches_none(self, end: str) -> None:
        """The request was malformed."""
        story = tried()
        call = story.asks(BOB, "read_note")
        story.ok(call, {}) if end == "answer" else story.fail(call) if end == "refusal" else story.info(call)
        story.is_refused(BOB, "delete_note")
        assert ({}, {"foreign-object": 1}) == (story.found("access"), story.judged("access").examined)

    def test_an_owner_who_is_refused_for_another_reason_has_not_lost_it(self) -> None:
        """Bob tried to delete it; that it has changed meanwhile says that it is there."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.is_refused(BOB, "delete_note", id="n")
        story.is_refused(ANN, "edit_note", 409, id="n", text="b")
        assert {} == story.found("access")

    def test_who_comes_too_late_has_deleted_nothing(self) -> None:
        """Ann had deleted it herself."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.does(ANN, "delete_note", None, id="n")
        story.is_refused(BOB, "delete_note", id="n")
        story.is_refused(ANN, "read_note", 404, id="n")
        assert {} == story.found("access")

    def test_ids_may_be_counted_per_user(self) -> None:
        """Both were given the id 1."""
        story = Story()
        for user in (ANN, BOB):
            story.notes(user, "1", user)
            story.does(user, "read_note", {"id": "1", "text": user}, id="1")
        assert {} == story.found("access")

    def test_a_refusal_without_the_owners_success_proves_nothing(self) -> None:
        """Nobody may be able to read at all; an edit by the owner is another verb."""
        story = tried(by_owner=False)
        story.does(ANN, "edit_note", {"id": "n"}, id="n", text="b")
        assert {} == story.judged("access").examined

    def test_a_refusal_after_the_deletion_proves_nothing(self) -> None:
        """The object is gone for everybody."""
        story = tried()
        story.asks(ANN, "delete_note", id="n")
        story.is_refused(BOB, "read_note", id="n")
        assert 1 == story.examined("access", "foreign-object")

    def test_a_refusal_for_another_reason_proves_nothing(self) -> None:
        """Too many requests say nothing about whose object it is."""
        story = tried()
        story.is_refused(BOB, "read_note", 429, id="n")
        assert 1 == story.examined("access", "foreign-object")

    def test_a_conflict_proves_nothing(self) -> None:
        """An owner with an old version is refused with 409, too: whose object it is was not looked at."""
        story = tried()
        story.is_refused(BOB, "read_note", 409, id="n")
        assert 1 == story.examined("access", "foreign-object")


class TestExistenceRevealed:
    @pytest.mark.parametrize("order", ["foreign first", "unknown first"])
    @pytest.mark.parametrize(("status", "text"), [(403, "no note n"), (404, "note n is not yours")])
    def test_a_different_refusal_reveals_existence(self, order: str, status: int, text: str) -> None:
        """By its status or by its text; found once per verb."""
        story = Story()
        story.notes(ANN, "n", "a")
        if order == "unknown first":
            story.is_refused(BOB, "read_note", 404, "no note x", id="x")
        story.is_refused(BOB, "read_note", status, text, id="n")
        story.is_refused(BOB, "read_note", 404, "no note y", id="y")
        story.is_refused(BOB, "read_note", 404, "no note z", id="z")
        assert {"existence-revealed": 1} == story.found("access")
        shown = f"{status} {text.replace('note n', 'note <id>')!r}"
        assert [
            f"read_note refuses another's object with {shown}, but an id that nobody has with 404 'no note <id>'"
        ] == story.messages("access")

    def test_the_same_refusal_with_the_id_in_it_reveals_nothing(self) -> None:
        """Request numbers may differ, too."""
        story = Story()
        story.notes(ANN, "n-1", "a")
        story.is_refused(BOB, "read_note", 404, "no n-1 (request 17)", id="n-1")
        story.is_refused(BOB, "read_note", 404, "no n-2 (request 18)", id="n-2")
        assert {} == story.found("access")
        assert {"existence-revealed": 1} == story.judged("access").examined

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("6f1cab9e-0d4f-4a51-bc1e-3f0a9c7d2e10", "9ab2fe01-7c3d-4e8a-9f60-b1c2d3e4f5a6"),
            ("6F1CAB9E-0D4F-4A51-BC1E-3F0A9C7D2E10", "9AB2FE01-7C3D-4E8A-9F60-B1C2D3E4F5A6"),
            ("abcdefabcdef", "fedcbafedcba"),
        ],
    )
    def test_the_ids_of_requests_reveal_nothing(self, one: str, other: str) -> None:
        """Each refusal has another."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.is_refused(BOB, "read_note", 404, f"none, request {one}", id="n")
        story.is_refused(BOB, "read_note", 404, f"none, request {other}", id="x")
        assert {} == story.found("access")

    def test_a_conflict_reveals_existence(self) -> None:
        """There must be something to conflict with: an id that nobody has gives 404."""
        story = Story()
        story.notes(ANN, "n", "a")
        story.is_refused(BOB, "edit_note", 409, "conflict", id="n")
        story.is_refused(BOB, "edit_note", 404, "none", id="x")
        assert {"existence-revealed": 1} == story.found("access")

    def test_a_malformed_id_is_not_compared(self) -> None:
        """422 says that it is no id at all."""
        story = tried()
        story.is_refused(BOB, "read_note", 422, "not an id", id="?")
        assert 0 == story.examined("access", "existence-revealed")
        assert {} == story.found("access")

    def test_one_sort_of_refusal_alone_gives_nothing_to_compare(self) -> None:
        """Nor do refusals of different verbs."""
        story = tried()
        story.is_refused(BOB, "delete_note", id="x")
        assert 0 == story.examined("access", "existence-revealed")


class TestOpening:
    """A connection that a service opens on an object: over it things may come, or not."""

    @staticmethod
    def opened(by: str, folder: str, refused: int = 0, story: Story | None = None) -> Story:
        """Tell that somebody opened it on a folder of Ann's, `f`, or on another that nobody has."""
        if story is None:
            story = Story(SERVICE)
            story.does(ANN, "open", {"id": "f"})
        if refused:
            story.is_refused(by, "listen", refused, folder=folder)
        else:
            story.does(by, "listen", {"opened": "websocket"}, folder=folder)
        return story

    @pytest.mark.parametrize("first", ["foreign", "missing"])
    def test_one_that_stays_open_on_anothers_object_is_found(self, first: str) -> None:
        """Where one on an object that nobody has does not."""
        story = self.opened(ANN, "f")
        order = [(BOB, "f", 0), (BOB, "g", 1008)]
        for by, folder, refused in order if first == "foreign" else order[::-1]:
            self.opened(by, folder, refused, story)
        assert ["u01 succeeded with listen on u00's folder f"] == story.messages("access")

    @pytest.mark.parametrize("first", ["foreign", "missing"])
    @pytest.mark.parametrize("status", [400, 429])
    def test_a_refusal_for_another_reason_says_nothing_of_ids(self, first: str, status: int) -> None:
        """Who asked too often was not refused for the id that nobody has."""
        story = self.opened(ANN, "f")
        order = [(BOB, "f", 0), (BOB, "g", status)]
        for by, folder, refused in order if first == "foreign" else order[::-1]:
            self.opened(by, folder, refused, story)
        assert {} == story.found("access")

    def test_of_those_that_wait_so_many_are_kept_as_are_shown(self) -> None:
        """A stranger may open one again and again."""
        story = self.opened(ANN, "f")
        for _ in range(MOST_FINDINGS + 1):
            self.opened(BOB, "f", story=story)
        self.opened(BOB, "g", 1008, story)
        assert {"foreign-object": MOST_FINDINGS} == story.found("access")

    def test_where_all_stay_open_nothing_is_shown(self) -> None:
        """A service may let anybody wait for what never comes."""
        story = self.opened(BOB, "g", story=self.opened(BOB, "f", story=self.opened(ANN, "f")))
        assert ({}, {}) == (story.found("access"), story.judged("access").examined)

    def test_a_refusal_is_evidence_beside_the_owners_success(self) -> None:
        """As with any other operation."""
        story = self.opened(BOB, "f", 1008, self.opened(ANN, "f"))
        assert {"foreign-object": 1} == story.judged("access").examined

    def test_refusals_must_be_alike(self) -> None:
        """Closing codes tell what exists, too."""
        story = self.opened(BOB, "g", 4004, self.opened(BOB, "f", 4003, self.opened(ANN, "f")))
        assert {"existence-revealed": 1} == story.found("access")

    def test_one_that_stays_open_for_an_intruder_shows_nothing(self) -> None:
        """Nor does what is sent: it may be a refusal, as the harness does not know the frames of a service."""
        story = self.opened(EVE, "f", story=self.opened(ANN, "f"))
        story.push(EVE, "r", "t", 0)
        assert ({}, {}) == (story.found("access"), story.judged("access").examined)

    def test_a_refusal_of_an_intruder_is_evidence(self) -> None:
        """Beside a valid user's success."""
        story = self.opened(EVE, "f", 401, self.opened(ANN, "f"))
        assert {"unauthenticated": 1} == story.judged("access").examined


class TestSeveralIdsInOneRequest:
    PROMISES = Promises(
        operations={
            known.name: known
            for known in (
                Semantics("open", makes="folder"),
                Semantics("write", makes="note", takes="folder", argument="folder", needs=(("folder", "folder"),)),
                Semantics(
                    "read", takes="note", argument="note", needs=(("folder", "folder"), ("note", "note")), reads=True
                ),
            )
        }
    )

    def told(self, folder: str) -> Story:
        """Tell of Ann's note in her folder; Bob asks for it in this folder, and for a note of nobody's in his own."""
        story = Story(self.PROMISES)
        story.does(ANN, "open", {"id": "fa"})
        story.does(BOB, "open", {"id": "fb"})
        story.does(ANN, "write", {"id": "n"}, folder="fa")
        story.does(ANN, "read", {"id": "n"}, folder="fa", note="n")
        story.is_refused(BOB, "read", 404, "no such folder", folder=folder, note="n")
        story.is_refused(BOB, "read", 404, "no such note", folder="fb", note="nobody's")
        return story

    def test_the_refusal_of_another_s_folder_says_nothing_of_the_note_in_it(self) -> None:
        """Another's folder is refused as a folder, one's own without the note as a note: nothing is revealed."""
        story = self.told("fa")
        assert ({}, 0) == (story.found("access"), story.examined("access", "existence-revealed"))

    def test_another_s_note_in_one_s_own_folder_must_be_refused_like_none(self) -> None:
        """Only the note differs, so what differs in the answers is told of the note."""
        assert {"existence-revealed": 1} == self.told("fb").found("access")
