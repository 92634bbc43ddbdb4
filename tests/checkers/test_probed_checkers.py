"""Tests of the checkers that judge facts seen from inside."""

from __future__ import annotations

from typing import ClassVar

import pytest
from stories import ANN, BOB, Story

from harness.history.probes import (
    ALIASES,
    CONNECTION,
    CONTEXT_ID,
    CONTEXT_KEY,
    CONTEXT_WRITE,
    LEGACY_CALL,
    LEGACY_EVENT,
    REGISTRY_ENTRY,
    REGISTRY_READ,
    REGISTRY_WRITE,
    SESSION,
)


class TestResidue:
    def test_what_is_still_held_is_residue_and_found_once(self) -> None:
        """Two sessions more than at the start, however often it is asked."""
        story = Story()
        story.holds("start", sessions=0, tasks=1)
        story.does(ANN, "list_notes", [])
        story.holds("settled", sessions=2, tasks=1)
        story.holds("settled", sessions=2, tasks=1)
        assert {"residue": 1} == story.found("residue")
        assert ["2 sessions still held after 1 ended requests (0 at start)"] == story.messages("residue")

    def test_a_kind_that_was_not_held_at_the_start_counts_from_zero(self) -> None:
        """It was not even named then."""
        story = Story()
        story.holds("start")
        story.does(ANN, "list_notes", [])
        story.holds("settled", sockets=1)
        assert {"residue": 1} == story.found("residue")

    def test_what_is_back_at_its_level_is_none(self) -> None:
        """Each kind is a fact."""
        story = Story()
        story.holds("start", sessions=1, tasks=1)
        story.does(ANN, "list_notes", [])
        story.holds("settled", sessions=1, tasks=0)
        assert {} == story.found("residue")
        assert {"residue": 2} == story.judged("residue").examined

    def test_without_a_request_or_a_baseline_nothing_is_examined(self) -> None:
        """Nothing was acquired, or nobody knows what was there before."""
        idle = Story()
        idle.holds("start", sessions=0)
        idle.holds("settled", sessions=5)
        unknown = Story()
        unknown.does(ANN, "list_notes", [])
        unknown.holds("settled", sessions=5)
        assert ({}, {}) == (idle.judged("residue").examined, unknown.judged("residue").examined)


class TestSessions:
    @staticmethod
    def uses(story: Story, kind: str, number: int, call: int | None, action: str = "use") -> None:
        story.probe(kind, {"action": action, kind: number}, ANN, call)

    def test_a_session_used_by_two_requests_is_shared(self) -> None:
        """Before it was closed."""
        story = Story()
        self.uses(story, SESSION, 1, 10)
        self.uses(story, SESSION, 1, 11)
        assert {"shared-session": 1} == story.found("sessions")
        assert ["call 11 used session 1 while call 10 held it"] == story.messages("sessions")

    def test_a_connection_used_by_another_request_than_took_it_is_shared(self) -> None:
        """Between checkout and return."""
        story = Story()
        self.uses(story, CONNECTION, 1, 10, "checkout")
        self.uses(story, CONNECTION, 1, 11)
        assert {"shared-connection": 1} == story.found("sessions")

    def test_a_session_may_be_used_again_after_its_close(self) -> None:
        """And so may a pooled connection after its return."""
        story = Story()
        for call in (10, 11):
            self.uses(story, CONNECTION, 1, call, "checkout")
            self.uses(story, SESSION, 1, call)
            self.uses(story, CONNECTION, 1, call)
            self.uses(story, SESSION, 1, call)
            self.uses(story, SESSION, 1, None, "close")
            self.uses(story, CONNECTION, 1, None, "checkin")
        assert {} == story.found("sessions")
        assert {"shared-session": 2, "shared-connection": 1} == dict(story.judged("sessions").examined)

    def test_work_of_no_request_is_not_judged(self) -> None:
        """Start-up and maintenance share with nobody."""
        story = Story()
        self.uses(story, SESSION, 1, 10)
        self.uses(story, SESSION, 1, None)
        self.uses(story, CONNECTION, 1, None, "checkout")
        self.uses(story, CONNECTION, 1, 10)
        assert {} == story.found("sessions")

    def test_a_connection_whose_checkout_was_not_seen_is_held_by_nobody(self) -> None:
        """Who has it is not guessed from its uses, nor from who returned it."""
        story = Story()
        self.uses(story, CONNECTION, 1, 9, "checkout")
        self.uses(story, CONNECTION, 1, 9, "checkin")
        self.uses(story, CONNECTION, 1, 10)
        self.uses(story, CONNECTION, 1, 11)
        assert {} == story.found("sessions")

    def test_one_request_of_each_kind_gives_nothing_to_examine(self) -> None:
        """Who uses a session shares none with who uses a connection."""
        story = Story()
        self.uses(story, SESSION, 1, 10)
        self.uses(story, CONNECTION, 1, 11, "checkout")
        self.uses(story, CONNECTION, 1, 11)
        assert {} == story.judged("sessions").examined

    def test_one_request_alone_gives_nothing_to_examine(self) -> None:
        """There is nobody to share with."""
        story = Story()
        self.uses(story, SESSION, 1, 10)
        self.uses(story, SESSION, 2, 10)
        assert {} == story.judged("sessions").examined


class TestImmutability:
    @pytest.mark.parametrize(
        ("name", "value", "anomaly"),
        [
            (REGISTRY_ENTRY, {"name": "narrator", "is_class": False}, "instance-in-registry"),
            (REGISTRY_WRITE, {"via": "items()", "changed": True}, "mutable-registry"),
            (CONTEXT_WRITE, {"via": "metadata", "changed": True}, "mutable-context"),
        ],
    )
    def test_what_changed_or_is_no_class_is_found(self, name: str, value: dict[str, object], anomaly: str) -> None:
        """Each by its own anomaly."""
        story = Story()
        story.probe(name, value)
        assert {anomaly: 1} == story.found("immutability")

    def test_what_withstood_is_a_fact(self) -> None:
        """One attempt, one fact."""
        story = Story()
        story.probe(REGISTRY_ENTRY, {"name": "narrator", "is_class": True})
        story.probe(REGISTRY_WRITE, {"via": "items()", "changed": False})
        story.probe(CONTEXT_WRITE, {"via": "metadata", "changed": False})
        assert {} == story.found("immutability")
        assert {"instance-in-registry": 1, "mutable-registry": 1, "mutable-context": 1} == dict(
            story.judged("immutability").examined
        )

    def test_without_parts_nothing_is_examined(self) -> None:
        """Calls say nothing of parts."""
        story = Story()
        story.does(ANN, "list_notes", [])
        assert {} == story.judged("immutability").examined


class TestAgreement:
    @staticmethod
    def reads(story: Story, number: int, *names: str, frozen: bool = True) -> None:
        story.probe(REGISTRY_READ, {"round": number, "frozen": frozen, "names": list(names)})

    def test_two_reads_of_one_frozen_registry_must_agree(self) -> None:
        """The second names one agent less."""
        story = Story()
        self.reads(story, 1, "a", "b")
        self.reads(story, 1, "a")
        assert {"split-read": 1} == story.found("agreement")

    def test_order_rounds_and_reads_before_the_freeze_may_differ(self) -> None:
        """Only the set of a frozen registry of one round is fixed."""
        story = Story()
        self.reads(story, 1, "a", frozen=False)
        self.reads(story, 1, "a", "b")
        self.reads(story, 1, "b", "a")
        self.reads(story, 2, "c")
        assert {} == story.found("agreement")
        assert {"split-read": 1} == story.judged("agreement").examined

    def test_a_single_read_agrees_with_nothing(self) -> None:
        """There is nothing to compare it with."""
        story = Story()
        self.reads(story, 1, "a")
        assert {} == story.judged("agreement").examined


class TestIdentity:
    @staticmethod
    def offers(story: Story, text: str, legitimate: bool, accepted: bool) -> None:
        story.probe(CONTEXT_ID, {"field": "user_id", "text": text, "legitimate": legitimate, "accepted": accepted})

    def test_an_id_judged_wrongly_is_found(self) -> None:
        """Both ways."""
        story = Story()
        self.offers(story, "None", legitimate=False, accepted=True)
        self.offers(story, "default_user", legitimate=True, accepted=False)
        assert {"placeholder-accepted": 1, "legitimate-refused": 1} == story.found("identity")
        assert [
            "the placeholder user_id 'None' was accepted",
            "the legitimate user_id 'default_user' was refused",
        ] == story.messages("identity")

    def test_an_id_judged_rightly_is_a_fact(self) -> None:
        """A user may be called `default_user`, if the offer says so."""
        story = Story()
        self.offers(story, "None", legitimate=False, accepted=False)
        self.offers(story, "default_user", legitimate=True, accepted=True)
        assert {} == story.found("identity")
        assert {"placeholder-accepted": 1, "legitimate-refused": 1} == story.judged("identity").examined

    def test_one_key_for_different_parts_is_a_collision(self) -> None:
        """Joined with a separator that the parts may contain."""
        story = Story()
        story.probe(CONTEXT_KEY, {"parts": ["u", "1_t"], "key": "u_1_t"})
        story.probe(CONTEXT_KEY, {"parts": ["u_1", "t"], "key": "u_1_t"})
        assert {"key-collision": 1} == story.found("identity")

    def test_the_same_parts_may_have_the_same_key(self) -> None:
        """That is what a key is for; only a key beside a different one is a fact."""
        story = Story()
        story.probe(CONTEXT_KEY, {"parts": ["u", "t"], "key": "1"})
        story.probe(CONTEXT_KEY, {"parts": ["u", "t"], "key": "1"})
        assert {} == story.judged("identity").examined
        story.probe(CONTEXT_KEY, {"parts": ["v", "t"], "key": "2"})
        assert {"key-collision": 1} == story.judged("identity").examined
        assert {} == story.found("identity")


class TestLegacy:
    @staticmethod
    def calls(
        story: Story, works: bool = True, warning: str = "use create_app", replacement: str = "create_app"
    ) -> None:
        story.probe(LEGACY_CALL, {"call": "get", "works": works, "warning": warning, "replacement": replacement})

    @pytest.mark.parametrize(("warning", "replacement"), [("", "create_app"), ("this is old", "create_app"), ("", "")])
    def test_a_call_that_does_not_name_its_replacement_is_silent(self, warning: str, replacement: str) -> None:
        """A warning must say what to use instead; where there is nothing instead, it must warn all the same."""
        story = Story()
        self.calls(story, warning=warning, replacement=replacement)
        assert {"legacy-silent": 1} == story.found("migration")

    def test_a_call_that_does_not_work_is_broken(self) -> None:
        """However well it warns."""
        story = Story()
        self.calls(story, works=False)
        assert {"legacy-broken": 1} == story.found("migration")

    def test_an_event_that_reaches_another_is_shared(self) -> None:
        """Bob received Ann's."""
        story = Story()
        story.probe(LEGACY_EVENT, {"owner": ANN, "observer": BOB})
        assert {"legacy-shared": 1} == story.found("migration")

    def test_a_call_that_works_and_warns_is_a_fact(self) -> None:
        """And so is an event that reaches its owner beside another user's."""
        story = Story()
        self.calls(story)
        story.probe(LEGACY_EVENT, {"owner": ANN, "observer": ANN})
        story.probe(LEGACY_EVENT, {"owner": BOB, "observer": BOB})
        assert {} == story.found("migration")
        assert {"legacy-broken": 1, "legacy-silent": 1, "legacy-shared": 1} == story.judged("migration").examined

    def test_with_one_user_nothing_can_be_shared(self) -> None:
        """Ann alone proves nothing."""
        story = Story()
        story.probe(LEGACY_EVENT, {"owner": ANN, "observer": ANN})
        assert {} == story.judged("migration").examined


class TestAliasing:
    SHARED: ClassVar = {
        "type": "dict",
        "owner": ANN,
        "observer": BOB,
        "path_owner": "context.metadata",
        "path_observer": "context.metadata",
    }

    def test_a_mutable_object_of_two_users_is_aliased(self) -> None:
        """Each shared object is named with both paths."""
        story = Story()
        story.probe(ALIASES, {"compared": 3, "shared": [self.SHARED]})
        assert {"aliased-state": 1} == story.found("aliasing")
        assert ["u01's context.metadata and u00's context.metadata are one dict"] == story.messages("aliasing")

    def test_comparisons_without_a_common_object_are_facts(self) -> None:
        """As many as the tap says."""
        story = Story()
        story.probe(ALIASES, {"compared": 3, "shared": []})
        assert {} == story.found("aliasing")
        assert {"aliased-state": 3} == story.judged("aliasing").examined

    def test_nothing_compared_is_nothing_examined(self) -> None:
        """No two users were at work at once."""
        story = Story()
        story.probe(ALIASES, {"compared": 0, "shared": []})
        assert {} == story.judged("aliasing").examined
