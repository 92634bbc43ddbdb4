"""What a connection to a described service does with channels and messages, and what its performer makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from board import BOARD, JOIN, USERS, came, ends, opened, performed

from harness.adapter import Message, Route
from harness.adapter.sign_in import Headers, TurnedAway
from harness.history.model import Credential, EventKind, Header, Operation, Unreachable, User, Value
from harness.history.probes import DISCONNECTED, DOUBT, FAULT
from harness.history.recorder import Recorder
from harness.performing.adapted import AdaptedTarget
from harness.performing.connections import Deadlines
from harness.performing.runner import Runner
from harness.scenario.program import Do, Fault, RequestOptions, Step, ask
from harness.transport.channels import OnFrame, OpenChannel
from harness.transport.memory import MemoryExchange

INVOKE, OK, FAIL, INFO, PUSH, PROBE = EventKind
ALL, SETTLE = Step(Do.JOIN), Step(Do.SETTLE)
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def target() -> AsyncIterator[AdaptedTarget]:
    """The service, in memory."""
    async with opened("memory") as found:
        yield found


class Doors:
    """Counts what is opened, and holds each opening until it is let in."""

    def __init__(self, exchange: Any) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.asked = asyncio.Event()
        self.let_in = asyncio.Event()
        self._open: Callable[..., Any] = exchange.open
        exchange.open = self.open

    async def open(self, channel: Any, opening: Any, own: str, on_frame: OnFrame) -> OpenChannel:
        """Open a channel, when it is let in."""
        self.opened.append(channel.name)
        self.asked.set()
        await self.let_in.wait()
        stream: OpenChannel = await self._open(channel, opening, own, on_frame)
        close = stream.close

        async def closing() -> None:
            self.closed.append(channel.name)
            await close()

        stream.close = closing  # type: ignore[method-assign]
        return stream


async def running(target: AdaptedTarget, events: list[Any]) -> Runner:
    """Return a performer that records into a list."""
    header = Header(target="board", suite="tests", seed=1, users=1, promises=target.promises)
    return Runner(target, await target.admit(USERS), header, Recorder(events.append))


class TestOpening:
    @pytest.mark.parametrize("transport", ["memory", "sockets"])
    async def test_of_what_lets_everybody_in_and_out_again_is_a_refusal(self, transport: str) -> None:
        """Also for its owner, so that nothing is thought to have been shown there; with greetings, too."""
        async with opened(transport) as target:
            names = ("closing", "rude", "mute", "socket", "welcome", "events", "lines")
            events = await performed(target, *(step for name in names for step in (ask(0, name), ALL)))
        assert [[FAIL]] * 3 + [[OK]] * 4 == [ends(events, name) for name in names]
        assert [4003, 4003, 4003] == [came(events, name, FAIL)[0]["status"] for name in names[:3]]

    async def test_happens_once_for_whatever_is_said_at_once(self, target: AdaptedTarget) -> None:
        """Two messages of one user need the channel at the same time: it is opened for the first."""
        doors = Doors(target.exchange)
        doors.let_in.set()
        steps = [ask(0, "write"), ask(0, "write"), ALL]
        events = await performed(target, *steps, ask(0, "join", note="$note:0:0"), ask(0, "join", note="$note:0:1"))
        assert ([OK, OK], ["socket"], ["socket"]) == (ends(events, "join"), doors.opened, doors.closed)

    async def test_that_was_cancelled_is_tried_again_by_who_waited(self, target: AdaptedTarget) -> None:
        """The fault of one call is none of the other's."""
        doors, events = Doors(target.exchange), list[Any]()
        runner = await running(target, events)
        for step in (ask(0, "write"), ALL, ask(0, "join", note="$note:0:0"), ask(0, "join", note="$note:0:0")):
            await runner.perform(step)
        await doors.asked.wait()
        assert runner.inject(Fault.CANCEL, 0, 2)
        doors.let_in.set()
        await runner.settle()
        await runner.close()
        assert {2: INFO, 3: OK} == {event.call: event.kind for event in events if event.call in (2, 3)}

    async def test_ends_with_the_connection(self, target: AdaptedTarget) -> None:
        """What was being opened when the user dropped the connection is closed as soon as it is open."""
        doors, events = Doors(target.exchange), list[Any]()
        runner = await running(target, events)
        await runner.perform(ask(0, "socket"))
        await doors.asked.wait()
        await runner.perform(Step(Do.DISCONNECT, 0))
        doors.let_in.set()
        await runner.perform(ALL)
        await runner.close()
        assert ([INFO], ["socket"]) == (ends(events, "socket"), doors.closed)

    async def test_is_never_tried_again_for_a_message_that_was_refused(self) -> None:
        """A door that is shut is not knocked at for each message; each of them meets the refusal."""
        shut = replace(BOARD.channel("rude"), messages=[Message("more", {"join": 1}, done={"type": "joined"})])
        async with opened("memory", replace(BOARD, channels=[shut])) as target:
            doors = Doors(target.exchange)
            doors.let_in.set()
            events = await performed(target, ask(0, "more"), ALL, ask(0, "more"))
        assert ([FAIL, FAIL], ["rude"]) == (ends(events, "more"), doors.opened)


class TestSaying:
    async def test_is_answered_by_a_frame_that_is_no_push(self, target: AdaptedTarget) -> None:
        """`done` and `refused` answer; whatever else comes is pushed, after the answer that came before it."""
        steps = [ask(0, "write"), ALL, ask(0, "join", note="$note:0:0"), ALL, ask(0, "join", note="$missing:note")]
        events = await performed(target, *steps, deadlines=Deadlines(call_s=60))
        assert [{"body": {"type": "joined", "room": 1}}] == came(events, "join", OK)
        assert [404] == [value["status"] for value in came(events, "join", FAIL)]
        said = [(event.kind, event.name) for event in events if event.name in ("join", "tale", "joined", "no")]
        assert [(INVOKE, "join"), (OK, "join"), (PUSH, "tale"), (INVOKE, "join"), (FAIL, "join")] == said

    async def test_nothing_is_taken_for_the_end_that_a_service_can_say(self, target: AdaptedTarget) -> None:
        """A frame with the key `closed` is a frame: the channel goes on."""
        events = await performed(target, ask(0, "closed"), SETTLE, ask(0, "bytes"), SETTLE)
        assert [{"closed": 1}, "\xffbytes"] == [
            value for value in came(events, "socket", PUSH) if value in ({"closed": 1}, "\xffbytes")
        ]

    async def test_what_cannot_be_made_into_a_request_is_asked_and_comes_to_nothing(self) -> None:
        """A template that nobody can fill in stops no verification: the call says what is wrong."""
        odd = Route("odd", "GET", "/notes/{note}", headers={"x-two": "{note:two}"})
        async with opened("memory", replace(BOARD, routes=[*BOARD.routes, odd])) as target:
            events = await performed(target, ask(0, "odd", other="7"), ask(0, "word"))
        assert [[INFO], [OK]] == [ends(events, name) for name in ("odd", "word")]
        assert "KeyError" in came(events, "odd", INFO)[0]["error"]


class TestReconnecting:
    async def test_opens_and_subscribes_again_from_where_it_was(self, target: AdaptedTarget) -> None:
        """The channels that were opened, and each subscription with what it has seen, as its message resumes."""
        steps = [ask(0, "write"), ask(0, "lines"), ALL, ask(0, "join", note="$note:0:0"), SETTLE]
        events = await performed(target, *steps, Step(Do.DISCONNECT, 0), Step(Do.CONNECT, 0), SETTLE)
        assert [OK, OK] == ends(events, "lines")
        assert [{}, {"seen": {"1": 0}}] == [value.get("given", {}) for value in came(events, "join", INVOKE)]
        assert [{"join": 1}, {"join": 1, "seen": {"1": 0}}] == [
            value["sent"]["body"] for value in came(events, "join", INVOKE)
        ]
        assert [OK, OK] == ends(events, "join")

    async def test_says_nothing_of_what_was_seen_where_nobody_resumes(self) -> None:
        """A message that does not take it subscribes as the first time."""
        socket = replace(BOARD.channel("socket"), messages=[replace(JOIN, seen="")])
        async with opened("memory", replace(BOARD, channels=[socket])) as target:
            steps = [ask(0, "write"), ALL, ask(0, "join", note="$note:0:0"), SETTLE]
            events = await performed(target, *steps, Step(Do.DISCONNECT, 0), Step(Do.CONNECT, 0), SETTLE)
        assert [{"join": 1}, {"join": 1}] == [value["sent"]["body"] for value in came(events, "join", INVOKE)]

    async def test_a_message_waits_for_the_channel_that_is_opened_again(self, target: AdaptedTarget) -> None:
        """One channel, not two: what is subscribed to is heard over the one that is left."""
        doors = Doors(target.exchange)
        doors.let_in.set()
        steps = [ask(0, "write"), ask(0, "socket"), ALL, ask(0, "join", note="$note:0:0"), SETTLE]
        await performed(target, *steps, Step(Do.DISCONNECT, 0), Step(Do.CONNECT, 0), SETTLE)
        assert ["socket", "socket"] == doors.opened == doors.closed

    async def test_leaves_out_a_channel_that_was_dropped(self, target: AdaptedTarget) -> None:
        """One channel can be dropped alone: the others stay, and it is not opened again with them."""
        socket = Operation("socket")
        events = await performed(
            target,
            *(ask(0, "write"), ask(0, "socket"), ask(0, "lines"), ALL, ask(0, "join", note="$note:0:0"), ALL),
            *(Step(Do.DISCONNECT, 0, socket), ask(0, "write"), SETTLE),
            *(Step(Do.DISCONNECT, 0), Step(Do.CONNECT, 0), SETTLE),
        )
        assert ([OK], [OK, OK], [OK]) == tuple(ends(events, name) for name in ("socket", "lines", "join"))
        assert 2 in [frame.get("note") for frame in came(events, "lines", PUSH)]
        assert [{"channel": "socket"}, None] == came(events, DISCONNECTED, PROBE)
        assert [[], []] == [value["calls"] for value in came(events, FAULT, PROBE)]

    async def test_the_answer_to_a_greeting_is_heard(self, target: AdaptedTarget) -> None:
        """It is the answer to no call, and may show something all the same."""
        assert [{"type": "welcome"}] == came(await performed(target, ask(0, "welcome")), "welcome", PUSH)


class TestFence:
    async def test_waits_for_everything_that_came_before_it(self, target: AdaptedTarget) -> None:
        """What the service says before it answers the fence is recorded before all is settled."""
        events = await performed(target, ask(0, "socket"), SETTLE)
        assert [(PUSH, "last"), (PROBE, "settled")] == [
            (event.kind, event.name) for event in events if event.name in ("last", "settled")
        ][:2]

    async def test_that_is_not_answered_is_a_doubt(self) -> None:
        """However soon: nobody knows what else would have come."""
        unheard = Message("fence", {"what": "{nonce}"}, done={"type": "pong", "ping": "{nonce}"})
        socket = replace(BOARD.channel("socket"), fence=unheard)
        async with opened("memory", replace(BOARD, channels=[socket])) as target:
            events = await performed(target, ask(0, "socket"), SETTLE, deadlines=Deadlines(call_s=0.1), settles=False)
        assert ["misdelivery"] == came(events, DOUBT, PROBE)[0]["checkers"]

    async def test_without_one_a_channel_is_read_until_it_is_quiet(self, target: AdaptedTarget) -> None:
        """What was on its way when all calls were answered is still received."""
        events = await performed(target, ask(0, "lines"), ALL, ask(0, "write"), SETTLE, settles=False)
        settled = next(event.index for event in events if event.name == "settled")
        assert [True] == [event.index < settled for event in events if event.kind is PUSH and "text" in event.value]


class Turnstile:
    """A sign-in that turns some away."""

    invalid = frozenset({Credential.FORGED})

    def __init__(self, turns_away: Callable[[User], bool]) -> None:
        self.turns_away = turns_away

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        """Sign a user in."""
        if self.turns_away(user):
            raise TurnedAway(f"{user.id} cannot sign in")
        return {"x-user": f"u{user.number}"}


class TestSigningIn:
    async def test_that_turns_an_intruder_away_stops_nobody(self) -> None:
        """Whatever the intruder asks meets the refusal; the others are served."""
        sign_in = Turnstile(lambda user: user.credential is Credential.FORGED)
        async with opened("memory", replace(BOARD, sign_in=sign_in)) as target:
            users = (User(0, "alice"), User(1, "bob", Credential.FORGED))
            events = await performed(target, ask(0, "word"), ask(1, "word"), users=users)
        assert [("u00", OK), ("u01~forged", FAIL)] == sorted(
            (event.user, event.kind) for event in events if event.name == "word" and event.kind is not INVOKE
        )

    async def test_that_turns_a_user_away_leaves_nothing_to_verify(self) -> None:
        """A user who cannot sign in under any name is no evidence of anything."""
        async with opened("memory", replace(BOARD, sign_in=Turnstile(lambda user: user.number == 1))) as target:
            with pytest.raises(Unreachable, match="u01 cannot sign in"):
                await performed(target, ask(0, "word"))


async def test_each_user_chooses_sessions_of_their_own(target: AdaptedTarget) -> None:
    """Nobody has had the id before, on a service that lasts; it stays the same when its user connects again."""
    chosen = Route("chosen", "GET", "/word", query={"s": "{session}"})
    chosen_by: list[Value] = []
    for _ in range(2):
        async with opened("memory", replace(BOARD, routes=[*BOARD.routes, chosen])) as found:
            steps = [ask(0, "chosen"), ask(1, "chosen"), ALL, Step(Do.DISCONNECT, 0), ask(0, "chosen")]
            events = await performed(found, *steps)
            chosen_by += [value["sent"]["query"]["s"] for value in came(events, "chosen", INVOKE)]
    assert (chosen_by[0], chosen_by[3]) == (chosen_by[2], chosen_by[5])
    assert 4 == len({*chosen_by})


class TestTime:
    async def test_is_counted_from_when_all_were_answered(self, target: AdaptedTarget) -> None:
        """Each group of requests begins at its own zero; what comes later is asked in its order."""
        late, soon = RequestOptions(at_s=0.2), RequestOptions(at_s=0.1)
        began = asyncio.get_running_loop().time()
        events = await performed(
            target, ask(0, "word", how=late), ask(1, "word", how=soon), ALL, ask(0, "seen", how=soon), ask(1, "seen")
        )
        assert 0.3 <= asyncio.get_running_loop().time() - began
        assert [("u01", "word"), ("u00", "word"), ("u01", "seen"), ("u00", "seen")] == [
            (event.user, event.name) for event in events if event.kind is INVOKE
        ]

    async def test_to_come_is_looked_up_when_it_comes(self, target: AdaptedTarget) -> None:
        """A later request names what was made meanwhile, over the connection that is there then."""
        steps = [
            ask(0, "read", note="$note:0:0", how=RequestOptions(at_s=0.2)),
            ask(0, "write"),
            Step(Do.DISCONNECT, 0),
        ]
        assert [OK] == ends(await performed(target, *steps, ALL), "read")


async def test_a_memory_exchange_leaves_nothing_behind_when_an_opening_is_cancelled() -> None:
    """The application hears that whoever knocked is gone, and no task of its goes on."""
    told: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append((await receive())["type"])
        told.append((await receive())["type"])

    target = AdaptedTarget(BOARD, MemoryExchange(app))
    for name, gone in (("socket", "websocket.disconnect"), ("lines", "http.disconnect")):
        told.clear()
        steps = [ask(0, name), Step(Do.TICK, amount=5), Step(Do.CANCEL, 0), ALL]
        events = await performed(target, *steps, settles=False)
        assert ([INFO], gone) == (ends(events, name), told[-1])
    await target.close()
    assert {asyncio.current_task()} == asyncio.all_tasks()
