"""What can be asked of a service, sorted by what it does."""

from __future__ import annotations

import pytest

from harness.adapter import Adapter, Channel, Message, Route, nobody
from harness.history.model import Operation, Promises
from harness.history.semantics import Semantics
from harness.scenario.program import Step
from harness.scenario.repertoire import OperationKind, Repertoire, kind_of, levels_of
from harness.targets.bundled import BUNDLED

FOLDERS = Adapter(
    name="folders",
    sign_in=nobody(),
    routes=[
        Route("open_folder", "POST", "/folders", json={"title": "{canary}"}, makes="folder"),
        Route("write", "POST", "/folders/{folder}/notes", json={"text": "{canary}"}, makes="note"),
        Route("copy", "POST", "/notes/{note}/copies", json={"by": "{user}"}, makes="note"),
        Route("read", "GET", "/folders/{folder}/notes/{note}", shows="text"),
        Route(
            "edit",
            "PUT",
            "/notes/{note}",
            json={"id": "{note:body}", "text": "{canary}", "version": "{version}"},
            edits=True,
            version="version",
        ),
        Route("list", "GET", "/notes", lists="note", shows="text"),
        Route("search", "GET", "/notes", query={"q": "{query}"}, lists="note", shows="text"),
        Route("drop", "DELETE", "/notes/{note}", deletes=True),
        Route("drop_folder", "DELETE", "/folders/{folder}", deletes=True),
        Route("me", "GET", "/me"),
    ],
    channels=[
        Channel("feed", "sse", "/feed", query={"session": "{session}"}),
        Channel(
            "room",
            "websocket",
            "/folders/{folder}/room",
            messages=[Message("say", {"say": "{canary}"}, done={"type": "said"})],
        ),
    ],
)
"""A plain service of notes in folders: no work, and nothing that it states of what it pushes."""


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("open_folder", ()),
        ("read", (("folder", "folder"), ("note", "note"))),
        ("edit", (("note", "note"), ("note:body", "note"))),
        ("copy", (("note", "note"),)),
        ("search", ()),
        ("feed", ()),
        ("room", (("folder", "folder"),)),
        ("say", ()),
    ],
)
def test_an_operation_needs_an_object_for_each_of_its_arguments(name: str, needs: tuple[tuple[str, str], ...]) -> None:
    """One for each id that it names; what is given beside objects is none."""
    assert needs == FOLDERS.promises.operations[name].needs


def test_what_has_a_query_in_its_request_is_given_one() -> None:
    """Also work that searches, and lists nothing."""
    asking = {name for name, semantics in BUNDLED.promises.operations.items() if semantics.needs_query}
    assert {"search_notes", "recall"} == asking


def test_a_message_is_said_over_its_channel() -> None:
    """Nothing else is."""
    over = {name: semantics.over for name, semantics in FOLDERS.promises.operations.items() if semantics.over}
    assert {"say": "room"} == over


CAN = Repertoire(FOLDERS.promises)
BACKEND = Repertoire(BUNDLED.promises)


def named(*operations: Semantics) -> tuple[str, ...]:
    """Return the names of operations."""
    return tuple(semantics.name for semantics in operations)


def lines(steps: list[Step]) -> list[str]:
    """Return what is asked, line by line."""
    return [str(step) for step in steps]


class TestSorting:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("open_thread", OperationKind.MAKE),
            ("read_note", OperationKind.READ),
            ("list_notes", OperationKind.LIST),
            ("search_notes", OperationKind.SEARCH),
            ("edit_note", OperationKind.EDIT),
            ("delete_note", OperationKind.DELETE),
            ("narrate", OperationKind.REPEAT),
            ("remember", OperationKind.WRITE),
            ("recall", OperationKind.WORK),
            ("fail", OperationKind.FAIL),
            ("stall", OperationKind.WAIT),
            ("read_run", OperationKind.GET_STATUS),
            ("cancel_run", OperationKind.END),
            ("events", OperationKind.OPEN),
            ("follow", OperationKind.SUBSCRIBE),
        ],
    )
    def test_an_operation_of_the_bundled_backend_does_one_thing(self, name: str, kind: OperationKind) -> None:
        """What it does is found in its semantics, never in its name."""
        assert kind is kind_of(BUNDLED.promises.operations[name])

    def test_every_operation_that_can_be_asked_is_sorted_once(self) -> None:
        """Whatever the description says of it."""
        assert sorted(FOLDERS.promises.operations) == sorted(named(*CAN.which(*OperationKind)))

    def test_what_nothing_makes_cannot_be_asked_for(self) -> None:
        """An operation that needs a draft is left out where no operation makes drafts."""
        promises = Promises(
            operations={
                "read": Semantics("read", takes="draft", argument="draft", needs=(("draft", "draft"),), reads=True)
            }
        )
        assert () == Repertoire(promises).which(*OperationKind)

    def test_what_makes_something_comes_after_what_makes_what_it_needs(self) -> None:
        """Folders, notes in them, copies of notes."""
        assert [("open_folder",), ("write",), ("copy",)] == [named(*level) for level in CAN.levels]

    def test_operations_that_need_each_others_objects_are_in_no_level(self) -> None:
        """Nobody can begin, so the search for levels ends."""
        hen = Semantics("hen", makes="hen", needs=(("egg", "egg"),))
        egg = Semantics("egg", makes="egg", needs=(("hen", "hen"),))
        assert [] == levels_of([hen, egg])

    def test_a_container_is_what_others_are_made_in_or_listened_to(self) -> None:
        """A note of which copies are made holds none of them."""
        assert (frozenset({"folder"}), frozenset({"thread"})) == (CAN.containers, BACKEND.containers)

    def test_work_that_nobody_can_end_is_not_made_to_wait(self) -> None:
        """It would hold its slot for ever."""
        without = {name: s for name, s in BUNDLED.promises.operations.items() if name != "cancel_run"}
        assert (("stall",), ()) == (named(*BACKEND.waiting), Repertoire(Promises(operations=without)).waiting)

    def test_texts_are_brought_in_by_what_makes_contents_and_by_what_only_carries_them(self) -> None:
        """What needs contents comes late."""
        assert (("write", "say"), ("copy",)) == (named(*CAN.writing), named(*CAN.late))

    def test_what_changes_nothing_is_looked_at_beside_what_lists(self) -> None:
        """Whatever else it does: last, and nobody waits for it."""
        assert (True, "me") == ("list" in named(*CAN.looking), named(*CAN.looking)[-1])

    def test_texts_are_brought_in_by_new_containers_where_there_is_nothing_else(self) -> None:
        """A service of threads and runs alone."""
        alone = {name: BUNDLED.promises.operations[name] for name in ("open_thread", "narrate")}
        assert ("open_thread",) == named(*Repertoire(Promises(operations=alone)).writing)


class TestSteps:
    def test_the_nth_object_is_in_the_first_container(self) -> None:
        """Contents are made there, so that any of them can be asked for."""
        step = CAN.ask(1, FOLDERS.promises.operations["read"], owner=0, nth=2)
        assert "user 1 asks read(folder=$folder:0:0, note=$note:0:2)" == str(step)

    def test_two_places_of_one_kind_are_given_one_object(self) -> None:
        """As somebody does who asks rightly; every text is the user's own."""
        step = CAN.ask(0, FOLDERS.promises.operations["edit"], nth=1, text="{mark}")
        assert "user 0 asks edit(note=$note:0:1, note:body=$note:0:1, text={mark})" == str(step)

    def test_an_object_of_nobody_is_asked_for_within_ones_own(self) -> None:
        """Only the object that the operation takes is nobody's."""
        step = CAN.ask(1, FOLDERS.promises.operations["read"], of_nobody=True)
        assert "user 1 asks read(folder=$folder:1:0, note=$missing:note)" == str(step)
        step = BACKEND.ask(1, BUNDLED.promises.operations["edit_note"], of_nobody=True)
        assert "user 1 asks edit_note(note=$missing:note)" == str(step)

    def test_an_object_may_be_called_like_something_given(self) -> None:
        """The kinds of objects and what is given beside them are told apart."""
        seen = Semantics("read", takes="seen", argument="seen", needs=(("seen", "seen"),))
        assert Operation("read", {"seen": "$seen:0:0"}) == CAN.ask(0, seen).operation

    def test_each_of_several_ids_is_mixed_alone(self) -> None:
        """The one is the owner's, all others are the asking user's own; a single id cannot be mixed."""
        assert [
            "user 1 asks read(folder=$folder:0:0, note=$note:1:0)",
            "user 1 asks read(folder=$folder:1:0, note=$note:0:0)",
        ] == lines([*CAN.mixed(1, FOLDERS.promises.operations["read"], 0)])
        assert [] == [*CAN.mixed(1, FOLDERS.promises.operations["drop"], 0)]

    def test_at_home_are_two_containers_and_the_open_channels(self) -> None:
        """Contents come later."""
        assert [
            "user 3: connect",
            "user 3 asks feed()",
            "user 3 asks open_folder(text=first folder {mark})",
            "user 3 asks open_folder(text=second folder {mark})",
        ] == lines(CAN.home([3]))

    def test_a_channel_is_opened_by_the_first_thing_that_is_said_over_it(self) -> None:
        """So who comes home need not open it, and a program that asks for it can."""
        assert (("events",), ()) == (named(*BACKEND.spoken_over), named(*CAN.spoken_over))
        assert "events" not in " ".join(lines(BACKEND.home([0])))

    def test_a_container_in_a_container_is_made_when_that_one_is_there(self) -> None:
        """All users make the outer ones at once."""
        inner = {
            "org": Semantics("org", makes="org"),
            "team": Semantics("team", makes="team", takes="org", argument="org", needs=(("org", "org"),)),
            "task": Semantics("task", makes="task", takes="team", argument="team", needs=(("team", "team"),)),
        }
        assert [
            "user 0: connect",
            "user 0 asks org()",
            "user 0 asks org()",
            "all settle",
            "user 0 asks team(org=$org:0:0)",
            "user 0 asks team(org=$org:0:0)",
        ] == lines(Repertoire(Promises(operations=inner)).home([0]))

    def test_a_second_device_is_for_what_is_pushed(self) -> None:
        """Without channels, a second connection has nothing to do."""
        routes = {name: s for name, s in BUNDLED.promises.operations.items() if name not in ("events", "follow")}
        assert (["user 0 (device 1): connect"], []) == (
            lines(BACKEND.arrive(0, 1)),
            Repertoire(Promises(operations=routes)).arrive(0, 1),
        )

    def test_who_has_no_work_to_start_writes_and_looks(self) -> None:
        """So that something is under way, whatever the service."""
        assert [
            "user 0 asks write(folder=$folder:0:0, text=x)",
            "user 0 asks say(text=x)",
            "user 0 asks list()",
        ] == lines(CAN.talk(0, "x"))
        assert ["user 0 asks narrate(thread=$thread:0:1, text=x)"] == lines(BACKEND.talk(0, "x", nth=1))
