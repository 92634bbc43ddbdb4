"""Small programs in which users meet, made from what a target says of its operations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from harness.adapter import Adapter, Channel, Route, nobody
from harness.history.model import Promises, Target
from harness.history.semantics import Semantics
from harness.scenario.program import Do, Step
from harness.schedules.batches import explorer
from harness.schedules.scenes import Scene, scenes
from harness.targets.bundled import BUNDLED
from harness.verification.resolve import resolve

PLAIN = Adapter(
    name="plain",
    sign_in=nobody(),
    routes=[
        Route("open", "POST", "/folders", json={"title": "{canary}"}, makes="folder"),
        Route("write", "POST", "/folders/{folder}/notes", json={"text": "{canary}"}, makes="note"),
        Route("read", "GET", "/folders/{folder}/notes/{note}", shows="text"),
        Route("edit", "PUT", "/notes/{note}", json={"text": "{canary}"}, edits=True),
        Route("list", "GET", "/folders/{folder}/notes", lists="note", shows="text"),
        Route("drop", "DELETE", "/notes/{note}", deletes=True),
    ],
    channels=[Channel("feed", "sse", "/folders/{folder}/feed")],
)
"""Neither work nor slots: notes in folders, and a stream of each folder."""
CAST = {scene.name: scene for scene in scenes(BUNDLED.promises)}
EXPLORED: Mapping[str, str] = {
    "talking": "0 narrate, 1 narrate",
    "writing": "0 write_note, 1 write_note, 0 list_notes, 0 search_notes, 0 list_threads, "
    "1 list_notes, 1 search_notes, 1 list_threads",
    "remembering": "0 remember, 1 remember, 0 recall, 1 recall",
    "failing": "0 fail, 1 narrate, 1 write_note, 0 narrate",
    "holding": "0 stall, 1 stall, settle, compare, 0 cancel_run, 1 cancel_run",
    "crowding": "0 narrate, 1 narrate, 0 cancel_run, 0 narrate",
    "returning": "0 narrate, 1 narrate, 0 disconnect, 0 connect, 0 narrate",
    "editing": "0 edit_note, 1 edit_note, 0 edit_note, 1 edit_note",
    "wandering": "0 narrate, 1 narrate, 0 narrate, 1 narrate",
    "reaching": "0 read_note, 0 read_run, 0 follow, 0 narrate, 0 edit_note, "
    "1 read_note, 1 read_run, 1 follow, 1 narrate, 1 edit_note",
    "waiting": "0 slow, 0 list_notes, 0 recall, 1 recall, 1 write_note, 1 list_notes",
    "exhausting": f"0 slow, {6 * '0 list_notes, 0 search_notes, 0 list_threads, '}0 list_notes, 0 search_notes, "
    "1 list_notes, 1 search_notes, 1 list_threads, 1 write_note",
    "deleting": "0 read_note, 1 read_note, 0 delete_note, 1 delete_note, 0 list_notes, 0 search_notes, 0 list_threads, "
    "1 list_notes, 1 search_notes, 1 list_threads",
}
"""What is done on the bundled backend where choices are made."""


def told(steps: tuple[Step, ...]) -> str:
    """Return who does what."""
    return ", ".join(_told(step) for step in steps)


def _told(step: Step) -> str:
    what = step.operation.name if step.operation is not None else step.do.value
    return what if step.do in (Do.SETTLE, Do.COMPARE) else f"{step.user} {what}"


def explored(scene: Scene) -> str:
    """Return what is done where choices are made, without the settling at its end."""
    assert Do.SETTLE is scene.program.steps[scene.last - 1].do
    return told(scene.program.steps[scene.first : scene.last - 1])


@pytest.mark.parametrize("name", EXPLORED)
def test_a_scene_of_the_bundled_backend_explores_what_it_did(name: str) -> None:
    """The mutants that schedules show, and how soon, rest on it."""
    assert EXPLORED[name] == explored(CAST[name])


def test_the_bundled_backend_has_every_scene() -> None:
    """In this order: attempts take turns by it."""
    assert [*EXPLORED] == [*CAST]


def test_a_plain_service_has_the_scenes_that_need_no_work() -> None:
    """Users write and list at once, edit one version, reach for each other's, delete what they read, and come back."""
    assert {
        "writing": "0 write, 1 write, 0 list, 1 list",
        "returning": "0 write, 0 list, 1 write, 1 list, 0 disconnect, 0 connect, 0 write, 0 list",
        "editing": "0 edit, 1 edit, 0 edit, 1 edit",
        "wandering": "0 write, 0 list, 1 write, 1 list, 0 write, 0 list, 1 write, 1 list",
        "reaching": "0 read, 0 list, 0 feed, 0 write, 0 edit, 1 read, 1 list, 1 feed, 1 write, 1 edit",
        "waiting": "0 slow, 0 list, 1 write, 1 list",
        "exhausting": f"0 slow, {20 * '0 list, '}1 list, 1 write",
        "deleting": "0 read, 1 read, 0 drop, 1 drop, 0 list, 1 list",
    } == {scene.name: explored(scene) for scene in scenes(PLAIN.promises)}


def test_who_reaches_for_anothers_channel_goes_on_listening_to_their_own() -> None:
    """It is opened with a device of its own."""
    (reaching,) = (scene for scene in scenes(PLAIN.promises) if scene.name == "reaching")
    opened = [
        (step.user, step.device, step.operation.objects["folder"])
        for step in reaching.program.steps
        if step.operation is not None and step.operation.name == "feed"
    ]
    assert [(0, 0, "$folder:0:0"), (1, 0, "$folder:1:0"), (0, 0, "$folder:0:0"), (1, 2, "$folder:0:0")] == opened[:4]
    assert (1, 3, "$missing:folder") == opened[4]


def test_of_a_large_service_a_scene_asks_little() -> None:
    """Schedules of many requests at once are too many to find the one that matters."""
    many = {
        name: semantics
        for number in range(20)
        for name, semantics in (
            (f"make {number}", Semantics(f"make {number}", makes=f"kind {number}", texts=("text",))),
            (f"list {number}", Semantics(f"list {number}", lists=f"kind {number}")),
        )
    }
    (writing,) = (scene for scene in scenes(Promises(operations=many)) if scene.name == "writing")
    assert 2 * 3 + 2 * 3 == len(explored(writing).split(", "))


def test_a_target_that_says_nothing_of_its_operations_has_no_scenes() -> None:
    """There is nothing that could be asked."""
    assert () == scenes(Promises())


def test_users_are_two_to_the_target_that_is_explored() -> None:
    """Also to one that folds their names: it would be accused of showing alice what is Alice's."""

    @asynccontextmanager
    async def folding() -> AsyncIterator[Target]:
        async with resolve("reference").open() as target:
            target.adapter = replace(target.adapter, same_name=str.casefold)
            yield target

    with explorer("reference", folding, 1, {}) as opened:
        assert {2} == {len({user.name.casefold() for user in scene.program.users}) for scene in opened.scenes}
