"""The services are what their table says: right for one user alone, and leaky where they are to be, and only there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from harness.history.model import Credential
from tests.services import serving as serving_module
from tests.services.catalogue import SERVICES
from tests.services.provoking import PROVOCATIONS, same
from tests.services.pushing import chat_heard, feed_heard, progress_heard, room_heard, until
from tests.services.serving import Missing, serving
from tests.services.visitors import Visitors

HERE = Path(__file__).parent
TEXTS = ("one", 'two "quoted"\tand: more', "drei \N{GREEK SMALL LETTER PI} \N{PILE OF POO}")
BELIEVED = {("unsigned_tokens", True): {Credential.UNSIGNED}}
"""Invalid credentials that are let in, which is the mistake."""


@pytest.fixture(scope="module", params=list(SERVICES))
def running(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, bool, str]]]:
    """Run a service with its mistake, and without: name, whether with, URL."""
    name = request.param
    variants = (serving(name, True), serving(name, False))
    with ThreadPoolExecutor() as threads:
        try:
            with_mistake, without = threads.map(ExitStack.enter_context, stacks := (ExitStack(), ExitStack()), variants)
        except Missing as missing:
            pytest.skip(str(missing))
        yield [(name, True, with_mistake), (name, False, without)]
        list(threads.map(ExitStack.close, stacks))


Running = list[tuple[str, bool, str]]


@pytest.mark.asyncio
async def test_one_user_alone_is_served_right(running: Running) -> None:
    """What is written is read back and listed; what is not there is not found."""
    for name, _, url in running:
        async with Visitors(name, url) as visitors:
            zoe = await visitors.person("zoe")
            made = [await zoe.write(text) for text in TEXTS]
            for text, own in zip(TEXTS, made, strict=True):
                answer = await zoe.read(own)
                assert 200 == answer.status_code
                assert (own, text) == (zoe.shown(answer)["id"], zoe.shown(answer)["text"])
            listed = await zoe.listed()
            assert 200 == listed.status_code
            assert all(own in listed.text for own in made)
            assert 404 == (await zoe.read(uuid.uuid4().hex)).status_code


@pytest.mark.asyncio
async def test_what_is_pushed_arrives(running: Running) -> None:
    """A user alone hears of what they write; of a service that pushes nothing, nothing is expected."""
    for name, _, url in running:
        async with Visitors(name, url) as visitors:
            yan = await visitors.person("yan")
            room = await yan.write("before")
            match name:
                case "websocket_rooms":
                    async with room_heard(yan, room) as hear:
                        await until(hear, "before")
                        await yan.http.post(f"/rooms/{room}/texts", json={"text": "pushed"}, headers=yan.headers)
                        await until(hear, "pushed")
                case "sse_feed":
                    async with feed_heard(yan, "a session") as hear:
                        await yan.write("pushed")
                        await until(hear, "pushed")
                case "socketio_chat":
                    async with chat_heard(yan) as hear:
                        await yan.write("pushed")
                        await until(hear, "pushed")
                case "progress_stream":
                    async with progress_heard(yan, room) as hear:
                        await until(hear, '"done": 1')
                case _:
                    assert () == visitors.adapter.channels


@pytest.mark.asyncio
async def test_only_valid_credentials_are_let_in(running: Running) -> None:
    """Everything invalid that can be made is refused, but where that is the mistake."""
    for name, leaky, url in running:
        async with Visitors(name, url) as visitors:
            invalid = visitors.adapter.sign_in.invalid
            assert {Credential.NONE, Credential.FORGED, Credential.TRUNCATED} <= invalid
            let_in = set()
            for credential in invalid:
                intruder = await visitors.person("xenia", credential=credential)
                status = (await intruder.listed()).status_code
                assert status in (200, 401)
                let_in |= {credential} if status == 200 else set()
            assert BELIEVED.get((name, leaky), set()) == let_in


@pytest.mark.asyncio
async def test_without_the_stimulus_no_mistake_shows(running: Running) -> None:
    """Two with plain names who write, read and list in turn see their own; only of one service this is the stimulus."""
    for name, leaky, url in running:
        if not (leaky and SERVICES[name].stimulus == "in-turn"):
            async with Visitors(name, url) as visitors:
                ursula, tom = await visitors.person("ursula"), await visitors.person("tom")
                for person, own, foreign in ((ursula, "of ursula", "of tom"), (tom, "of tom", "of ursula")) * 2:
                    assert own in (await person.read(await person.write(own))).text
                    listed = (await person.listed()).text
                    assert own in listed
                    assert foreign not in listed


@pytest.mark.asyncio
async def test_the_mistake_shows_and_the_twin_has_none(running: Running) -> None:
    """The stimulus of the table shows it, and shows nothing in the corrected service."""
    for name, leaky, url in running:
        async with Visitors(name, url) as visitors:
            assert leaky is await PROVOCATIONS[name](visitors)


@pytest.mark.asyncio
async def test_what_is_another_users_is_as_if_it_were_not_there(running: Running) -> None:
    """A twin answers the same for an object of somebody else and for none."""
    for name, leaky, url in running:
        if not leaky:
            async with Visitors(name, url) as visitors:
                victor, walter = await visitors.person("victor"), await visitors.person("walter")
                foreign = await walter.read(await victor.write("of victor"))
                assert 404 == foreign.status_code
                assert same(foreign, await walter.read(uuid.uuid4().hex))


def test_the_table_names_what_there_is() -> None:
    """Every service has a module, an adapter and a provocation, and there is none that the table does not name."""
    apps = {path.stem for path in HERE.glob("apps/*.py") if "__main__" in path.read_text(encoding="utf-8")}
    targets = {path.name.removesuffix("_target.py") for path in HERE.glob("targets/*_target.py")}
    assert [set(SERVICES)] * 3 == [apps, targets, set(PROVOCATIONS)]


def test_a_service_that_lacks_something_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the service, and only what is not there."""
    service = replace(SERVICES["starlette_notes"], needs=("starlette", "a_package_that_is_not_there"))
    monkeypatch.setitem(serving_module.SERVICES, "starlette_notes", service)
    with (
        pytest.raises(Missing, match=r"^starlette_notes needs a_package_that_is_not_there$"),
        serving(service.name, True),
    ):
        pass
