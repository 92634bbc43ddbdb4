"""What users were given so far, so that a program can say `$note:3:0` and mean it. See `harness.scenario.program`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.history.canary import Canaries
from harness.history.model import Operation, User, Value
from harness.history.probes import FINAL_STATUSES, VOCABULARY, Kind

_IDS = uuid.UUID("2a3c1b54-6d0f-4f0e-9c55-0d7c0f7ab001")


@dataclass(slots=True)
class AcceptedRun:
    """A run that the target accepted.

    Args:
        position: of the user in the program.
        thread: it runs in.
        stalls: whether it was asked to wait until it is cancelled.
        ended: whether its user has seen the end of it.
    """

    position: int
    thread: str
    stalls: bool
    ended: bool = False


class Unresolvable(Exception):
    """A step names an object that was never made."""


class Memory:
    """Objects, versions and marks of each user, by the user's number."""

    __slots__ = ("_canaries", "_ended", "_marks", "_missing", "_objects", "_unknown", "_versions", "runs")

    def __init__(self, seed: int) -> None:
        self._canaries = Canaries(seed)
        self._objects: dict[tuple[str, int], list[str]] = {}
        self._versions: dict[str, int] = {}
        self._marks: dict[int, list[str]] = {}
        self._ended: set[str] = set()
        self._missing = 0
        self._unknown = 0
        self.runs: dict[str, AcceptedRun] = {}

    def resolve(self, user: User, value: Value) -> Value:
        """Return the value with its symbols replaced.

        Raises:
            Unresolvable: it names an object that was never made.
        """
        if isinstance(value, Mapping):
            return {key: self.resolve(user, item) for key, item in value.items()}
        if not isinstance(value, str):
            return value
        if value == "$missing":
            self._missing += 1
            return uuid.uuid5(_IDS, f"{self._missing}").hex
        if value.startswith("$"):
            return self._known(user.number, *value[1:].split(":"))
        while "{mark}" in value:
            mark = self._canaries.mint(user.number)
            self._marks.setdefault(user.number, []).append(mark)
            value = value.replace("{mark}", mark, 1)
        return value

    def learn(self, position: int, user: User, operation: Operation, answer: Value) -> None:
        """Take an answer of the user in, for later steps."""
        verb = VOCABULARY.get(operation.name)
        name = answer.get("id") if isinstance(answer, Mapping) else None
        if verb is None or not isinstance(name, str):
            return
        if isinstance(version := answer.get("version"), int):
            self._versions[name] = version
        if verb.makes is not None:
            self._objects.setdefault((verb.makes, user.number), []).append(name)
        if verb.makes is Kind.RUN:
            thread, stalls = str(operation.arguments.get("thread")), _stalls(operation)
            self.runs.setdefault(name, AcceptedRun(position, thread, stalls, name in self._ended))
        if verb.name == "read_run" and answer.get("status") in FINAL_STATUSES:
            self.end(name)

    def miss(self, operation: Operation) -> None:
        """Take in that nobody knows whether an operation happened: a run may wait that nobody can cancel."""
        self._unknown += operation.name == "start_run" and _stalls(operation)

    def end(self, run: str) -> None:
        """Take in that a run has ended; the end of a fast one is told before its acceptance."""
        self._ended.add(run)
        if (known := self.runs.get(run)) is not None:
            known.ended = True

    def waiting(self) -> Iterable[str]:
        """Return the accepted runs that can end and have not."""
        return [name for name, run in self.runs.items() if not run.ended and not run.stalls]

    def stalled(self) -> list[str]:
        """Return the accepted runs that wait until they are cancelled; those that may be there have no name."""
        return [name for name, run in self.runs.items() if not run.ended and run.stalls] + [""] * self._unknown

    def _known(self, asker: int, what: str, *where: str) -> Value:
        try:
            if what == "mark":
                return self._marks[asker][int(where[0])]
            kind = Kind.NOTE if what == "version" else Kind(what)
            name = self._objects[kind, int(where[0])][int(where[1])]
            return self._versions[name] if what == "version" else name
        except (KeyError, IndexError):
            raise Unresolvable from None


def _stalls(operation: Operation) -> bool:
    """Whether a run waits until it is cancelled."""
    return operation.arguments.get("agent") == "faulty" and str(operation.arguments.get("text")).startswith("stall")
