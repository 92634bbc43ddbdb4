"""What users were given so far, so that an act can say `$note:3:0` and mean it. See `harness.scenario.script`."""

from __future__ import annotations

import re
import uuid
from random import Random

from harness.history.canary import Canaries
from harness.history.model import User

FILLER = "lorem ipsum dolor sit amet "
_HEX = "0123456789abcdef"


class Unresolvable(Exception):
    """An act names an object that was never made."""


class Harvest:
    """Objects of each user, by kind and the user's number; and the marks that their texts carry.

    Args:
        seed: of marks, session ids and ids of nobody.
        users: as many as take part.
    """

    def __init__(self, seed: int) -> None:
        self.canaries = Canaries(seed)
        self._seed = seed
        self._objects: dict[tuple[str, int], list[str]] = {}
        self._missing = 0
        self.numbers: set[str] = set()
        """Kinds whose ids are numbers."""

    def learn(self, kind: str, user: User, name: str | int) -> None:
        """Take in that a user was given an object."""
        if isinstance(name, int):
            self.numbers.add(kind)
        self._objects.setdefault((kind, user.number), []).append(str(name))

    def canary(self, user: User, size: int = 0) -> str:
        """Return a fresh text of this user with a mark in it, of at least so many bytes."""
        text = f"note {self.canaries.mint(user.number)}"
        return text + " " + (FILLER * (1 + (size - len(text)) // len(FILLER)))[: size - len(text)] if size > 0 else text

    def session(self, symbol: str) -> str:
        """Return the session id that a client chooses under this symbol."""
        return uuid.UUID(int=Random(f"{self._seed}/{symbol}").getrandbits(128), version=4).hex

    def resolve(self, symbol: str) -> str:
        """Return the id that a symbol stands for.

        Raises:
            Unresolvable: there is none.
        """
        what, *where = symbol.removeprefix("$").split(":")
        if what == "missing":
            return self._nobodys(where[0])
        if what == "session":
            return self.session(symbol)
        try:
            return self._objects[what, int(where[0])][int(where[1])]
        except (KeyError, IndexError):
            raise Unresolvable(symbol) from None

    def _nobodys(self, kind: str) -> str:
        """Return an id of the form that this kind's ids have, which nobody was given."""
        known = next((names[0] for (what, _), names in self._objects.items() if what == kind), "")
        if not known:
            raise Unresolvable(f"$missing:{kind}")
        self._missing += 1
        source = Random(f"{self._seed}/missing/{self._missing}")
        if known.isdigit():
            return str(10 ** max(8, len(known)) + source.randrange(10**6))
        try:
            form = uuid.UUID(known)
        except ValueError:
            return re.sub(r"[0-9A-Za-z]", lambda found: _other(found.group(), source), known)
        other = uuid.UUID(int=source.getrandbits(128), version=4)
        return other.hex if known == form.hex else str(other)


def _other(letter: str, source: Random) -> str:
    if letter.isdigit():
        return source.choice("0123456789")
    drawn = source.choice(_HEX[10:] if letter.lower() in _HEX else "ghijklmnopqrstuvwxyz")
    return drawn.upper() if letter.isupper() else drawn
