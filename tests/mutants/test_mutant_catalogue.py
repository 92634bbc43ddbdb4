from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from harness.claims.evidence import SubjectKind, Suite
from harness.history.model import Credential, Operation, Refused, Target, Unreachable, User
from harness.judging.checkers import CHECKERS
from harness.mutants import MUTANTS, NULLS, REFERENCE, SUBJECTS, TWINS, create, subject_app
from harness.mutants.subject import by_name, twin
from harness.targets.reference import ReferenceTarget
from reference_impl.app import Parts, Settings

ROWS = {"A": 25, "B": 12, "C": 10, "D": 8, "E": 7}
"""The sections of the incident catalogue, and how many rows each has."""

SETTINGS = Settings(database_url="sqlite+aiosqlite:///never-made.db", token_secret="a secret of 32 bytes or more .....")


class TestCatalogue:
    def test_names_are_unique_and_kebab_case(self) -> None:
        """A name finds one subject, on any command line."""
        assert len(MUTANTS) + len(TWINS) + len(NULLS) == len(SUBJECTS)
        for name, subject in SUBJECTS.items():
            assert name == subject.name
            assert name.replace("-", "a").isalnum()
            assert name.islower()
            assert name != REFERENCE

    def test_one_name_for_two_is_refused(self) -> None:
        """A subject never hides another."""
        with pytest.raises(ValueError, match="two subjects are called same"):
            by_name(twin("same", "one"), twin("same", "two"))

    def test_there_are_enough(self) -> None:
        """Enough of each kind to trust the checkers by."""
        assert len(MUTANTS) >= 24
        assert len(TWINS) >= 12
        assert len(NULLS) == 4

    @pytest.mark.parametrize("subject", MUTANTS.values(), ids=[*MUTANTS])
    def test_a_mutant_models_an_incident_and_expects_a_checker(self, subject) -> None:
        """Each planted bug happened somewhere, and somebody is to see it."""
        assert subject.kind is SubjectKind.MUTANT
        assert subject.expected in CHECKERS
        if subject.name in ("silent-legacy", "changed-legacy"):  # what no row is about: how the old API is left
            assert subject.incident == ""
        else:
            assert 1 <= int(subject.incident[1:]) <= ROWS[subject.incident[0]]

    def test_every_section_of_the_catalogue_is_modelled(self) -> None:
        """No family of incidents is left out."""
        modelled = Counter(subject.incident[:1] for subject in MUTANTS.values())
        assert {section for section in ROWS if modelled[section] >= 4} == set(ROWS)

    def test_every_checker_has_a_mutant(self) -> None:
        """A checker without a mutant could be blind."""
        assert set(CHECKERS) == {subject.expected for subject in MUTANTS.values()}

    def test_only_mutants_expect_to_be_seen(self) -> None:
        """Twins and null targets are not bugs with a finder."""
        assert {""} == {subject.expected + subject.incident for subject in [*TWINS.values(), *NULLS.values()]}

    def test_the_shared_bridge_is_tried_under_load_as_well(self) -> None:
        """The load suite must show that it can see, too."""
        assert {Suite.PROPERTIES, Suite.SCHEDULES, Suite.LOAD} == set(MUTANTS["shared-bridge"].suites)
        assert MUTANTS["shared-bridge"].expected == "misdelivery"

    def test_every_sentence_says_something_of_its_own(self) -> None:
        """What is wrong, or why nothing is, in words."""
        sentences = [subject.sentence for subject in SUBJECTS.values()]
        assert len({*sentences}) == len(sentences)
        assert all(len(sentence.split()) >= 3 for sentence in sentences)


class TestMaking:
    @pytest.mark.parametrize("name", [REFERENCE, *MUTANTS, *TWINS])
    def test_an_application_is_made_of_it(self, name: str) -> None:
        """A server process can serve each, by its name."""
        assert subject_app(name)(SETTINGS).state.backend.registry.frozen

    @pytest.mark.parametrize("name", [*MUTANTS, *TWINS])
    def test_its_parts_are_made_anew(self, name: str) -> None:
        """No state outlives its application: whatever is an instance is another one next time."""
        first, second = SUBJECTS[name].parts(), SUBJECTS[name].parts()
        for field in Parts.__slots__:
            one, other = getattr(first, field), getattr(second, field)
            if one is other:
                assert isinstance(one, type) or callable(one) or field == "agents"
                assert not hasattr(one, "__dict__") or isinstance(one, type) or not vars(one)

    def test_an_unknown_name_is_told_what_there_is(self) -> None:
        """The error lists the names."""
        with pytest.raises(KeyError, match="shared-bridge"):
            subject_app("no-such-mutant")

    @pytest.mark.parametrize("subject", NULLS.values(), ids=[*NULLS])
    def test_a_null_target_is_no_application(self, subject) -> None:
        """It is built on nothing of the reference."""
        with pytest.raises(ValueError, match="null target"):
            create(subject, SETTINGS)
        assert subject.server is None


class TestNullTargets:
    def test_grant_all_grants_everything_to_intruders_too(self) -> None:
        """Yes to everybody."""
        answer = _asked("grant-all", User(0, "nobody", Credential.NONE), Operation("read_note", {"note": "7"}))
        assert answer["id"] == "7"

    def test_deny_all_refuses_its_users_too(self) -> None:
        """No to everybody."""
        with pytest.raises(Refused, match="403"):
            _asked("deny-all", User(0, "alice"), Operation("list_notes"))

    def test_echo_all_answers_what_was_asked(self) -> None:
        """Nothing but what came in."""
        assert [{"text": "mine"}] == [
            {"text": found["text"]}
            for found in _asked("echo-all", User(0, "alice"), Operation("search_notes", {"text": "mine"}))
        ]

    def test_the_dead_cannot_be_reached(self) -> None:
        """There is nothing to verify."""
        with pytest.raises(Unreachable):
            _asked("dead", User(0, "alice"), Operation("list_notes"))


def _asked(name: str, user: User, operation: Operation):
    async def ask():
        async with NULLS[name].open() as target:
            assert not isinstance(target, ReferenceTarget)
            return await _invoked(target, user, operation)

    return asyncio.run(ask())


async def _invoked(target: Target, user: User, operation: Operation):
    client = await target.connect(user, lambda topic, value: None)
    try:
        return await client.invoke(operation)
    finally:
        await client.close()
