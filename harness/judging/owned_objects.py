"""What one user has, as the model of that user (`harness.judging.single_user`) remembers it.

How it works: for each text that an object may show, the model keeps until when it may; an event index that never comes
(`NEVER`) means that nothing has put an end to it. What an unanswered request would have written may come at any time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harness.history.probes import Kind

NEVER = 1 << 62
"""An event index beyond every history."""

MOST_GROUPS = 256
"""Runs whose writes are remembered per user: the newest."""

MOST_RUNS = 256
"""Runs of which is remembered, per user, what they were asked for: the newest."""

MOST_GONE = 256
"""Deleted notes whose names are remembered per user: the newest. An older one that shows again was never written."""


@dataclass(slots=True)
class Item:
    """One object of the user.

    Args:
        texts: each text it may have, with the event index at which it ceased to.
        written: when each text was acknowledged; an edit that never was may still come into effect.
        versions: those that were acknowledged.
        deleting: deletions that may still come into effect.
    """

    made: int
    texts: dict[str, int]
    written: dict[str, int]
    versions: set[int]
    gone_from: int = NEVER
    gone_by: int = NEVER
    deleting: int = 0

    def overwrite(self, begun: int, done: int, oldest: int) -> None:
        """Put an end to what an acknowledged edit has overwritten, and forget what no open call can show any more.

        Args:
            begun, done: event indices of the edit's invocation and completion.
            oldest: event index at which the oldest open call began.
        """
        for text, written in tuple(self.written.items()):
            # Only what was acknowledged before this edit was asked for is surely overwritten by it.
            if written < begun and self.texts[text] == NEVER:
                self.texts[text] = done
            if self.texts[text] <= oldest:
                del self.texts[text], self.written[text]

    def may_read(self, text: str, since: int) -> bool:
        """Return whether an answer that was asked for at this index may show the text."""
        return self.texts.get(text, -1) > since

    def may_conflict(self, version: object) -> bool:
        """Return whether an edit of this version may be refused: it is not the newest, or another edit may have won."""
        newest = max(self.versions, default=None)
        rivals = sum(until == NEVER for until in self.texts.values())
        return (newest is not None and version != newest) or rivals > 1


@dataclass(slots=True)
class Group:
    """The notes that one run writes together, since which event that is decided, and whether it is to fail."""

    texts: tuple[str, ...]
    doomed: bool = False
    committed: int = NEVER
    aborted: int = NEVER
    touched: bool = False  # by an edit or a deletion of one of them: not judged any more


@dataclass(slots=True)
class Run:
    """What the user asked a run to do, and whether they asked to cancel it."""

    agent: str
    text: str
    group: Group | None
    cancelled: bool = False


@dataclass(slots=True)
class Own:
    """All that the user has, and of what is over, the newest.

    Args:
        maybe: texts that an unanswered request may have written.
        groups: notes that runs write together.
        grouped: the group of a note, by the note's name.
        forgot: some groups: an unknown note may be of one of them.
        troubled: by a fault of their own, which may have ended any of their runs.
        leaving: notes whose deletion was acknowledged, oldest first; a call that began before may still show them.
        gone: notes that nothing may show any more.
    """

    items: dict[str, dict[str, Item]] = field(default_factory=lambda: {Kind.THREAD: {}, Kind.NOTE: {}})
    maybe: dict[str, dict[str, None]] = field(default_factory=lambda: {Kind.THREAD: {}, Kind.NOTE: {}})
    runs: dict[str, Run] = field(default_factory=dict)
    groups: deque[Group] = field(default_factory=deque)
    grouped: dict[str, Group] = field(default_factory=dict)
    forgot: bool = False
    troubled: bool = False
    leaving: deque[tuple[str, Item]] = field(default_factory=deque)
    gone: dict[str, None] = field(default_factory=dict)

    def expect(self, group: Group) -> None:
        """Take in the notes that a run is to write, in place of those of the oldest run."""
        self.groups.append(group)
        if len(self.groups) > MOST_GROUPS:
            self.forgot = True
            oldest = self.groups.popleft()
            self.grouped = {name: kept for name, kept in self.grouped.items() if kept is not oldest}

    def started(self, name: str, run: Run) -> None:
        """Take in a run, in place of the oldest."""
        self.runs[name] = run
        if len(self.runs) > MOST_RUNS:
            del self.runs[next(iter(self.runs))]

    def deleted(self, name: str, note: Item, index: int) -> None:
        """Take in that the deletion of a note was acknowledged at this event index."""
        if note.gone_by == NEVER:
            note.gone_by = index
            self.leaving.append((name, note))

    def let_go(self, oldest: int) -> None:
        """Keep only the names of notes that were gone before the oldest open call began, at this event index."""
        notes = self.items[Kind.NOTE]
        while self.leaving and self.leaving[0][1].gone_by < oldest:
            name, note = self.leaving.popleft()
            if notes.get(name) is note:  # and not a new one that was given the same name
                del notes[name]
                self.gone[name] = None
        while len(self.gone) > MOST_GONE:
            del self.gone[next(iter(self.gone))]

    def writer_of(self, text: str) -> Group | None:
        """Return the notes among which a run was asked to write this text."""
        return next((group for group in self.groups if text in group.texts), None)


def group_of(agent: object, text: str) -> Group | None:
    """Return the notes that a run is to write, or None if it writes none."""
    order, _, rest = text.partition(": ")
    if agent == "notebook" and order == "remember":
        return Group(tuple(part.strip() for part in rest.split("|")))
    if agent == "faulty" and order == "fail":
        return Group((rest,), doomed=True)
    return None
