"""What users under load do, worked out from adapters; nothing is asked of anybody here."""

from __future__ import annotations

from random import Random

from harness.adapter import Adapter, Channel, Message, Route, bearer, nobody
from harness.adapter.placeholders import Slot
from harness.history.semantics import Pushes
from harness.load.abilities import Abilities, Ability
from harness.load.behaviours import Choice, behaviours_of
from harness.load.belongings import MOST_KNOWN, Belongings
from harness.load.work import Pending, WorkUnderWay
from harness.targets.bundled import BUNDLED

MADE = Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note")


def weights(adapter: Adapter) -> dict[str, int]:
    """Return how often each thing is done."""
    return {behaviour.name: behaviour.weight for behaviour in behaviours_of(Abilities(adapter), adapter)}


def ability(name: str) -> Ability:
    """Return what the bundled backend can be asked under this name."""
    return next(ability for ability in Abilities(BUNDLED).routes if ability.name == name)


class TestBehaviours:
    def test_the_bundled_backend(self) -> None:
        """Everything that its adapter describes is done; what overlaps most, most often."""
        assert weights(BUNDLED) == {
            "open_thread": 1,
            "write_note": 5,
            "edit_note": 1,
            "delete_note": 1,
            "narrate": 6,
            "narrate elsewhere": 1,
            "remember": 1,
            "recall": 2,
            "fail": 1,
            "stall": 1,
            "look": 5,
            "rush": 2,
            "reach for others' objects": 3,
            "trespass": 1,
        }

    def test_a_small_service(self) -> None:
        """Two routes are enough for making, reading, rushing, reaching and trespassing."""
        adapter = Adapter(
            name="notes", sign_in=bearer(lambda user: user.name), routes=[MADE, Route("read", "GET", "/notes/{note}")]
        )
        assert [*weights(adapter)] == ["write_note", "look", "rush", "reach for others' objects", "trespass"]

    def test_nobody_trespasses_where_no_credential_can_be_wrong(self) -> None:
        """A service without sign-in refuses nobody."""
        assert "trespass" not in weights(Adapter(name="notes", sign_in=nobody(), routes=[MADE]))

    def test_work_that_waits_is_not_started_where_nobody_can_end_it(self) -> None:
        """It would fill the target for good."""
        routes = [route for route in BUNDLED.routes if not route.ends]
        assert "stall" not in weights(Adapter(name="half", sign_in=nobody(), routes=routes, channels=BUNDLED.channels))

    def test_everybody_begins_with_a_rush_and_does_everything_once(self) -> None:
        """Even a short run goes everywhere, in an order of each user's own."""
        behaviours = behaviours_of(Abilities(BUNDLED), BUNDLED)
        chosen = []
        for seed in range(3):
            choice = Choice(behaviours, Random(seed))
            chosen.append([choice.choose() for _ in behaviours])
        rush = next(behaviour.act for behaviour in behaviours if behaviour.name == "rush")
        assert all(acts[0] is rush for acts in chosen)
        assert all({*acts} == {behaviour.act for behaviour in behaviours} for acts in chosen)
        assert chosen[0] != chosen[1]


class TestAbilities:
    def test_what_is_needed_first_can_be_made(self) -> None:
        """An object is made without starting work, where there is a way, and never by work that waits."""
        makers = Abilities(BUNDLED).makers
        assert {kind: maker.name for kind, maker in makers.items()} == {
            "thread": "open_thread",
            "note": "write_note",
            "run": "narrate",
        }

    def test_work_is_pushed_where_a_user_has_subscribed(self) -> None:
        """Elsewhere its end is asked for."""
        abilities = Abilities(BUNDLED)
        assert abilities.is_pushed(ability("narrate"), {"thread": "a"}, {"a"})
        assert not abilities.is_pushed(ability("narrate"), {"thread": "b"}, {"a"})

    def test_work_is_pushed_where_nobody_subscribes(self) -> None:
        """A channel without subscriptions tells each user of all their work."""
        start = next(route for route in BUNDLED.routes if route.starts)
        channel = Channel("feed", "sse", "/feed", pushes=Pushes(of="run", completes=("done",)))
        adapter = Adapter(name="jobs", sign_in=nobody(), routes=[BUNDLED.routes[0], start], channels=[channel])
        abilities = Abilities(adapter)
        assert abilities.is_pushed(abilities.routes[1], {"thread": "a"}, set())

    def test_a_greeting_is_no_ability(self) -> None:
        """It is said whenever its channel is opened."""
        channel = Channel("feed", "websocket", "/feed", hello=[Message("hello", {"note": "{note}"})])
        abilities = Abilities(Adapter(name="greeted", sign_in=nobody(), routes=[MADE], channels=[channel]))
        assert abilities.messages == ()
        assert [slot.name for slot in abilities.channels[0].slots] == ["note"]


class TestBelongings:
    def test_objects_are_asked_for_where_they_were_made(self) -> None:
        """A note of one project is not looked for in another."""
        own, project, note = Belongings(), Slot("project"), Slot("note")
        own.learn("project", "p1")
        own.learn("note", "n1", [project], {"project": "p1"})
        own.learn("project", "p2")
        assert own.objects_with([project, note], "note", "n1") == {"project": "p1", "note": "n1"}
        assert own.objects_with([project], "project", "p2") == {"project": "p2"}
        assert own.objects_with([Slot("tag"), note], "note", "n1") is None

    def test_a_second_place_gets_the_same_object(self) -> None:
        """A service may check the one and use the other."""
        own = Belongings()
        own.learn("note", 1)
        own.learn("note", 2)
        assert own.objects_with([Slot("note"), Slot("note", "other")], "note", 1) == {"note": 1, "note:other": 1}

    def test_the_oldest_is_forgotten_unless_it_was_subscribed_to(self) -> None:
        """What a user hears of stays known."""
        own = Belongings()
        own.learn("note", 0)
        own.subscribed.add(0)
        for name in range(1, MOST_KNOWN + 2):
            own.learn("note", name)
        assert own.of("note") == (0, *range(3, MOST_KNOWN + 2))
        assert own.disposable("note")[0] == 3
        assert own.made["note"] == MOST_KNOWN + 2


class TestWork:
    def test_an_end_may_come_before_the_answer_to_the_start(self) -> None:
        """Work whose last frame was pushed already is not awaited."""
        work = WorkUnderWay(lambda: None)
        work.end("7")
        work.start(Pending("run", 7, 0.0), pushed=True, told=True)
        assert (work.pushed, work.asked_for, work.untold) == ({}, {}, set())

    def test_what_nobody_tells_of_is_called_open(self) -> None:
        """It may go on after the end of the run, and no frame of it is missed."""
        work = WorkUnderWay(lambda: None)
        work.start(Pending("run", 7, 0.0), pushed=False, told=False)
        work.start(Pending("run", 8, 0.0), pushed=False, told=True)
        assert (work.untold, [*work.asked_for]) == ({"7"}, ["8"])
