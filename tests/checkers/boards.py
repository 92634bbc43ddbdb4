"""A service that is not the bundled one, for the tests of checkers: cards on boards, and jobs that write cards.

Ids are numbers, texts stand below `attributes`, lists below `found`, and a frame is
`{"data": {"job": id, "board": id, "n": seq}, "event": type}`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stories import ANN, BOB, Story

from harness.history.model import EventKind, Promises, UserId
from harness.history.semantics import Delivery, Progress, Pushes, Semantics, Work

PUSHES = Pushes(
    of="job",
    id="data.job",
    within="board",
    within_id="data.board",
    seq="data.n",
    type="event",
    begins=("begun",),
    completes=("done",),
    fails=("broken",),
    delivery=Delivery.EXACTLY_ONCE,
)
TEXT = "attributes.text"
OPERATIONS = (
    Semantics("open", makes="board", id="data.id"),
    Semantics("drop", takes="board", argument="board", deletes=True),
    Semantics(
        "pin", makes="card", id="data.id", takes="board", argument="board", texts=("text",), shows=f"data.{TEXT}"
    ),
    Semantics("look", takes="card", argument="card", reads=True, shows=f"data.{TEXT}", id="data.id"),
    Semantics("change", takes="card", argument="card", edits=True, texts=("text",), version="data.version"),
    Semantics("tear", takes="card", argument="card", deletes=True),
    Semantics("cards", lists="card", all=True, entries="found", shows=TEXT),
    Semantics("page", lists="card", entries="found", shows=TEXT),
    Semantics(
        "copy",
        makes="job",
        id="data.id",
        takes="board",
        argument="board",
        texts=("text", "text:2"),
        starts=Work(writes="card"),
    ),
    Semantics(
        "echo", makes="job", id="data.id", takes="board", argument="board", texts=("text",), starts=Work(repeats=True)
    ),
    Semantics(
        "check",
        takes="job",
        argument="job",
        progress=Progress(status="state", completed=("ok",), failed=("bad",), result="said"),
    ),
    Semantics("stop", takes="job", argument="job", ends=True),
    Semantics("watch", takes="board", argument="board", subscribes=True),
)


def promising(limit: int | None = None, **frames: Any) -> Promises:
    """Return what the service promises, with other frames where they are given."""
    operations = {known.name: known for known in OPERATIONS}
    return Promises(operations=operations, pushes=(replace(PUSHES, **frames),), runs_per_user=limit)


class Boards(Story):
    """A history of that service."""

    def __init__(self, promises: Promises | None = None) -> None:
        """Begin an empty one."""
        super().__init__(promises or promising())

    def has_board(self, user: UserId, board: int, *devices: int) -> None:
        """Open a board, and watch it on these devices."""
        self.does(user, "open", {"data": {"id": board}})
        for device in devices:
            self.does(user, "watch", None, device, board=board)

    def pins(self, user: UserId, board: int, card: int, text: str) -> None:
        """Pin a card to a board."""
        self.does(user, "pin", {"data": {"id": card, "attributes": {"text": text}}}, board=board, text=text)

    def copies(self, user: UserId, board: int, job: int, *texts: str) -> None:
        """Start a job that writes two cards."""
        self.does(
            user, "copy", {"data": {"id": job}}, board=board, **dict(zip(("text", "text:2"), texts, strict=False))
        )

    def sees(self, user: UserId, *cards: tuple[int, str], operation: str = "cards") -> int:
        """List cards."""
        found = [{"id": card, "attributes": {"text": text}} for card, text in cards]
        return self.does(user, operation, {"found": found})

    def gets(self, user: UserId, board: int, job: int, n: int, type: str = "going", device: int = 0) -> int:
        """Let a frame arrive."""
        value = {"data": {"job": job, "board": board, "n": n}, "event": type}
        return self.event(EventKind.PUSH, user, type, value, device)


def watched(limit: int | None = None, **frames: Any) -> Boards:
    """Tell of Ann and Bob, each with a board that device 0 watches."""
    story = Boards(promising(limit, **frames))
    story.has_board(ANN, 1, 0)
    story.has_board(BOB, 2, 0)
    return story


def of(*operations: Semantics) -> Promises:
    """Return what a service of these operations promises."""
    return Promises(operations={known.name: known for known in operations})


def boards(*more: Semantics) -> Boards:
    """Tell of a service of boards with more operations, at which Bob is, too, and has had a fault."""
    promises = promising()
    story = Boards(replace(promises, operations={**promises.operations, **{known.name: known for known in more}}))
    story.has_fault(BOB)
    return story


def said_of(story: Story) -> list[str]:
    """Return what is found and doubted of data and answers."""
    doubts = [*story.doubts("tampering"), *story.doubts("interference")]
    return [*story.messages("tampering"), *story.messages("interference"), *doubts]
