"""A notice board in one process, made of the standard library: the target of somebody who has nothing else of ours."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from harness.history.model import OnPush, Operation, Promises, Unreachable, User, Value
from harness.history.semantics import Semantics


class Board:
    """Notes of many users; remembers who asked last, and takes that for who asks now."""

    lasting = False
    promises = Promises(
        operations={
            "write_note": Semantics("write_note", makes="note", texts=("text",), shows="text"),
            "list_notes": Semantics("list_notes", lists="note", all=True, shows="text"),
        }
    )

    def __init__(self, name: str, *, careful: bool) -> None:
        self.name = name
        self.careful = careful
        self.current = ""
        self.notes: list[dict[str, str]] = []

    async def connect(self, user: User, on_push: OnPush) -> Visitor:
        """Let a user in."""
        return Visitor(self, user.name)

    async def close(self) -> None:
        """Nothing has to be closed."""


class Visitor:
    """One user at the board."""

    def __init__(self, board: Board, name: str) -> None:
        self._board = board
        self._name = name

    async def invoke(self, operation: Operation) -> Value:
        """Write a note, or list one's own."""
        board = self._board
        board.current = self._name
        await asyncio.sleep(0)
        owner = self._name if board.careful else board.current
        if operation.name == "write_note":
            note = {"id": str(len(board.notes)), "owner": owner, "text": operation.given["text"]}
            board.notes.append(note)
            return note
        return [note for note in board.notes if note["owner"] == owner]

    async def close(self) -> None:
        """Leave."""


class EndingBoard(Board):
    """A board that ends its process, by some means, when the eightieth visitor comes, whichever board they come to."""

    visitors = 0

    def __init__(self, end: Callable[[int], NoReturn]) -> None:
        super().__init__("ending board", careful=False)
        self._end = end

    async def connect(self, user: User, on_push: OnPush) -> Visitor:
        """Let a user in, who may be the last."""
        EndingBoard.visitors += 1
        if EndingBoard.visitors == 80:
            self._end(7)
        return await super().connect(user, on_push)


def board() -> Board:
    """Make the board."""
    return Board("board", careful=False)


def closed_board() -> Board:
    """Fail to make a board, as when its service is not there."""
    raise Unreachable("the board is closed")


def exiting_board() -> Board:
    """Make a board that calls `sys.exit`."""
    return EndingBoard(sys.exit)


def spinning_board() -> Board:
    """Make a board that never gives control back."""
    return EndingBoard(_spin)


def _spin(_: int) -> NoReturn:
    while True:
        pass


def dying_board() -> Board:
    """Make a board that takes its process away."""
    return EndingBoard(os._exit)
