from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from test_repertoire import FOLDERS

from harness.history.model import Promises
from harness.history.names import NAMES, people
from harness.properties.fixed_programs import fixed_programs
from harness.scenario.program import Do, Program
from harness.targets.bundled import BUNDLED

ALL = BUNDLED.promises
USERS = 3
PROGRAMS = {program.name: program for program in fixed_programs(USERS, ALL)}

HOME = ("connect*3 open_thread*6", "follow*3")
ALONE = ("connect open_thread*2", "follow")
OPENED = (ALONE[0], "events", ALONE[1])
READ = "read_thread read_note"
LOOK = "list_notes search_notes list_threads"
TRIED = f"follow {READ} edit_note stall fail remember narrate recall read_run cancel_run delete_note"
OWNER = (
    *(f"follow {READ} read_run", "narrate", "recall", "remember", "fail", TRIED, TRIED, "edit_note list_notes*2"),
    *(f"narrate {READ}", "stall", "cancel_run", "cancel_run"),
)
BUSY = (
    *("write_note*3", "narrate*6 tick*3", "narrate*3 remember*3"),
    "list_notes*3 search_notes*3 list_threads*3 read_thread*3 read_note*3 read_run*3 recall*3",
)
INTRUDED = (
    f"follow open_thread write_note {READ} list_threads list_notes search_notes edit_note fail remember narrate recall"
)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "solo": (
        *(
            *OPENED,
            "write_note",
            "write_note",
            f"read_thread*2 read_note*2 {LOOK}",
            "edit_note",
            "narrate remember",
            "fail",
            "recall",
        ),
        *(f"read_run {LOOK}", "delete_note", f"{LOOK} {READ}"),
    ),
    "in-turn": USERS * (*ALONE, "write_note", *LOOK.split(), "narrate", "recall", f"read_run {READ}"),
    "access": (*HOME, "write_note*3", "narrate*3", *USERS * OWNER, "cancel_run*3", "delete_note*3"),
    "limits": (
        *(*HOME, "stall*5", "stall*2", "narrate*2", "compare", "list_notes*2 write_note*2"),
        *("cancel_run*7", "narrate*3"),
    ),
    "edits": USERS * ("write_note", "edit_note*2", f"read_note {LOOK}"),
    "faults": (
        *(*HOME, "write_note*3", "fail", "fail narrate", "slow*2 write_note"),
        *("write_note*9 tick*18 cancel*18 remember*9 list_notes", "narrate disconnect", "narrate", "connect"),
        *("narrate", "list_notes*3"),
    ),
    "crowd": (HOME[0], "follow*3 connect*2", "follow*2", "follow", *BUSY, *BUSY),
    "intruders": (
        *(*OPENED, "write_note", f"narrate {LOOK} {READ}", "read_run"),
        *6 * ("events", f"{INTRUDED} read_run cancel_run delete_note"),
        *("stall*6", f"{LOOK} edit_note"),
    ),
}
"""What the bundled backend is asked at once, group by group: each operation in the order of its first asking."""


def asked(program: Program) -> Counter[str]:
    """Return how often each operation is asked for."""
    return Counter(step.operation.name for step in program.steps if step.operation is not None)


def groups(program: Program) -> Iterator[str]:
    """Yield what is done between two settlings."""
    group: Counter[str] = Counter()
    for step in program.steps:
        if step.do is Do.SETTLE:
            yield " ".join(f"{name}*{count}" if count > 1 else name for name, count in group.items())
            group.clear()
        else:
            group[step.operation.name if step.operation is not None else step.do.value] += 1


class TestFixedPrograms:
    @pytest.mark.parametrize("promises", [ALL, FOLDERS.promises], ids=["bundled", "folders"])
    def test_ask_for_every_operation(self, promises: Promises) -> None:
        """What none of them asks for would be left to chance."""
        steps = [step for program in fixed_programs(USERS, promises) for step in program.steps]
        asked = {step.operation.name for step in steps if step.operation and step.do is Do.ASK}
        assert set(promises.operations) == asked

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_ask_the_bundled_backend_the_same_in_the_same_order(self, name: str) -> None:
        """The kill matrix rests on it: each mutant shows on the program that it names."""
        assert GROUPS[name] == tuple(groups(PROGRAMS[name]))

    @pytest.mark.parametrize("kind", [kind for kind in Do if kind is not Do.JOIN])
    def test_take_every_kind_of_step(self, kind: Do) -> None:
        """Every fault is injected somewhere; that all are answered is waited for with all else."""
        assert kind in {step.do for program in PROGRAMS.values() for step in program.steps}

    def test_lack_what_the_service_lacks(self) -> None:
        """A program without its question is none: no work that waits, no limits; nothing to edit, no edits."""
        routes = {name: s for name, s in FOLDERS.promises.operations.items() if not s.edits}
        assert ["solo", "in-turn", "access", "faults", "crowd"] == [
            program.name for program in fixed_programs(USERS, Promises(operations=routes))
        ]

    def test_of_intruders_are_left_out_where_no_credential_can_be_tried(self) -> None:
        """And stand last where one can."""
        without = replace(ALL, credentials=frozenset())
        assert [*PROGRAMS][:-1] == [program.name for program in fixed_programs(USERS, without)]

    def test_of_intruders_try_each_credential_under_the_name_of_a_valid_user(self) -> None:
        """An expired token of somebody who exists is the one that careless code accepts."""
        strangers = PROGRAMS["intruders"].users[USERS:]
        assert {(PROGRAMS["intruders"].users[0].name, credential) for credential in ALL.credentials} == {
            (user.name, user.credential) for user in strangers
        }

    def test_fill_as_many_slots_as_the_service_states(self) -> None:
        """And two more, which must wait."""
        limits = {p.name: p for p in fixed_programs(USERS, replace(ALL, runs_per_user=5))}["limits"]
        assert 5 + 2 + (USERS - 1) == asked(limits)["stall"]

    def test_name_no_two_users_alike_for_the_service(self) -> None:
        """Who is one user to the service is one here."""
        (solo, *_) = fixed_programs(USERS, ALL, str.casefold)
        assert USERS == len({user.name.casefold() for user in solo.users})


class TestPeople:
    def test_are_distinct(self) -> None:
        """By number and by name, also when there are more of them than names."""
        crowd = people(5 * len(NAMES))
        assert (60, 60) == (len({user.name for user in crowd}), len({user.number for user in crowd}))

    def test_are_distinct_to_a_service_that_folds_names(self) -> None:
        """Numbers have no gaps, whatever names are passed over."""
        crowd = people(5 * len(NAMES), str.casefold)
        assert 60 == len({user.name.casefold() for user in crowd})
        assert [*range(60)] == [user.number for user in crowd]

    def test_begin_with_the_names_that_are_most_easily_confused(self) -> None:
        """As many of them as the service keeps apart."""
        assert NAMES == tuple(user.name for user in people(len(NAMES)))
        assert [name for name in NAMES if name != "Alice"] == [
            user.name for user in people(len(NAMES) - 1, str.casefold)
        ]

    def test_are_too_few_where_the_service_takes_all_names_for_one(self) -> None:
        """A description that says so is wrong, and nobody searches for ever."""
        with pytest.raises(ValueError, match="leaves 1 users of 2"):
            people(2, lambda name: "")
