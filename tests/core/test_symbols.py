"""A program names objects before they are made, and what is written down once is written with a mark of its owner."""

from __future__ import annotations

import re
import uuid

import pytest

from harness.history.canary import Canaries, Mark
from harness.history.model import Credential, Operation, User, Value
from harness.scenario.symbols import NOBODYS, WORD, Symbols, Unresolvable, events_of
from harness.targets.bundled import BUNDLED

ALICE, BOB = User(0, "alice"), User(1, "bob")
KNOWN = BUNDLED.promises.operations


def learned(*answers: tuple[User, str, Value]) -> Symbols:
    """Return symbols that have taken in these answers: user, operation, body."""
    symbols = Symbols(1)
    for user, name, body in answers:
        tell(symbols, user, name, body)
    return symbols


def tell(symbols: Symbols, user: User, name: str, body: Value, **objects: Value) -> None:
    """Have a user be answered."""
    symbols.learn(user.number, user, Operation(name, objects), KNOWN[name], {"body": body})


def resolved(symbols: Symbols, user: User, symbol: Value) -> Value:
    """Return the id that a symbol stands for, where a note is named."""
    return symbols.resolved(user, Operation("read_note", {"note": symbol}), KNOWN["read_note"]).objects["note"]


def text(symbols: Symbols, user: User, value: str) -> Value:
    """Return what a user writes who is given this text."""
    return symbols.resolved(user, Operation("write_note", {}, {"text": value}), KNOWN["write_note"]).given["text"]


class TestObjects:
    def test_are_named_by_their_maker_and_the_order_of_making(self) -> None:
        """`$note:0:0` is the first note of user 0 whoever asks, and `-1` the newest."""
        symbols = learned((ALICE, "write_note", {"id": "a"}), (ALICE, "write_note", {"id": "b"}))
        assert ("a", "b") == (resolved(symbols, BOB, "$note:0:0"), resolved(symbols, BOB, "$note:0:-1"))

    def test_of_one_kind_do_not_count_as_another(self) -> None:
        """Threads, notes and runs are numbered apart."""
        symbols = learned((ALICE, "open_thread", {"id": "t"}), (ALICE, "write_note", {"id": "n"}))
        assert ("t", "n") == (resolved(symbols, ALICE, "$thread:0:0"), resolved(symbols, ALICE, "$note:0:0"))

    @pytest.mark.parametrize("symbol", ["$note:0:1", "$note:1:0", "$thread:0:0", "$note:0:-2"])
    def test_never_made_cannot_be_resolved(self, symbol: str) -> None:
        """Another number, another user, another kind."""
        symbols = learned((ALICE, "write_note", {"id": "a"}))
        with pytest.raises(Unresolvable):
            resolved(symbols, ALICE, symbol)

    @pytest.mark.parametrize("symbol", ["$mark:0", "$version:note:1:0", "$version:run:0:0"])
    def test_texts_and_versions_never_told_cannot_be_resolved(self, symbol: str) -> None:
        """A mark that nobody was given, the version of a note that nobody has made."""
        with pytest.raises(Unresolvable):
            text(learned((ALICE, "write_note", {"id": "a"})), ALICE, symbol)

    @pytest.mark.parametrize("answer", [None, [], "a", {"id": None}, {"id": True}, {"id": [7]}, {"id": ""}, {}])
    def test_are_not_learned_from_an_answer_that_names_none(self, answer: Value) -> None:
        """What a target answers is hostile: only a text or a number counts as an id."""
        with pytest.raises(Unresolvable):
            resolved(learned((ALICE, "write_note", answer)), ALICE, "$note:0:0")

    def test_keep_the_form_of_their_id(self) -> None:
        """A number stays a number, as a service may refuse a text in its place."""
        assert 7 == resolved(learned((ALICE, "write_note", {"id": 7})), ALICE, "$note:0:0")

    def test_have_the_newest_version_that_was_told(self) -> None:
        """Whoever told it: the making of the note, or an edit; an edit names it by itself."""
        symbols = Symbols(1)
        tell(symbols, ALICE, "write_note", {"id": "a", "version": 1})
        tell(symbols, ALICE, "edit_note", {"id": "a", "version": 2}, note="a")
        asked = symbols.resolved(ALICE, Operation("edit_note", {"note": "$note:0:0"}), KNOWN["edit_note"])
        assert (2, 2) == (text(symbols, BOB, "$version:note:0:0"), asked.given["version"])

    @pytest.mark.parametrize(
        ("known", "form"),
        [
            ("17", r"\d+"),
            ("0b9f1f0e2c5a4c8f9a4a6f0f3a1f2b3c", r"[0-9a-f]{32}"),
            ("0b9f1f0e-2c5a-4c8f-9a4a-6f0f3a1f2b3c", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            ("note_Xy7-q", r"note_|[a-z]{4}_[A-Z][a-z]\d-[a-z]"),
        ],
    )
    def test_of_nobody_have_an_id_of_the_usual_form(self, known: str, form: str) -> None:
        """A service cannot tell it from another's by its form, and none comes twice."""
        symbols = learned((ALICE, "write_note", {"id": known}))
        first, second = (resolved(symbols, BOB, "$missing:note") for _ in range(2))
        assert (True, 3) == (re.fullmatch(form, first) is not None, len({first, second, known}))

    @pytest.mark.parametrize(("known", "kind"), [(17, int), (str(uuid.UUID(int=5, version=4)), uuid.UUID)])
    def test_of_nobody_can_be_read_as_the_others(self, known: Value, kind: type) -> None:
        """A service that reads ids as numbers, or as UUIDs, does not refuse it as malformed."""
        missing = resolved(learned((ALICE, "write_note", {"id": known})), ALICE, "$missing:note")
        assert kind in (type(missing), type(uuid.UUID(missing) if isinstance(missing, str) else missing))

    def test_of_nobody_have_an_id_before_there_are_any(self) -> None:
        """Who asks first asks for something that looks like most ids."""
        one, two = (resolved(Symbols(1), ALICE, "$missing:note") for _ in range(2))
        assert (32, one) == (len(one), two)

    def test_sessions_are_the_same_for_whoever_names_them(self) -> None:
        """That is how a second user comes by the first one's."""
        symbols = Symbols(1)
        same, again, other = (
            resolved(symbols, who, f"$session:{name}") for who, name in [(ALICE, "a"), (BOB, "a"), (BOB, "b")]
        )
        assert (True, False) == (same == again, same == other)

    def test_the_last_event_of_a_channel_is_left_out_by_who_has_seen_none(self) -> None:
        """Who connects again says what they have seen; who has seen nothing says nothing of it, and connects."""
        symbols, kind = Symbols(1), events_of("feed")
        symbols.learn_object(kind, ALICE, "7")
        asked = [
            symbols.resolved(user, Operation("feed", {"last-event-id": f"${kind}:{user.number}:-1"}), KNOWN["events"])
            for user in (ALICE, BOB)
        ]
        assert [{"last-event-id": "7"}, {}] == [operation.objects for operation in asked]


class TestTexts:
    def test_each_mark_is_a_fresh_canary_of_the_asker(self) -> None:
        """Two marks in one text are two canaries, both of the asking user."""
        written = text(Symbols(1), BOB, "one {mark} two {mark}")
        assert {Mark("u01", 0), Mark("u01", 1)} == set(Canaries(1).find(written))

    def test_a_mark_can_be_named_again(self) -> None:
        """`$mark:0` is the asker's own first canary."""
        symbols = Symbols(1)
        assert text(symbols, BOB, "{mark}") == text(symbols, BOB, "$mark:0")

    @pytest.mark.parametrize("size", [0, 100, 1_000_000])
    def test_that_are_not_written_down_have_a_mark_and_their_size(self, size: int) -> None:
        """However long, it is its owner's, and has the word in it that everybody searches for."""
        symbols = Symbols(1)
        written = symbols.resolved(ALICE, Operation("write_note"), KNOWN["write_note"], size).given["text"]
        assert (True, "u00", True) == (
            len(written) >= size,
            symbols.canaries.find(written)[0].owner,
            WORD in written,
        )

    def test_of_an_intruder_are_nobodys(self) -> None:
        """Who asks in the name of somebody else leaves no mark that could accuse them."""
        intruder = User(3, "carol", Credential.FORGED)
        asked = Symbols(1).resolved(intruder, Operation("write_note"), KNOWN["write_note"])
        assert {"text": NOBODYS} == asked.given

    def test_each_of_several_is_another_one(self) -> None:
        """An operation that carries two texts carries two marks; a search asks for the word of all."""
        symbols = Symbols(1)
        two = symbols.resolved(ALICE, Operation("remember", {"thread": "t"}), KNOWN["remember"]).given
        assert 2 == len({mark for name in ("text", "text:2") for mark in symbols.canaries.find(two[name])})
        assert {"query": WORD} == symbols.resolved(ALICE, Operation("search_notes"), KNOWN["search_notes"]).given


class TestWork:
    def started(self, name: str = "narrate", run: Value = "r") -> Symbols:
        """Return symbols with one accepted run."""
        symbols = Symbols(1)
        tell(symbols, ALICE, name, {"id": run}, thread="t")
        return symbols

    @pytest.mark.parametrize("run", ["r", 7])
    def test_is_waited_for_until_it_ends(self, run: Value) -> None:
        """An accepted run is waited for; one whose end was seen is not. Its id may be a number."""
        symbols = self.started(run=run)
        before = list(symbols.waiting())
        symbols.end(str(run))
        assert ([str(run)], []) == (before, list(symbols.waiting()))

    def test_that_stalls_is_not_waited_for(self) -> None:
        """It ends only when cancelled: it is listed as stalled, and nothing waits."""
        symbols = self.started("stall")
        assert ([], ["r"]) == (list(symbols.waiting()), symbols.stalled())

    @pytest.mark.parametrize(("name", "stalled"), [("stall", [""]), ("fail", []), ("narrate", []), ("write_note", [])])
    def test_that_may_have_been_started_may_stall(self, name: str, stalled: list[str]) -> None:
        """Nobody knows the name of one whose acceptance was lost, so that nobody can cancel it; it is counted."""
        symbols = Symbols(1)
        symbols.miss(KNOWN[name])
        assert ([], stalled) == (list(symbols.waiting()), symbols.stalled())

    def test_may_end_before_its_acceptance_is_told(self) -> None:
        """The last event of a fast run overtakes the answer that names it."""
        symbols = Symbols(1)
        symbols.end("r")
        tell(symbols, ALICE, "narrate", {"id": "r"}, thread="t")
        assert [] == list(symbols.waiting())

    @pytest.mark.parametrize(
        ("status", "waiting"),
        [("running", ["r"]), ("completed", []), ("interrupted", []), (["completed"], ["r"]), (None, ["r"])],
    )
    def test_ends_when_its_owner_reads_a_final_status(self, status: Value, waiting: list[str]) -> None:
        """Where no event tells it; what is no text is no status."""
        symbols = self.started()
        tell(symbols, ALICE, "read_run", {"id": "r", "status": status}, run="r")
        assert waiting == list(symbols.waiting())
