"""One application in memory and over sockets: what is asked arrives, what comes back is recorded, in the same words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from board import BOARD, came, ends, opened, performed

from harness.adapter import Adapter, Route, nobody
from harness.history.canary import Canaries
from harness.history.model import Event, EventKind, Value
from harness.performing.adapted import AdaptedTarget
from harness.scenario.program import Do, RequestOptions, Step, ask
from harness.targets.application import open_application
from harness.transport.asgi import Lifespan
from harness.transport.memory import MemoryExchange

INVOKE, OK, FAIL, INFO, PUSH, PROBE = EventKind
JOIN, SETTLE = Step(Do.JOIN), Step(Do.SETTLE)
VOLATILE = ("date", "server", "transfer-encoding")
"""Headers that a server adds on its own."""
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["memory", "sockets"])
async def target(request: pytest.FixtureRequest) -> AsyncIterator[AdaptedTarget]:
    """The service, by either transport."""
    async with opened(request.param) as found:
        yield found


def comparable(events: list[Event]) -> list[tuple[str, str, str, str]]:
    """Return what happened without what a server adds, in an order that no transport decides."""

    def plain(value: Value) -> str:
        if isinstance(value, dict) and "headers" in value:
            value = {**value, "headers": [pair for pair in value["headers"] if pair[0] not in VOLATILE]}
        return json.dumps(value, sort_keys=True)

    return sorted((event.user, event.kind, event.name, plain(event.value)) for event in events)


async def test_both_transports_record_the_same() -> None:
    """Every kind of request and channel, refusals and ends: not a word of difference in any value."""
    program = [
        ask(0, "events"),
        ask(1, "lines"),
        JOIN,
        ask(0, "write", text="one {mark}"),
        JOIN,
        ask(1, "write", text="two {mark}"),
        JOIN,
        ask(0, "read", note="$note:0:0"),
        ask(1, "read", note="$note:0:0"),
        ask(1, "read", note="$missing:note"),
        ask(0, "crash"),
        ask(0, "join", note="$note:0:0"),
        ask(1, "join", note="$note:0:0"),
        JOIN,
        ask(1, "bytes"),
        ask(1, "closed"),
        ask(0, "broken"),
        ask(0, "welcome"),
        ask(0, "closing"),
        ask(0, "rude"),
        SETTLE,
        Step(Do.DISCONNECT, 0),
        Step(Do.CONNECT, 0),
        ask(1, "bye"),
    ]
    histories = []
    for transport in ("memory", "sockets"):
        async with opened(transport) as found:
            histories.append(comparable(await performed(found, *program)))
    memory, sockets = histories
    assert sockets == memory
    assert len(memory) > 50


class TestAnswers:
    async def test_tell_what_was_asked_and_what_came(self, target: AdaptedTarget) -> None:
        """The text, the request as it was sent; of the answer status, headers, body and id, a number as a number."""
        events = await performed(target, ask(0, "write", text="hello"))
        assert [{"given": {"text": "hello"}, "sent": {"request": "POST /notes", "body": '{"text": "hello"}'}}] == came(
            events, "write", INVOKE
        )
        (answered,) = came(events, "write", OK)
        assert (201, {"id": 1, "text": "hello"}, 1) == (answered["status"], answered["body"], answered["id"])

    async def test_of_a_crash_say_nothing(self, target: AdaptedTarget) -> None:
        """Nobody knows whether it happened."""
        events = await performed(target, ask(0, "crash"))
        assert [500] == [value["status"] for value in came(events, "crash", INFO)]

    async def test_carry_nobodys_cookies_to_anybody(self, target: AdaptedTarget) -> None:
        """What one user was given is not sent in the name of the next, neither by a request nor by a stream."""
        events = await performed(
            target,
            *(ask(0, "write"), ask(1, "write"), JOIN, ask(0, "events"), ask(1, "events"), JOIN),
            *(ask(0, "events"), ask(1, "events"), ask(0, "read", note="$note:0:0"), ask(1, "read", note="$note:1:0")),
        )
        sent = [value["body"]["cookies"] for value in came(events, "read", OK)]
        sent += [frame["data"]["cookies"] for frame in came(events, "events", PUSH)]
        assert [[]] * 6 == sent

    async def test_that_are_long_keep_every_mark(self, target: AdaptedTarget) -> None:
        """Of a long text what lies around marks is kept: all of them, in answers and in frames."""
        long = f"{'a' * 100_000} {{mark}} {'b' * 100_000}"
        events = await performed(
            target,
            *(ask(0, "lines"), JOIN, ask(0, "write", text=long), JOIN, ask(0, "read", note="$note:0:0")),
        )
        mark = Canaries(1).mark(0, 0)
        shown = [*came(events, "read", OK), *came(events, "write", OK), came(events, "lines", PUSH)[-1]]
        assert [(True, True)] * 3 == [(mark in json.dumps(value), len(json.dumps(value)) < 20_000) for value in shown]


class TestEnding:
    @pytest.mark.parametrize("how", [RequestOptions(hang_up_s=0.2), RequestOptions()], ids=["hung up", "cancelled"])
    async def test_reaches_the_application(self, target: AdaptedTarget, how: RequestOptions) -> None:
        """Who hangs up is gone for the service too, which ends what it was at; nobody knows what came of it."""
        cancel = [Step(Do.CANCEL, 0)] if how.hang_up_s is None else []
        events = await performed(target, ask(0, "wait", how=how), *[Step(Do.TICK, amount=20)], *cancel, JOIN)
        assert [INFO] == ends(events, "wait")

    async def test_of_a_request_in_memory_cancels_it(self) -> None:
        """At the await it is at, which no client over a network can do."""
        async with opened("memory") as target:
            steps = [ask(0, "wait"), Step(Do.TICK, amount=20), Step(Do.CANCEL, 0), JOIN]
            events = await performed(target, *steps, ask(0, "seen"))
        assert [["wait"]] == [value["body"] for value in came(events, "seen", OK)]

    async def test_of_a_connection_reaches_streams_and_sockets(self, target: AdaptedTarget) -> None:
        """Whoever is dropped is dropped everywhere: both feeds and the socket have ended."""
        events = await performed(
            target,
            *(ask(0, "events"), ask(0, "lines"), ask(0, "socket"), JOIN, Step(Do.DISCONNECT, 0)),
            *(ask(1, "seen", how=RequestOptions(at_s=0.5)), JOIN),
        )
        assert [["feed", "feed", "socket"]] == [sorted(value["body"]) for value in came(events, "seen", OK)]

    async def test_of_a_stream_that_breaks_is_told(self, target: AdaptedTarget) -> None:
        """A body that was not finished did not end in good order."""
        events = await performed(target, ask(0, "broken"))
        frames = came(events, "broken", PUSH)
        assert ["one", True] == [frames[0], "closed" in frames[-1]]


class TestLifespan:
    async def test_reaches_requests(self, target: AdaptedTarget) -> None:
        """What an application puts aside when it starts is in the state of each request."""
        events = await performed(target, ask(0, "word"))
        assert [{"word": "of the lifespan"}] == [value["body"] for value in came(events, "word", OK)]

    async def test_is_not_needed(self) -> None:
        """An application that knows requests only is asked all the same."""

        async def app(scope: Value, receive: Value, send: Value) -> None:
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b'"here"'})

        adapter = Adapter(
            name="bare",
            sign_in=nobody(),
            routes=[Route("look", "GET", "/", query={"q": "{canary}"}, makes="look", id="")],
        )
        async with Lifespan(app):
            target = AdaptedTarget(adapter, MemoryExchange(app))
            events = await performed(target, ask(0, "look"))
            await target.close()
        assert ["here"] == [value["body"] for value in came(events, "look", OK)]


async def test_an_application_starts_empty_each_time() -> None:
    """Whatever an application keeps in its modules is made anew, so that no program finds what an earlier one left."""
    ids = []
    for _ in range(2):
        async with open_application(BOARD, "board") as target:
            events = await performed(target, ask(0, "write"), JOIN, ask(0, "seen"))
            ids.append([came(events, "write", OK)[0]["id"], came(events, "seen", OK)[0]["body"]])
    assert [[1, []], [1, []]] == ids
