"""What one user was given: the objects that the next step can be done on.

Rules:

- Of each kind the newest MOST_KNOWN are remembered; how many were made is counted.
- An object remembers on what it was made (`/projects/{project}/notes`), so that it is asked for there again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.adapter.placeholders import Slot
from harness.scenario.symbols import Id

MOST_KNOWN = 32
"""Objects of one kind of one user."""

Objects = Mapping[str, Id]
"""The ids on which an operation works, by argument."""


class Belongings:
    """The objects of one user."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Id, dict[str, Id]]] = {}
        self._versions: dict[Id, int] = {}
        self.made: Counter[str] = Counter()
        self.subscribed: set[Id] = set()

    def of(self, kind: str) -> Sequence[Id]:
        """Return the ids of this kind, oldest first."""
        return tuple(self._objects.get(kind, ()))

    def disposable(self, kind: str) -> Sequence[Id]:
        """Return those that may be deleted: nobody has subscribed to them."""
        return tuple(name for name in self.of(kind) if name not in self.subscribed)

    def learn(self, kind: str, name: Id, slots: Sequence[Slot] = (), objects: Objects | None = None) -> None:
        """Take in that the user was given an object.

        Args:
            kind, name: of the object.
            slots, objects: of the operation that made it.
        """
        given = objects or {}
        known = self._objects.setdefault(kind, {})
        known[name] = {slot.kind: given[slot.name] for slot in slots if slot.name in given}
        self.made[kind] += 1
        if len(known) > MOST_KNOWN:
            for oldest in self.disposable(kind)[:1]:
                self.forget(kind, oldest)

    def forget(self, kind: str, name: Id) -> None:
        """Take in that an object is gone."""
        self._objects.get(kind, {}).pop(name, None)
        self._versions.pop(name, None)

    def version(self, name: Id) -> int | None:
        """Return the newest version of an object, as far as the user was told."""
        return self._versions.get(name)

    def told_version(self, name: Id, version: int | None) -> None:
        """Take in which version an answer shows."""
        if version is not None:
            self._versions[name] = version

    def objects_with(self, slots: Sequence[Slot], kind: str, name: Id) -> Objects | None:
        """Return what fills these slots, the object of this kind among them: what it was made on, and else the newest.

        None when the user has no object of one of these kinds.
        """
        within = {**self._objects.get(kind, {}).get(name, {}), kind: name}
        found = {}
        for slot in slots:
            own = within.get(slot.kind) or next(iter(self.of(slot.kind)[-1:]), None)
            if own is None:
                return None
            found[slot.name] = own
        return found
