"""Provokes the mistake of each service, with the one stimulus that it needs. A function returns whether it showed."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable

import httpx
import jwt

from tests.services.apps.idle_cards import IDLE_S
from tests.services.apps.volume_cache import NUMBERS
from tests.services.pushing import chat_heard, feed_heard, room_heard, until
from tests.services.visitors import Person, Visitors, at_once

MARK = "the text of alice"
OWN = "the text of bob"
TRIES = 20
OVER_LIMIT = 300_000
LONG = 1_000_000
CROWD = 12


async def starlette_notes(visitors: Visitors) -> bool:
    """One, who has written nothing, lists what is theirs after the other has."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    await alice.listed()
    return [] != (await bob.listed()).json()


async def fastapi_board(visitors: Visitors) -> bool:
    """Two list at once."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    for _ in range(TRIES):
        answers = await at_once(*(person.listed() for person in (bob, alice) * 4))
        if any(MARK in answer.text for answer in answers[::2]):
            return True
    return False


async def flask_profiles(visitors: Visitors) -> bool:
    """Two use one connection."""
    shared = await visitors.client(limits=httpx.Limits(max_connections=1))
    alice, bob = await visitors.person("alice", shared), await visitors.person("bob", shared)
    await alice.write(MARK)
    return MARK in (await bob.listed()).text


async def aiohttp_pool(visitors: Visitors) -> bool:
    """One hangs up before the answer."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    for attempt in range(TRIES):
        asking = asyncio.create_task(alice.listed())
        await asyncio.sleep(0.005 + 0.002 * (attempt % 10))
        asking.cancel()
        await asyncio.wait([asking])
        if any(MARK in answer.text for answer in await at_once(bob.listed(), bob.listed())):
            return True
    return False


async def django_orders(visitors: Visitors) -> bool:
    """One exports the order of the other."""
    alice, bob = await visitors.two()
    order = await alice.write(MARK)
    assert MARK == (await alice.get(f"/orders/{order}/export")).text
    assert [MARK] == (await alice.get(f"/orders/{order}/lines")).json()["lines"]
    assert 404 == (await bob.get(f"/orders/{order}/lines")).status_code
    return MARK in (await bob.get(f"/orders/{order}/export")).text


async def websocket_rooms(visitors: Visitors) -> bool:
    """One subscribes to the room of the other."""
    alice, bob = await visitors.two()
    async with room_heard(bob, await alice.write(MARK)) as hear:
        return MARK in await hear()


async def sse_feed(visitors: Visitors) -> bool:
    """One comes with the session id of the other."""
    alice, bob = await visitors.two()
    session = uuid.uuid4().hex
    async with feed_heard(alice, session) as hear:
        await alice.write(MARK)
        await until(hear, MARK)
    async with feed_heard(bob, session) as hear:
        await bob.write(OWN)
        return MARK in await until(hear, OWN)


async def socketio_chat(visitors: Visitors) -> bool:
    """Two have names that are alike."""
    shown = []
    for names in (("org&a", "org$a"), ("Alice", "alice")):
        one, other = [await visitors.person(name) for name in names]
        async with chat_heard(other) as hear:
            await one.write(MARK)
            await other.write(OWN)
            shown.append(MARK in await until(hear, OWN))
    assert len(set(shown)) == 1
    return shown[0]


async def redis_cache(visitors: Visitors) -> bool:
    """Two have names and topics that make one text when joined."""
    short, long = await visitors.person("a"), await visitors.person("a:b")
    await short.post(MARK, "write_longer")
    assert MARK in (await short.get("/notes", topic="b:c")).text
    return MARK in (await long.get("/notes", topic="c")).text


async def postgres_tenants(visitors: Visitors) -> bool:
    """One sends a text that is too large."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    assert MARK not in (await bob.listed()).text
    assert 413 == (await alice.post("x" * OVER_LIMIT)).status_code
    return any(MARK in answer.text for answer in await at_once(bob.listed(), bob.listed()))


async def chunked_upload(visitors: Visitors) -> bool:
    """Two upload something long at once."""
    alice, bob = await visitors.two()
    for _ in range(TRIES):
        answers = await at_once(alice.post("A" * LONG), bob.post("B" * LONG))
        if any("A" in answer.json()["text"] for answer in answers[1:]):
            return True
    return False


async def batching_search(visitors: Visitors) -> bool:
    """Many search within a few milliseconds."""
    crowd = [await visitors.person(f"person {number}") for number in range(CROWD)]
    texts = [f"text {CROWD - number:02d}" for number in range(CROWD)]
    await at_once(*(person.write(text) for person, text in zip(crowd, texts, strict=True)))

    async def finds_own(person: Person, text: str) -> bool:
        answer = (await person.get("/search", text=text)).json()
        return bool(answer["text"] == text and [text] == [note["text"] for note in answer["found"]])

    for _ in range(TRIES):
        if not all(await at_once(*map(finds_own, crowd, texts))):
            return True
    return False


async def volume_cache(visitors: Visitors) -> bool:
    """One asks often enough for the numbers to come again."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    assert MARK not in (await bob.listed()).text
    await list_often(alice, NUMBERS)
    return MARK in (await bob.listed()).text


async def list_often(person: Person, times: int) -> None:
    """Send many short requests on one connection, without waiting for each answer."""
    proof = "".join(f"{name}: {value}\r\n" for name, value in person.headers.items())
    request = f"GET /notes HTTP/1.1\r\nhost: {person.http.base_url.host}\r\n{proof}\r\n".encode()
    reader, writer = await asyncio.open_connection(person.http.base_url.host, person.http.base_url.port)
    writer.write(request * times)
    for _ in range(times):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        await reader.readexactly(int(length[1]))
    writer.close()


async def unsigned_tokens(visitors: Visitors) -> bool:
    """Somebody has a token without a signature."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    bob.headers = {"authorization": f"Bearer {jwt.encode({'sub': 'alice'}, None, algorithm='none')}"}
    return MARK in (await bob.listed()).text


async def telling_notes(visitors: Visitors) -> bool:
    """Somebody asks for a note of another, and for one that is not there."""
    alice, bob = await visitors.two()
    there = await bob.read(await alice.write(MARK))
    return not same(there, await bob.read(uuid.uuid4().hex))


async def multiplexed_inbox(visitors: Visitors) -> bool:
    """Two ask at once over one connection of HTTP/2."""
    shared = await visitors.client(http1=False, http2=True)
    alice, bob = await visitors.person("alice", shared), await visitors.person("bob", shared)
    await alice.write(MARK)
    return any(MARK in answer.text for answer in (await at_once(bob.listed(), alice.listed()))[::2])


async def progress_stream(visitors: Visitors) -> bool:
    """One watches the job of the other."""
    alice, bob = await visitors.two()
    path = f"/jobs/{await alice.write(MARK)}/progress"
    async with bob.http.stream("GET", path, headers=bob.headers) as response:
        return response.status_code == 200


async def idle_cards(visitors: Visitors) -> bool:
    """Two come back at once."""
    alice, bob = await visitors.two()
    await alice.write(MARK)
    assert MARK not in (await bob.listed()).text
    await bob.write(OWN)
    await asyncio.sleep(2 * IDLE_S)  # it is idleness that shows it
    of_alice, of_bob = await at_once(alice.listed(), bob.listed())
    return OWN in of_alice.text or MARK in of_bob.text


async def kept_agents(visitors: Visitors) -> bool:
    """One asks twice."""
    alice, _ = await visitors.two()
    assert MARK in (await alice.read(await alice.write(MARK))).text
    return MARK in (await alice.read(await alice.write(OWN))).text


def same(one: httpx.Response, other: httpx.Response) -> bool:
    """Return whether two answers tell the same."""
    return (one.status_code, one.text) == (other.status_code, other.text)


PROVOCATIONS: dict[str, Callable[[Visitors], Awaitable[bool]]] = {
    provoke.__name__: provoke
    for provoke in (
        starlette_notes,
        fastapi_board,
        flask_profiles,
        aiohttp_pool,
        django_orders,
        websocket_rooms,
        sse_feed,
        socketio_chat,
        redis_cache,
        postgres_tenants,
        chunked_upload,
        batching_search,
        volume_cache,
        unsigned_tokens,
        telling_notes,
        multiplexed_inbox,
        progress_stream,
        idle_cards,
        kept_agents,
    )
}
"""By the name of the service."""
