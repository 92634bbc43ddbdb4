"""Whatever a channel pushes arrives, in whichever way it is pushed; a refusal is a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.adapter import Adapter, Channel, Route, nobody
from harness.history.model import Refused, Value
from harness.transport.channels import OpenChannel, Opening, open_channel
from harness.wire.serving import located

SERVICE = Path(__file__).parent / "pushing_service.py"
ADAPTER = Adapter(
    name="pushing",
    app=f"{SERVICE}:make_app",
    sign_in=nobody(),
    routes=[Route("write", "POST", "/notes", json={"text": "{canary}"}, makes="note")],
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with located(ADAPTER) as here:
        yield here


class Heard:
    """What has arrived, and a way to wait for so many frames."""

    def __init__(self) -> None:
        self.frames: list[Value] = []
        self._more = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, frame: Value) -> None:
        self.frames.append(frame)
        task = asyncio.ensure_future(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def wait(self, count: int) -> list[Value]:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.frames) >= count)
        return self.frames


async def opened(url: str, channel: Channel, http: httpx.AsyncClient, heard: Heard) -> OpenChannel:
    return await open_channel(channel, Opening(url, channel.path, channel.query, {}), http, heard)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("channel", "frames"),
    [
        (Channel("lines", "lines", "/lines", query={"word": "please"}), ["hello", "one"]),
        (
            Channel("events", "sse", "/events"),
            [{"event": "note", "id": "7", "data": "hello"}, {"event": "note", "id": "7", "data": "one"}],
        ),
    ],
    ids=["lines", "sse"],
)
async def test_a_stream_is_read_as_it_comes(url: str, channel: Channel, frames: list[Value]) -> None:
    """What is pushed before and after a write, while the stream goes on."""
    heard = Heard()
    async with httpx.AsyncClient(base_url=url) as http:
        stream = await opened(url, channel, http, heard)
        await heard.wait(1)
        await http.post("/notes", json={"text": "one"})
        assert frames == await heard.wait(2)
        await stream.close()


@pytest.mark.asyncio
async def test_a_socket_tells_frames_of_any_kind_and_its_end(url: str) -> None:
    """Text that is JSON, bytes one for one, and why it was closed."""
    heard = Heard()
    async with httpx.AsyncClient(base_url=url) as http:
        socket = await opened(url, Channel("s", "websocket", "/socket", query={"word": "please"}), http, heard)
        await socket.say({"hi": 1})
        frames = await heard.wait(3)
        assert [{"echo": '{"hi": 1}'}, "\xffbytes", {"closed": 4000, "reason": "that was all"}] == frames
        with pytest.raises(ConnectionError):
            await socket.say("more")
        await socket.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", ["lines", "websocket"])
async def test_who_is_refused_is_told_with_what(url: str, protocol: str) -> None:
    """A definite no, with its status, whatever kind of channel."""
    path = "/lines" if protocol == "lines" else "/socket"
    async with httpx.AsyncClient(base_url=url) as http:
        with pytest.raises(Refused) as refused:
            await opened(url, Channel("c", protocol, path), http, Heard())  # type: ignore[arg-type]
    assert 403 == refused.value.status


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("channel", "status"),
    [
        (Channel("c", "lines", "/a-few", query={"count": "0"}), 200),
        (Channel("c", "lines", "/a-few", query={"count": "2"}), None),
        (Channel("c", "websocket", "/closing", query={"say": "", "code": "1000"}), 1000),
        (Channel("c", "websocket", "/closing", query={"say": "bye", "code": "1000"}), None),
        (Channel("c", "websocket", "/closing", query={"say": "go away", "code": "4003"}), 4003),
    ],
    ids=["an empty stream", "a stream", "a socket, at once", "a socket, when all was said", "a socket, with a reason"],
)
async def test_to_accept_and_then_to_close_is_a_refusal(url: str, channel: Channel, status: int | None) -> None:
    """Unless something was served, and then ended in good order."""
    async with httpx.AsyncClient(base_url=url) as http:
        opened_one = await opened(url, channel, http, Heard())
        refusal = await asyncio.wait_for(opened_one.refusal(), 10)
        await opened_one.close()
    assert status == (None if refusal is None else refusal.status)


@pytest.mark.asyncio
async def test_over_a_stream_nothing_is_said(url: str) -> None:
    """It is read only."""
    async with httpx.AsyncClient(base_url=url) as http:
        stream = await opened(url, Channel("e", "sse", "/events"), http, Heard())
        with pytest.raises(ConnectionError, match="nothing can be said"):
            await stream.say("hello")
        await stream.close()
