"""The model of one user; what checkers make of its deviations is tested with them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.history.model import Event, EventKind, Promises
from harness.history.probes import FAULT
from harness.history.semantics import BODY, GIVEN, OBJECTS, QUERY, TEXT, VERSION
from harness.judging.answers import Aspect, Deviation
from harness.judging.described import Described
from harness.judging.owned_objects import MOST_GONE, MOST_GROUPS, MOST_RUNS
from harness.judging.single_user import SingleUser
from harness.targets.bundled import BUNDLED


class Told:
    """One user's part of a history, told to the model as it happens."""

    def __init__(self, promises: Promises = BUNDLED.promises) -> None:
        self.model = SingleUser(Described(promises))
        self._operations = promises.operations
        self.deviations: list[Deviation] = []
        self._asked: dict[int, str] = {}
        self._events = 0

    def _tell(self, kind: EventKind, name: str, value: Any, call: int | None = None) -> None:
        event = Event(index=self._events, kind=kind, user="u00", call=call, name=name, value=value)
        self._events += 1
        self.deviations += self.model.step(event)

    def asks(self, name: str, **arguments: Any) -> int:
        """Ask, and leave the call open; `id` is the object that the operation takes."""
        call, known = len(self._asked), self._operations[name]
        self._asked[call] = name
        given = {key: value for key, value in arguments.items() if key.startswith((TEXT, VERSION, QUERY))}
        objects = {known.argument if key == "id" else key: arguments[key] for key in arguments if key not in given}
        self._tell(EventKind.INVOKE, name, {OBJECTS: objects, GIVEN: given}, call)
        return call

    def ok(self, call: int, answer: Any = None) -> None:
        """Answer an open call."""
        self._tell(EventKind.OK, self._asked[call], {BODY: answer}, call)

    def fail(self, call: int, status: int) -> None:
        """Refuse an open call."""
        self._tell(EventKind.FAIL, self._asked[call], {"status": status}, call)

    def info(self, call: int) -> None:
        """End an open call without an answer."""
        self._tell(EventKind.INFO, self._asked[call], {"error": "lost"}, call)

    def does(self, name: str, answer: Any = None, /, **arguments: Any) -> None:
        """Ask and be answered."""
        self.ok(self.asks(name, **arguments), answer)

    def refused(self, name: str, status: int, /, **arguments: Any) -> None:
        """Ask and be refused."""
        self.fail(self.asks(name, **arguments), status)

    def writes(self, note: str, text: str, version: int | None = None) -> None:
        """Write a note."""
        self.does("write_note", {"id": note, "text": text, "version": version}, text=text)

    def remembers(self, run: str, *texts: str) -> None:
        """Start a run that writes a note with each of these texts."""
        named = {TEXT if nth == 1 else f"{TEXT}:{nth}": text for nth, text in enumerate(texts, 1)}
        self.does("remember", {"id": run}, thread="t", **named)

    def ends(self, run: str, kind: str) -> None:
        """Let a run's last event arrive."""
        self._tell(EventKind.PUSH, kind, {"type": kind, "run": run})

    def suffers(self, *calls: int) -> None:
        """Have a fault."""
        self._tell(EventKind.PROBE, FAULT, {"fault": "cancel", "calls": list(calls)})

    @property
    def aspects(self) -> list[str]:
        """What deviated, in order."""
        return [deviation.aspect.value for deviation in self.deviations]


def listed(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Return an answer that lists notes."""
    return [{"id": name, "text": text} for name, text in pairs]


class TestWrites:
    def test_an_acknowledged_note_is_listed_read_and_found(self) -> None:
        """A user alone explains all of it."""
        told = Told()
        told.writes("1", "Alpha")
        told.does("list_notes", listed(("1", "Alpha")))
        told.does("read_note", {"id": "1", "text": "Alpha"}, id="1")
        told.does("search_notes", listed(("1", "Alpha")), query="alph")
        told.does("search_notes", [], query="beta")
        assert [] == told.aspects
        assert (3, 0) == (told.model.facts[Aspect.TAMPERED], told.model.facts[Aspect.PARTIAL])

    @pytest.mark.parametrize(("ending", "expected"), [("open", []), ("info", []), ("fail", ["unexplained-answer"])])
    def test_a_write_that_was_not_acknowledged_may_show_unless_it_was_refused(
        self, ending: str, expected: list[str]
    ) -> None:
        """FAIL means that it certainly did not happen."""
        told = Told()
        call = told.asks("write_note", text="a")
        if ending == "info":
            told.suffers(call)
            told.info(call)
        elif ending == "fail":
            told.suffers(call)
            told.fail(call, 503)
        told.does("list_notes", listed(("1", "a")))
        assert expected == told.aspects

    def test_a_deleted_note_must_not_come_back(self) -> None:
        """Once the deletion was acknowledged."""
        told = Told()
        told.writes("1", "a")
        told.does("delete_note", None, id="1")
        told.does("list_notes", listed(("1", "a")))
        assert ["unexplained-answer"] == told.aspects

    def test_a_deletion_that_was_refused_did_not_happen(self) -> None:
        """The note must still be listed."""
        told = Told()
        told.writes("1", "a")
        call = told.asks("delete_note", id="1")
        told.suffers(call)
        told.fail(call, 503)
        told.does("list_notes", [])
        assert ["lost-write"] == told.aspects

    def test_a_conflict_is_right_for_an_old_version_only(self) -> None:
        """The newest version may be edited."""
        told = Told()
        told.writes("1", "a", version=1)
        told.refused("edit_note", 409, id="1", text="b", version=0)
        assert [] == told.aspects
        told.refused("edit_note", 409, id="1", text="c", version=1)
        assert ["unexplained-answer"] == told.aspects

    def test_a_conflict_is_still_wrong_after_an_edit(self) -> None:
        """An overwritten text is no rival."""
        told = Told()
        told.writes("1", "a", version=1)
        told.does("edit_note", {"id": "1", "version": 2}, id="1", text="b", version=1)
        told.refused("edit_note", 409, id="1", text="c", version=2)
        assert ["unexplained-answer"] == told.aspects

    def test_a_conflict_with_an_edit_under_way_is_right(self) -> None:
        """The other one may have won, though nobody has said so yet."""
        told = Told()
        told.writes("1", "a", version=1)
        told.asks("edit_note", id="1", text="b", version=1)
        told.refused("edit_note", 409, id="1", text="c", version=1)
        assert [] == told.aspects


class TestRuns:
    def test_a_completed_runs_notes_are_there(self) -> None:
        """All of them; when none is, the write was lost."""
        told = Told()
        told.remembers("r", "a", "b")
        told.ends("r", "agent_completed")
        told.does("list_notes", listed(("1", "a"), ("2", "b")))
        assert [] == told.aspects
        told.does("list_notes", [])
        assert ["lost-write"] == told.aspects

    def test_a_cancelled_runs_notes_are_not(self) -> None:
        """Neither one nor both."""
        told = Told()
        told.remembers("r", "a", "b")
        told.ends("r", "agent_error")
        told.does("list_notes", listed(("1", "a"), ("2", "b")))
        assert ["partial-write"] == told.aspects

    def test_a_result_is_the_text_that_was_told(self) -> None:
        """The narrator's result is the text itself."""
        told = Told()
        told.does("narrate", {"id": "r"}, thread="t", text="a")
        told.does("read_run", {"id": "r", "status": "completed", "result": "a"}, id="r")
        assert [] == told.aspects
        told.does("read_run", {"id": "r", "status": "completed", "result": "b"}, id="r")
        assert ["unexplained-answer"] == told.aspects

    @pytest.mark.parametrize("excuse", ["none", "cancel", "fault", "agent"])
    def test_a_failure_needs_a_reason_of_ones_own(self, excuse: str) -> None:
        """A cancellation, a fault, or an agent that is made to fail."""
        told = Told()
        told.does("fail" if excuse == "agent" else "narrate", {"id": "r"}, thread="t", text="a")
        if excuse == "cancel":
            told.asks("cancel_run", id="r")
        if excuse == "fault":
            told.suffers()
        told.does("read_run", {"id": "r", "status": "failed", "result": None}, id="r")
        assert (["unexplained-answer"] if excuse == "none" else []) == told.aspects


class TestAnswers:
    @pytest.mark.parametrize(
        ("name", "answer", "arguments"),
        [
            ("write_note", {}, {"text": "x"}),
            ("list_notes", {"id": "1"}, {}),
            ("read_note", {"id": "2", "text": "a"}, {"id": "1"}),
        ],
    )
    def test_an_answer_of_the_wrong_shape_or_to_another_question_is_unexplained(
        self, name: str, answer: Any, arguments: dict[str, str]
    ) -> None:
        """No id, no list, another's id."""
        told = Told()
        told.writes("1", "a")
        told.does(name, answer, **arguments)
        assert "unexplained-answer" in told.aspects

    def test_an_object_that_is_not_ones_own_is_not_judged(self) -> None:
        """Access by id is for another checker."""
        told = Told()
        told.does("read_note", {"id": "9", "text": "z"}, id="9")
        told.refused("read_note", 404, id="9")
        assert [] == told.aspects
        assert 0 == sum(told.model.facts.values())

    def test_a_refusal_at_the_limit_is_left_to_another_checker(self) -> None:
        """The model of one user knows no limit."""
        told = Told()
        told.refused("narrate", 429, thread="t", text="a")
        assert [] == told.aspects


class TestMemory:
    """What is over is forgotten, and nothing may come back for it."""

    def test_what_was_deleted_is_not_kept(self) -> None:
        """However many notes and runs there were, the model holds a bounded number of them."""
        told = Told()
        for number in range(1_000):
            told.writes(f"n{number}", f"text {number}")
            told.does("delete_note", None, id=f"n{number}")
            told.does("narrate", {"id": f"r{number}"}, thread="t", text=f"tale {number}")
            told.ends(f"r{number}", "agent_completed")
        own = told.model._own
        assert (0, 0, MOST_GONE, MOST_RUNS) == tuple(map(len, (own.items["note"], own.leaving, own.gone, own.runs)))
        assert [] == told.aspects

    @pytest.mark.parametrize("later", [0, MOST_GONE])
    def test_what_was_forgotten_must_not_come_back(self, later: int) -> None:
        """It shows as deleted, and long after that as never written."""
        told = Told()
        for number in range(later + 1):
            told.writes(f"n{number}", f"text {number}")
            told.does("delete_note", None, id=f"n{number}")
        told.does("list_notes", listed(("n0", "text 0")))
        assert ["unexplained-answer"] == told.aspects
        assert ("had deleted" in told.deviations[0].message) is (later == 0)

    def test_reading_what_was_deleted_is_still_a_deviation(self) -> None:
        """Its owner knows the name."""
        told = Told()
        told.writes("1", "a")
        told.does("delete_note", None, id="1")
        told.does("read_note", {"id": "1", "text": "a"}, id="1")
        told.refused("read_note", 404, id="1")
        assert ["unexplained-answer"] == told.aspects

    def test_a_call_that_began_before_the_deletion_may_show_the_note(self) -> None:
        """And the note is remembered until the last such call has ended."""
        told = Told()
        told.writes("1", "a")
        listing, reading = told.asks("list_notes"), told.asks("read_note", id="1")
        told.does("delete_note", None, id="1")
        told.ok(listing, listed(("1", "a")))
        told.ok(reading, {"id": "1", "text": "a"})
        assert [] == told.aspects
        assert ("note", "1") in told.model._own.gone

    def test_a_second_deletion_may_find_nothing(self) -> None:
        """Whether it was asked for before the first was acknowledged, or after."""
        told = Told()
        told.writes("1", "a")
        rival = told.asks("delete_note", id="1")
        told.does("delete_note", None, id="1")
        told.fail(rival, 404)
        told.refused("delete_note", 404, id="1")
        told.refused("edit_note", 404, id="1", text="b", version=1)
        assert [] == told.aspects

    def test_an_id_may_be_given_again_once_its_note_is_deleted(self) -> None:
        """Its new note lives by itself."""
        told = Told()
        told.writes("1", "a")
        told.does("delete_note", None, id="1")
        told.writes("1", "b")
        told.does("list_notes", listed(("1", "b")))
        assert [] == told.aspects
        told.does("list_notes", [])
        assert ["lost-write"] == told.aspects

    def test_a_runs_note_may_have_the_name_of_a_deleted_one(self) -> None:
        """What the user asked a run to write is explained by it, whatever it is called."""
        told = Told()
        told.writes("1", "a")
        told.does("delete_note", None, id="1")
        told.remembers("r", "b")
        told.ends("r", "agent_completed")
        told.does("list_notes", listed(("1", "b")))
        assert [] == told.aspects

    def test_overwritten_texts_are_not_kept(self) -> None:
        """An older one that shows was never written, as far as the model knows; it deviates as it did before."""
        told = Told()
        told.writes("1", "text 0", version=0)
        for number in range(1, 100):
            told.does("edit_note", {"id": "1", "version": number}, id="1", text=f"text {number}", version=number - 1)
        assert len(told.model._own.items["note"]["1"].texts) <= 3
        told.does("read_note", {"id": "1", "text": "text 99"}, id="1")
        assert [] == told.aspects
        told.does("read_note", {"id": "1", "text": "text 98"}, id="1")
        told.does("read_note", {"id": "1", "text": "text 5"}, id="1")
        assert ["tampered", "tampered"] == told.aspects

    def test_notes_of_forgotten_runs_are_not_judged(self) -> None:
        """What is not remembered is unknown, and never guessed."""
        told = Told()
        for number in range(MOST_GROUPS + 1):
            told.remembers(f"r{number}", f"b {number}")
            told.ends(f"r{number}", "agent_completed")
            told.does("search_notes", listed((f"n{number}", f"b {number}")), query=f"b {number}")
        assert MOST_GROUPS == len(told.model._own.groups) == len(told.model._own.grouped)
        told.does("search_notes", listed(("n0", "b 0")), query="b 0")
        told.does("delete_note", None, id="n0")
        told.does("search_notes", [], query="b 0")
        assert [] == told.aspects
