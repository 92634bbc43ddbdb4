"""What one user has, as the model of that user (`harness.judging.single_user`) remembers it.

How it works: for each text that an object may show, the model keeps until when it may; an event index that never comes
(`NEVER`) means that nothing has put an end to it. What an unanswered request would have written may come at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.history.semantics import Work
from harness.judging.frames import Object

K = TypeVar("K")

NEVER = 1 << 62
"""An event index beyond every history."""

MOST_GROUPS = 256
"""Pieces of work whose writes are remembered per user: the newest."""

MOST_RUNS = 256
"""Pieces of work of which is remembered, per user, what they were asked for: the newest."""

MOST_GONE = 256
"""Deleted objects whose names are remembered per user: the newest. An older one that shows again was never written."""

MOST_LOOSE = 1_024
"""Texts remembered per user of which nobody knows where they may show. When there are more, any text may."""

MOST_NESTED, MOST_DEEP = 4_096, 16
"""Of so many objects per user, the newest, it is remembered within which others they were made, and so deep."""


@dataclass(slots=True)
class Item:
    """One object of the user.

    Args:
        made: index of the event that named it.
        texts: each text it may have, with the event index at which it ceased to; none at all when it may have any.
        written: when each text was acknowledged; an edit that never was may still come into effect.
        versions: those that were acknowledged.
        width: how many texts it was made with; an edit that brings in fewer may leave some of them.
        deleting: deletions that may still come into effect.
    """

    made: int
    texts: dict[str, int]
    written: dict[str, int]
    versions: set[int]
    width: int = 1
    gone_from: int = NEVER
    gone_by: int = NEVER
    deleting: int = 0

    def overwrite(self, begun: int, done: int, oldest: int) -> list[str]:
        """Put an end to what an acknowledged edit has overwritten, and forget what no open call can show any more.

        Args:
            begun, done: event indices of the edit's invocation and completion.
            oldest: event index at which the oldest open call began.

        Returns:
            What was forgotten.
        """
        forgotten = []
        for text, written in tuple(self.written.items()):
            # Only what was acknowledged before this edit was asked for is surely overwritten by it.
            if written < begun and self.texts[text] == NEVER:
                self.texts[text] = done
            if self.texts[text] <= oldest:
                del self.texts[text], self.written[text]
                forgotten.append(text)
        return forgotten

    def may_read(self, text: str, since: int) -> bool:
        """Return whether an answer that was asked for at this index may show the text."""
        return not self.texts or self.texts.get(text, -1) > since

    def may_conflict(self, version: int | None) -> bool:
        """Return whether an edit of this version may be refused: it is not the newest, or another edit may have won."""
        newest = max(self.versions, default=None)
        rivals = sum(until == NEVER for until in self.texts.values())
        return (newest is not None and version != newest) or rivals > self.width


@dataclass(slots=True)
class Group:
    """The objects that one piece of work writes together, since when that is decided, and whether it is to fail."""

    kind: str
    texts: tuple[str, ...]
    doomed: bool = False
    within: Object | None = None
    committed: int = NEVER
    aborted: int = NEVER
    touched: bool = False  # by an edit or a deletion of one of them: not judged any more


@dataclass(slots=True)
class Run:
    """What the user asked a piece of work to do, within which object, and whether they asked it to end."""

    work: Work
    text: str
    group: Group | None
    within: Object | None = None
    ended: bool = False


@dataclass(slots=True)
class Own:
    """All that the user has, and of what is over, the newest.

    Args:
        items: objects of collections, by kind and id.
        maybe: texts that an unanswered request may have written, by kind.
        blank: by kind, how many objects may have been made without a text, and were not named.
        loose: texts that may show anywhere.
        within: what objects were made within.
        runs: work that goes on.
        groups: what pieces of work write together.
        grouped: the group of an object.
        forgot: some groups: an unknown object may be of one of them.
        blurred: something was asked of which nobody knows what it does: unknown objects may be of it.
        troubled: by a fault of their own, which may have ended any of their work.
        leaving: what was deleted, oldest first; a call that began before may still show it.
        gone: what nothing may show any more.
        untold: what nobody knows what became of; not judged.
        overwritten: texts that nothing should show any more.
        worked: what was asked of which object, and answered.
    """

    items: dict[str, dict[str, Item]]
    maybe: dict[str, dict[str, None]]
    blank: dict[str, int] = field(default_factory=dict)
    loose: dict[str, None] = field(default_factory=dict)
    within: dict[Object, Object] = field(default_factory=dict)
    runs: dict[Object, Run] = field(default_factory=dict)
    groups: deque[Group] = field(default_factory=deque)
    grouped: dict[Object, Group] = field(default_factory=dict)
    forgot: bool = False
    blurred: bool = False
    troubled: bool = False
    leaving: deque[tuple[Object, Item]] = field(default_factory=deque)
    gone: dict[Object, None] = field(default_factory=dict)
    untold: dict[Object, None] = field(default_factory=dict)
    overwritten: dict[str, None] = field(default_factory=dict)
    worked: dict[tuple[str, Object | None], None] = field(default_factory=dict)

    @classmethod
    def of(cls, collections: Collection[str]) -> Own:
        """Return what a user has to begin with."""
        return cls({kind: {} for kind in collections}, {kind: {} for kind in collections})

    def item(self, object: Object) -> Item | None:
        """Return the user's object of this name, if it is judged."""
        return self.items.get(object[0], {}).get(object[1])

    def expect(self, group: Group) -> None:
        """Take in what a piece of work is to write, in place of the oldest."""
        self.groups.append(group)
        if len(self.groups) > MOST_GROUPS:
            self.forgot = True
            oldest = self.groups.popleft()
            self.grouped = {name: kept for name, kept in self.grouped.items() if kept is not oldest}

    def started(self, name: Object, run: Run) -> None:
        """Take in a piece of work, in place of the oldest."""
        self.runs[name] = run
        if len(self.runs) > MOST_RUNS:
            del self.runs[next(iter(self.runs))]

    def deleted(self, name: Object, item: Item, index: int) -> None:
        """Take in that the deletion of an object was acknowledged at this event index."""
        if item.gone_by == NEVER:
            item.gone_by = index
            self.leaving.append((name, item))

    def let_go(self, oldest: int) -> None:
        """Keep only the names of what was gone before the oldest open call began, at this event index."""
        while self.leaving and self.leaving[0][1].gone_by < oldest:
            name, item = self.leaving.popleft()
            if self.item(name) is item:  # and not a new one that was given the same name
                del self.items[name[0]][name[1]]
                self.within.pop(name, None)
                self.gone[name] = None
        _shorten(self.gone, MOST_GONE)

    def forget_text(self, text: str) -> None:
        """Take in that nothing should show a text any more."""
        self.overwritten[text] = None
        _shorten(self.overwritten, MOST_GONE)

    def works(self, operation: str, object: Object | None) -> bool:
        """Take in that something was answered; return whether the same had been before."""
        before = (operation, object) in self.worked
        self.worked[operation, object] = None
        _shorten(self.worked, MOST_GONE)
        return before

    def writer_of(self, kind: str, text: str) -> Group | None:
        """Return the group of objects of a kind among which work was asked to write this text."""
        return next((group for group in self.groups if group.kind == kind and text in group.texts), None)

    def touch_groups(self, kind: str) -> None:
        """Judge no more of this kind what work writes together."""
        for group in self.groups:
            group.touched |= group.kind == kind

    # What nobody knows enough of to judge it.

    def loosen(self, texts: Collection[str]) -> None:
        """Take in texts that may show anywhere."""
        self.loose.update(dict.fromkeys(texts))
        self.blurred |= _shorten(self.loose, MOST_LOOSE)

    def made_within(self, object: Object, outer: Object) -> None:
        """Take in that an object was made within another."""
        self.within[object] = outer
        _shorten(self.within, MOST_NESTED)

    def lose_sight_of(self, object: Object | None, itself: bool = True) -> None:
        """Judge no more what was made within an object, nor that object `itself`; None for everything there is."""
        self.worked.clear()
        for deleted in [deleted for deleted in self.gone if itself and self._is_inside(deleted, object)]:
            del self.gone[deleted]  # it may be back
            self.untold[deleted] = None
        for kind, items in self.items.items():
            for name in [name for name in items if self._is_inside((kind, name), object)]:
                if itself or (kind, name) != object:
                    self.untold[kind, name] = None
                    self.loosen(items.pop(name).texts)
        for group in self.groups:
            group.touched |= self._is_inside(group.within, object)
        for started, run in tuple(self.runs.items()):
            if started == object or self._is_inside(run.within, object):
                del self.runs[started]
        self.blurred |= _shorten(self.untold, MOST_LOOSE)

    def _is_inside(self, inner: Object | None, outer: Object | None) -> bool:
        return outer is None or (inner is not None and outer in self._around(inner))

    def _around(self, object: Object) -> Iterator[Object]:
        around: Object | None = object
        for _ in range(MOST_DEEP):
            if around is None:
                return
            yield around
            around = self.within.get(around)


def _shorten(entries: dict[K, Any], most: int) -> bool:
    """Drop the oldest entries until no more than `most` are left; return whether there were any."""
    dropped = len(entries) > most
    while len(entries) > most:
        del entries[next(iter(entries))]
    return dropped
