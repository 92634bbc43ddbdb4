from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi import WebSocket as Accepted

from harness.history.model import Refused, Unreachable
from harness.transport.asgi import Application, Lifespan, WebSocket


class Talk:
    """One socket to an application, and what came of it."""

    def __init__(self, app: Application, **options: Any) -> None:
        self.texts: list[str] = []
        self.closed: list[tuple[int, str]] = []
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.socket = WebSocket(
            app,
            "/events",
            headers=options.get("headers", {}),
            subprotocols=options.get("subprotocols", ()),
            on_text=self.hear,
            on_close=self.close,
        )

    def hear(self, text: str) -> None:
        """Keep a frame."""
        self.texts.append(text)
        self.heard.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """Keep how the application closed."""
        self.closed.append((code, reason))
        self.heard.put_nowait(reason)


def app_with(serve: Callable[[Accepted], Awaitable[None]]) -> Application:
    """Return a FastAPI application with this socket."""
    app = FastAPI()
    app.add_api_websocket_route("/events", serve)
    return app


class TestWebSocket:
    def test_is_open_once_it_was_accepted_and_says_what_it_hears(self) -> None:
        """Frames come in order; headers and subprotocols arrive."""

        async def serve(socket: Accepted) -> None:
            await socket.accept()
            await socket.send_text(f"{socket.headers['x-user']} {socket.scope['subprotocols']}")
            while True:
                await socket.send_text(await socket.receive_text())

        async def talk() -> Talk:
            talk = Talk(app_with(serve), headers={"x-user": "alice"}, subprotocols=["v1"])
            await talk.socket.open()
            await talk.socket.send("one")
            await talk.socket.send("two")
            await talk.heard.get()
            await talk.heard.get()
            await talk.heard.get()
            await talk.socket.close()
            return talk

        done = asyncio.run(talk())
        assert (["alice ['v1']", "one", "two"], []) == (done.texts, done.closed)

    def test_that_is_not_accepted_is_refused(self) -> None:
        """With the code and reason of the closing, as a handshake over the network is with 403."""

        async def serve(socket: Accepted) -> None:
            await socket.close(4401, "who are you")

        with pytest.raises(Refused, match="refused with 403: handshake refused with 4401 who are you"):
            asyncio.run(shake_hands(serve))

    def test_of_an_application_that_crashes_first_is_refused(self) -> None:
        """A crash before the handshake opens nothing."""

        async def serve(socket: Accepted) -> None:
            raise ValueError("no")

        with pytest.raises(Refused, match=r"1011 ValueError\('no'\)"):
            asyncio.run(shake_hands(serve))

    @pytest.mark.parametrize("crashes", [False, True])
    def test_that_the_application_closes_is_told_once_and_sends_no_more(self, crashes: bool) -> None:
        """A crash is a closing with 1011."""

        async def serve(socket: Accepted) -> None:
            await socket.accept()
            await socket.receive_text()
            if crashes:
                raise ValueError("no")
            await socket.close(4408, "too slow")

        async def talk() -> Talk:
            talk = Talk(app_with(serve))
            await talk.socket.open()
            await talk.socket.send("go")
            await talk.heard.get()
            with pytest.raises(ConnectionError, match="the socket is closed"):
                await talk.socket.send("more")
            await talk.socket.close()
            return talk

        assert [(1011, "ValueError('no')") if crashes else (4408, "too slow")] == asyncio.run(talk()).closed

    def test_that_is_dropped_is_noticed_by_the_application_and_hears_nothing_more(self) -> None:
        """The application has ended when `close` returns; what it says last reaches nobody, and nobody is called."""
        ended: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            message = await receive()
            for _ in range(5):
                await asyncio.sleep(0)  # it takes its time
            ended.append(message["type"])
            await send({"type": "websocket.send", "text": "too late"})

        async def talk() -> tuple[list[str], Talk]:
            talk = Talk(app)
            await talk.socket.open()
            await talk.socket.close()
            return ended.copy(), talk

        noticed, done = asyncio.run(talk())
        assert (["websocket.disconnect"], [], []) == (noticed, done.texts, done.closed)


async def shake_hands(serve: Callable[[Accepted], Awaitable[None]]) -> None:
    """Only shake hands."""
    await Talk(app_with(serve)).socket.open()


class TestLifespan:
    def test_starts_and_stops_the_application(self) -> None:
        """In this order, with the work between them."""
        story: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            for _ in range(2):
                phase = (await receive())["type"]
                story.append(phase)
                await send({"type": f"{phase}.complete"})

        async def work() -> None:
            async with Lifespan(app):
                story.append("work")

        asyncio.run(work())
        assert ["lifespan.startup", "work", "lifespan.shutdown"] == story

    @pytest.mark.parametrize("crashes", [False, True])
    def test_that_fails_leaves_nothing_to_verify(self, crashes: bool) -> None:
        """Whether the application says so or crashes; the error carries its reason."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            if crashes:
                raise ValueError("no database")
            await send({"type": "lifespan.startup.failed", "message": "no database"})

        async def work() -> None:
            async with Lifespan(app):
                pytest.fail("it started")

        with pytest.raises(Unreachable, match="failed at lifespan.startup: .*no database.*Mend it and try again"):
            asyncio.run(work())

    @pytest.mark.parametrize("fails", [False, True])
    def test_is_not_needed_by_an_application_that_does_not_know_it(self, fails: bool) -> None:
        """Django refuses the scope, others return at once: there is nothing to start, and nothing to stop."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if fails:
                raise ValueError("only http")

        async def work() -> dict[str, Any]:
            async with Lifespan(app) as started:
                return started.state

        assert {} == asyncio.run(work())
