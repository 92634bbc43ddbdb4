"""Every stimulus fits every service: its program asks only for what there is, and is the same each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from harness.adapter import Adapter, Channel, Message, Route, bearer
from harness.history.model import is_intruder
from harness.history.names import fresh
from harness.scenario.program import Do, Program, Step, groups_of
from harness.wire.stimuli import STIMULI
from harness.wire.stimuli.in_turn import solo
from harness.wire.stimuli.setting import Setting

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


def made(name: str, adapter: Adapter, seed: int = 1, first: int = 0) -> Program | None:
    return STIMULI[name].make(setting(adapter, seed, first))


def groups(program: Program) -> list[tuple[Step, ...]]:
    """Return what is done at once, group by group."""
    return [tuple(step for step in group if step.do is not Do.JOIN) for group in groups_of(program.steps)]


def asked(program: Program) -> Iterator[tuple[Step, str, set[str]]]:
    """Yield whatever is asked, with its name and the arguments that name objects."""
    for step in program.steps:
        if step.do is Do.ASK and step.operation is not None:
            yield step, step.operation.name, set(step.operation.objects)


def slots(adapter: Adapter, name: str) -> set[str]:
    """Return the arguments of an operation that name objects."""
    return {argument for argument, _ in adapter.promises.operations[name].needs}


@pytest.mark.parametrize("adapter", [RICH, POOR], ids=["rich", "poor"])
@pytest.mark.parametrize("name", STIMULI)
class TestPrograms:
    def test_ask_only_for_what_there_is(self, name: str, adapter: Adapter) -> None:
        """Routes, channels and messages of the adapter, with all their objects given."""
        program = made(name, adapter)
        if program is None:
            assert "" != STIMULI[name].needs
            return
        assert {Do.ASK, Do.JOIN} <= {step.do for step in program.steps} <= {Do.ASK, Do.JOIN, Do.DISCONNECT}
        for step, operation, objects in asked(program):
            assert slots(adapter, operation) <= objects
            assert 0 <= step.user < len(program.users)

    def test_are_the_same_for_one_seed(self, name: str, adapter: Adapter) -> None:
        """One seed, one program."""
        assert made(name, adapter) == made(name, adapter)

    def test_have_users_of_their_own(self, name: str, adapter: Adapter) -> None:
        """No number comes again in the next stimulus, so every mark says whose it is."""
        program = made(name, adapter, first=40)
        if program is not None:
            numbers = [user.number for user in program.users if not is_intruder(user.id)]
            assert [*range(40, 40 + len(numbers))] == numbers

    @pytest.mark.parametrize("same_name", [str, str.casefold, lambda name: name.partition(":")[0]])
    def test_have_no_two_users_who_are_one_to_the_service(
        self, name: str, adapter: Adapter, same_name: Callable[[str], str]
    ) -> None:
        """What the one sees of the other would be their own, and the service would be accused for nothing."""
        many = replace(setting(replace(adapter, same_name=same_name)), users=30)
        program = STIMULI[name].make(many)
        if program is not None:
            used = [same_name(fresh(user.name, "00ff")) for user in program.users if not is_intruder(user.id)]
            assert len(used) == len(set(used))


def test_names_are_not_tried_on_a_service_to_which_all_are_one() -> None:
    """There is nothing to keep apart."""
    assert None is STIMULI["names"].make(setting(replace(RICH, same_name=lambda name: "")))


def test_names_of_different_pairs_are_different_users_to_the_service() -> None:
    """To one that drops digits, much of the next pair is a user who was there before."""

    def without_digits(name: str) -> str:
        return "".join(letter for letter in name if not letter.isdigit())

    program = STIMULI["names"].make(setting(replace(RICH, same_name=without_digits)))
    assert program is not None
    used = [without_digits(fresh(user.name, "00ff")) for user in program.users]
    assert len(used) == len(set(used))


def test_in_turn_no_two_steps_are_at_once() -> None:
    """What it shows needs no concurrency."""
    program = made("in-turn", RICH)
    assert program is not None
    assert {1} == {len(group) for group in groups(program)}


def test_volume_comes_in_two_halves_with_light_use_between() -> None:
    """As many seconds as the plan says, a request about every second."""
    program = made("volume", RICH)
    assert program is not None
    (light,) = [group for group in groups(program) if any(step.how.at_s for step in group)]
    assert [1.25, 2.5] == [step.how.at_s for step in light]
    before = sum(len(group) for group in groups(program)[: groups(program).index(light)])
    assert 50 // 2 <= before <= program.asked - 50 // 2


def test_ids_tries_every_invalid_credential_on_everything() -> None:
    """Each beside the success of the user in whose name it is tried."""
    program = made("ids", RICH)
    assert program is not None
    tried = {
        (program.users[step.user].credential, name)
        for step, name, _ in asked(program)
        if is_intruder(program.users[step.user].id)
    }
    assert {(credential, part.name) for credential in RICH.sign_in.invalid for part in RICH.parts} == tried


def test_ids_swaps_each_of_several_ids_alone() -> None:
    """A service may look at the id in the path, and use the one in the body."""
    program = made("ids", RICH)
    assert program is not None
    mixed = {
        tuple(sorted(str(symbol).split(":")[1] for symbol in step.operation.objects.values()))
        for step, name, _ in asked(program)
        if step.operation is not None and name == "edit"
    }
    assert ("0", "1") in mixed


def test_ids_tries_a_channel_on_devices_of_its_own() -> None:
    """The owner, another, and one who has made the id up, so that nobody stops listening to their own."""
    adapter = replace(RICH, channels=[Channel("deep", "sse", "/folders/{folder}/deep")])
    program = made("ids", adapter)
    assert program is not None
    doors = [
        (step.user, step.device, symbol)
        for step, name, _ in asked(program)
        if step.operation is not None and name == "deep" and step.device
        for symbol in step.operation.objects.values()
    ]
    assert [(0, 1, "$folder:0:-1"), (1, 2, "$folder:0:-1"), (1, 3, "$missing:folder")] == doors[:3]


def test_reconnects_drop_a_channel_and_open_it_in_anothers_place() -> None:
    """With the session that the first user chose, and the last event that the first user saw."""
    program = made("reconnects", RICH)
    assert program is not None
    feed = [step for step in program.steps if step.operation is not None and step.operation.name == "feed"]
    shared = {"session": "$session:feed.0"}
    after = {**shared, "last-event-id": "$event@feed:0:-1"}
    assert [(Do.ASK, 0, shared), (Do.DISCONNECT, 0, {}), (Do.ASK, 1, after)] == [
        (step.do, step.user, step.operation.objects) for step in feed[:3] if step.operation is not None
    ]


def test_solo_does_everything_once() -> None:
    """Before anything is said of many, one user has used every route."""
    assert {route.name for route in RICH.routes} <= {name for _, name, _ in asked(solo(setting(RICH)))}


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
    program = made("names", RICH)
    assert program is not None
    used = [fresh(user.name, "00ff") for user in program.users]
    assert len(used) == len(set(used))


def test_one_user_alone_deletes_at_the_end_whether_or_not_it_is_stated() -> None:
    """What a DELETE does follows from its request; reading after it would be refused, and the service called unfit."""
    inferred = replace(RICH, routes=[replace(route, deletes=None) for route in RICH.routes])
    steps = [name for _, name, _ in asked(solo(setting(inferred)))]
    assert "drop" == steps[-1]
    assert solo(setting(RICH)) == solo(setting(inferred))
