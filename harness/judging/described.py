"""What a description lets the single-user model judge: made once for each header, and shared by all users' models.

Rules:

- A **collection** is a kind of object that some operation makes with texts of the user's, or that work writes.
- An operation is judged by how it ends only if it is said what it shows, how its versions count or its work goes on, or
  where another one shows the texts of such objects. What follows from requests alone is not enough.
- An operation of which nothing is said may do anything to what it takes, and to whatever was made within that. One that
  names no object, brings no text in and is not known to change nothing may do anything to everything.
- Ids of two operations can be compared when both say that they stand under the same key, at whatever depth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.history.model import Event, Promises
from harness.history.semantics import Semantics
from harness.judging.frames import Frames, Object


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one operation, ready for use.

    Args:
        semantics: what the description says.
        judged: whether it is judged by how it ends.
        silent: whether nothing is said of what it does.
        repeats: whether it can be asked again and again, though it is not judged by how it ends: it changes nothing.
        makes: the collection of which it makes an object at once; `""` when there is none.
        takes: the collection of which it takes an object; `""` when there is none.
        lists: the collection that it lists; `""` when there is none.
        same_ids: whether the ids in its answers can be compared with those under which its objects were made.
    """

    semantics: Semantics
    judged: bool
    silent: bool
    repeats: bool
    makes: str
    takes: str
    lists: str
    same_ids: bool

    def taken_in(self, asked: Event) -> Object | None:
        """Return the object that an INVOKE names, or None."""
        kind, name = self.semantics.takes, self.semantics.object_in(asked.value)
        return (kind, name) if kind is not None and name is not None else None


class Described:
    """What is known of the operations of a service.

    Args:
        promises: what the service states of itself.

    `telling` has the collections of which every list names its entries and shows their texts. `showing` has the
    operations that were seen to show the text of the object that they take or list, where the description does not say
    so: it fills while a history is judged.
    """

    __slots__ = ("collections", "frames", "operations", "showing", "telling")

    def __init__(self, promises: Promises) -> None:
        self.collections = frozenset(_collections(promises))
        self.frames = Frames(promises)
        self.operations = {known.name: self._known(known, promises) for known in promises.operations.values()}
        lists = [known for known in self.operations.values() if known.lists]
        hiding = {known.lists for known in lists if known.semantics.shows is None or not known.same_ids}
        self.telling = self.collections - hiding
        self.showing: set[str] = set()

    def _known(self, known: Semantics, promises: Promises) -> Known:
        kind = known.lists or known.takes
        shown = {other.lists or other.makes or other.takes for other in promises.which(_shows)}
        makers = promises.which(lambda other: other.makes == kind)
        return Known(
            known,
            judged=_is_judged(known, shown),
            silent=_is_silent(known),
            repeats=not _is_judged(known, shown) and bool(known.reads or known.lists),
            makes=self._collection(known.makes) if known.starts is None else "",
            takes=self._collection(known.takes),
            lists=self._collection(known.lists),
            same_ids=all(_last_key(maker.id) == _last_key(known.id) for maker in makers),
        )

    def _collection(self, kind: str | None) -> str:
        return kind if kind is not None and kind in self.collections else ""


def _collections(promises: Promises) -> Iterator[str]:
    for known in promises.operations.values():
        if known.starts is not None:
            if known.starts.writes:
                yield known.starts.writes
        elif known.makes is not None and known.texts:
            yield known.makes


def _last_key(path: str) -> str:
    return path.rpartition(".")[2]


def _shows(known: Semantics) -> bool:
    return known.shows is not None


def _is_judged(known: Semantics, shown: Collection[str | None]) -> bool:
    says = known.all or known.newest_of or known.version or known.starts or known.progress or known.ends
    follows = (known.edits or known.deletes or known.reads) and known.takes in shown
    return known.acknowledged and bool(says or follows or known.subscribes or _shows(known))


def _is_silent(known: Semantics) -> bool:
    does = known.makes or known.reads or known.lists or known.starts or known.progress or known.newest_of
    changes = known.takes is not None and (known.edits or known.deletes or known.ends)
    return not (does or changes or known.safe or known.opens or known.subscribes)
