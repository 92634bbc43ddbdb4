"""What a user can do on a service, worked out once from its adapter: no request and no frame works it out anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from harness.adapter.adapter import Adapter, Channel, Message, Route
from harness.adapter.placeholders import Slot, names_in
from harness.history.semantics import Semantics
from harness.scenario.symbols import Id


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing that a user can do.

    Args:
        part: asks a route, opens a channel, or says a message.
        semantics: of it.
        slots: the objects it is done on.
        placeholders: of its templates.
        channel: over which a message is said, or which is opened.
    """

    part: Route | Channel | Message
    semantics: Semantics
    slots: tuple[Slot, ...]
    placeholders: frozenset[str]
    channel: Channel | None = None

    @property
    def name(self) -> str:
        """Of the operation."""
        return self.semantics.name

    @property
    def changes(self) -> bool:
        """Whether it may change anything but what the connection hears."""
        part = self.part
        return isinstance(part, Route) and not part.reads


class Abilities:
    """Everything that the users of one service can do.

    Args:
        adapter: of it.
    """

    def __init__(self, adapter: Adapter) -> None:
        known = adapter.promises.operations
        self.routes = tuple(_ability(route, known) for route in adapter.routes)
        self.channels = tuple(_ability(channel, known, channel) for channel in adapter.channels)
        self.messages = tuple(
            _ability(message, known, channel) for channel in adapter.channels for message in channel.messages
        )
        self.makers = self._first_by_kind(_makes, lambda kind: kind.makes)
        self.deleters = self._first_by_kind(lambda kind: kind.deletes, lambda kind: kind.takes)
        self.enders = self._first_by_kind(lambda kind: kind.ends, lambda kind: kind.takes)
        self.progress = self._first_by_kind(lambda kind: kind.progress is not None, lambda kind: kind.takes)
        self.versions = self._first_by_kind(lambda kind: kind.reads and bool(kind.version), lambda kind: kind.takes)
        self._pushed = {
            channel.pushes.of: (channel, channel.pushes)
            for channel in adapter.channels
            if channel.pushes is not None and channel.pushes.last and not channel.slots
        }

    def which(self, does: Callable[[Semantics], object]) -> tuple[Ability, ...]:
        """Return the routes of which something is true, in the adapter's order."""
        return tuple(ability for ability in self.routes if does(ability.semantics))

    @property
    def subscribing(self) -> tuple[Ability, ...]:
        """The messages after which a connection gets what is pushed within an object."""
        return tuple(ability for ability in self.messages if ability.semantics.subscribes)

    @property
    def containers(self) -> frozenset[str]:
        """Kinds of object in which others are made."""
        return frozenset(slot.kind for ability in self.which(lambda kind: kind.makes) for slot in ability.slots)

    def is_pushed(self, started: Ability, objects: Mapping[str, Id], subscribed: Collection[Id]) -> bool:
        """Return whether the last frame of the work that was started must reach a user.

        Args:
            started: the operation that started it.
            objects: on which.
            subscribed: the ids of the objects to which the user has subscribed.
        """
        pushed = self._pushed.get(started.semantics.makes or "")
        if pushed is None:
            return False
        channel, pushes = pushed
        if not any(message.subscribes for message in channel.messages):
            return True
        return any(objects[slot.name] in subscribed for slot in started.slots if slot.kind == pushes.within)

    def _first_by_kind(
        self, does: Callable[[Semantics], object], kind: Callable[[Semantics], str | None]
    ) -> Mapping[str, Ability]:
        found: dict[str, Ability] = {}
        for ability in sorted(self.which(does), key=lambda ability: ability.semantics.starts is not None):
            found.setdefault(kind(ability.semantics) or "", ability)
        return found


def _ability(
    part: Route | Channel | Message, known: Mapping[str, Semantics], channel: Channel | None = None
) -> Ability:
    match part:
        case Route():
            templates = part.parts
        case Channel():
            templates = (part.path, dict(part.query), dict(part.headers), *(message.send for message in part.hello))
        case Message():
            templates = (part.send,)
    placeholders = frozenset(name for template in templates for name in names_in(template))
    return Ability(part, known[part.name], part.slots, placeholders, channel)


def _makes(kind: Semantics) -> bool:
    return bool(kind.makes) and not (kind.starts is not None and kind.starts.waits)
