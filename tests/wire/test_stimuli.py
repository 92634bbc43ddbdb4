"""Every stimulus fits every service: its script asks only for what there is, and is the same each time."""

from __future__ import annotations

import pytest

from harness.adapter import Adapter, Channel, Message, Route, bearer
from harness.scenario.script import Deed, Script
from harness.wire.stimuli import STIMULI
from harness.wire.stimuli.in_turn import solo
from harness.wire.stimuli.naming import fresh
from harness.wire.stimuli.setting import Setting, is_valid

RICH = Adapter(
    name="rich",
    sign_in=bearer(lambda user: user.name, expired=lambda user: user.name),
    routes=[
        Route("open", "POST", "/folders", json={"title": "{canary}"}, makes="folder"),
        Route("write", "POST", "/folders/{folder}/notes", json={"text": "{canary}"}, makes="note"),
        Route("read", "GET", "/folders/{folder}/notes/{note}"),
        Route("edit", "PUT", "/notes/{note}", json={"id": "{note:body}", "text": "{canary}"}),
        Route("list", "GET", "/notes"),
        Route("drop", "DELETE", "/notes/{note}", deletes=True),
    ],
    channels=[
        Channel("feed", "sse", "/feed", query={"session": "{session}"}),
        Channel("room", "websocket", "/room", messages=[Message("join", {"folder": "{folder}"})]),
    ],
)
POOR = Adapter(
    name="poor",
    sign_in=bearer(lambda user: user.name),
    routes=[Route("echo", "GET", "/echo", query={"text": "{canary}"})],
)


def setting(adapter: Adapter, seed: int = 1, first: int = 0) -> Setting:
    return Setting(adapter=adapter, users=5, rounds=2, volume=50, warm_up_s=2.5, rtt_s=0.01, first=first, seed=seed)


def made(name: str, adapter: Adapter, seed: int = 1, first: int = 0) -> Script | None:
    return STIMULI[name].make(setting(adapter, seed, first))


@pytest.mark.parametrize("adapter", [RICH, POOR], ids=["rich", "poor"])
@pytest.mark.parametrize("name", STIMULI)
class TestScripts:
    def test_ask_only_for_what_there_is(self, name: str, adapter: Adapter) -> None:
        """Routes, channels and messages of the adapter, with all their objects given."""
        script = made(name, adapter)
        if script is None:
            assert "" != STIMULI[name].needs
            return
        for act in (act for wave in script.waves for act in wave):
            match act.deed:
                case Deed.ASK:
                    slots = adapter.route(act.name).slots
                case Deed.SAY:
                    slots = adapter.message(act.name)[1].slots
                case _:
                    slots = () if act.deed is Deed.CLOSE else adapter.channel(act.name).slots
            assert {slot.name for slot in slots} <= set(act.given)
            assert 0 <= act.user < len(script.users)

    def test_are_the_same_for_one_seed(self, name: str, adapter: Adapter) -> None:
        """One seed, one script."""
        assert made(name, adapter) == made(name, adapter)

    def test_have_users_of_their_own(self, name: str, adapter: Adapter) -> None:
        """No number comes again in the next stimulus, so every mark says whose it is."""
        script = made(name, adapter, first=40)
        if script is not None:
            numbers = [user.number for user in script.users if is_valid(user)]
            assert [*range(40, 40 + len(numbers))] == numbers


def test_in_turn_no_two_acts_are_at_once() -> None:
    """What it shows needs no concurrency."""
    script = made("in-turn", RICH)
    assert script is not None
    assert {1} == {len(wave) for wave in script.waves}


def test_volume_comes_in_two_halves_with_light_use_between() -> None:
    """As many seconds as the plan says, a request about every second."""
    script = made("volume", RICH)
    assert script is not None
    (light,) = [wave for wave in script.waves if any(act.manner.at_s for act in wave)]
    assert [1.25, 2.5] == [act.manner.at_s for act in light]
    before = sum(len(wave) for wave in script.waves[: script.waves.index(light)])
    assert 50 // 2 <= before <= script.acts - 50 // 2


def test_ids_tries_every_invalid_credential_on_everything() -> None:
    """Each beside the success of the user in whose name it is tried."""
    script = made("ids", RICH)
    assert script is not None
    tried = {
        (script.users[act.user].credential, act.name)
        for wave in script.waves
        for act in wave
        if not is_valid(script.users[act.user])
    }
    assert {
        (credential, part.name) for credential in RICH.sign_in.invalid for part in (*RICH.parts, *RICH.messages)
    } == tried


def test_ids_swaps_each_of_several_ids_alone() -> None:
    """A service may look at the id in the path, and use the one in the body."""
    script = made("ids", RICH)
    assert script is not None
    mixed = {
        tuple(sorted(symbol.split(":")[1] for symbol in act.given.values()))
        for wave in script.waves
        for act in wave
        if act.name == "edit"
    }
    assert ("0", "1") in mixed


def test_solo_does_everything_once() -> None:
    """Before anything is said of many, one user has used every route."""
    script = solo(setting(RICH))
    assert {route.name for route in RICH.routes} <= {act.name for wave in script.waves for act in wave}


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("alice", "alice.00ff"),
        ("{once}:b", "00ff:b"),
        ("0{number}", "0255"),
        ("", ""),
        ("null", "null"),
    ],
)
def test_a_name_is_fresh_but_where_it_is_the_point(name: str, used: str) -> None:
    """Nobody has had it before; an empty name stays empty, a reserved word itself."""
    assert used == fresh(name, "00ff")


def test_names_of_different_pairs_have_nothing_in_common() -> None:
    """What one pair leaves behind is not found by the next."""
    script = made("names", RICH)
    assert script is not None
    used = [fresh(user.name, "00ff") for user in script.users]
    assert len(used) == len(set(used))
