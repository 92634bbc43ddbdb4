"""Marks that name their owner, and how to find one in any text or bytes.

How a mark is made (24 characters, lower-case letters and digits only):

    icq7hm2w   0007   0c3   f3k2v9q0a
    prefix     owner  nth   check value, keyed

- The prefix is constant, so that one search finds any user's mark without a list of users, at a cost that does not
  grow with their number.
- The check value is a keyed hash of owner and number: nobody who lacks the key can make a mark, so neither a target
  nor chance can accuse an owner.
- The alphabet survives case folding, URL, HTML and JSON escaping. Length is fixed: no mark is inside another.
- The prefix is also sought in its base64 (three alignments), hexadecimal and reversed forms; what follows is decoded.
- Most texts carry no mark, so six constant searches come first, and marks once verified are remembered.

A canary goes into a target only through its owner's operation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.history.model import UserId, user_id

PREFIX = "icq7hm2w"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_OWNER, _NTH, _CHECK = 4, 3, 9
LENGTH = len(PREFIX) + _OWNER + _NTH + _CHECK
MOST_OWNERS = 36**_OWNER
MOST_PER_OWNER = 36**_NTH
MOST_VERIFIED = 65_536
"""Genuine marks that are remembered, so that each is verified once; beyond that they are verified anew."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A canary that was found: whose it is, and which of theirs."""

    owner: UserId
    nth: int


def _base36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 36)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))


def _base64_cores(text: str) -> tuple[str, ...]:
    """Return the part of the base64 form that does not depend on the neighbours, for each alignment."""
    cores = []
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + text.encode()).decode()
        first = (lead * 8 + 5) // 6
        whole = (lead + len(text)) * 8 // 6
        cores.append(encoded[first:whole])
    return tuple(cores)


_HEX = PREFIX.encode().hex()
_REVERSED = PREFIX[::-1]
_BASE64 = _base64_cores(PREFIX)
_BASE64_0, _BASE64_1, _BASE64_2 = _BASE64
_RUN64 = re.compile(r"[A-Za-z0-9+/_-]*")


class Canaries:
    """Mints and finds marks under one key.

    Args:
        seed: the key is derived from it; two runs of one seed use the same marks.
    """

    __slots__ = ("_key", "_minted", "_verified")

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2b(f"isolation-harness canary {seed}".encode(), digest_size=32).digest()
        self._minted: dict[int, int] = {}
        self._verified: dict[str, Mark] = {}

    def mint(self, owner: int) -> str:
        """Return the owner's next mark.

        Args:
            owner: a user's number, in [0, 36**4).

        Raises:
            ValueError: more owners, or more marks of one owner, than a mark can carry.
        """
        nth = self._minted.get(owner, 0)
        if not 0 <= owner < MOST_OWNERS or nth >= MOST_PER_OWNER:
            raise ValueError(
                f"no mark is left for user {owner}, number {nth}: a mark can name {MOST_OWNERS} users and "
                f"{MOST_PER_OWNER} marks of each. Use fewer users or a shorter run."
            )
        self._minted[owner] = nth + 1
        return self.mark(owner, nth)

    def mark(self, owner: int, nth: int) -> str:
        """Return the owner's mark with this number."""
        body = _base36(owner, _OWNER) + _base36(nth, _NTH)
        return PREFIX + body + self._check(body)

    def find(self, text: str) -> tuple[Mark, ...]:
        """Return the genuine marks in the text, each once, in any of the known encodings."""
        if not may_hold_mark(text):
            return ()
        folded = text.lower()
        found: dict[Mark, None] = {}
        for candidate in self._candidates(text, folded):
            mark = self._read(candidate)
            if mark is not None:
                found[mark] = None
        return tuple(found)

    def find_in_bytes(self, data: bytes) -> tuple[Mark, ...]:
        """Return the genuine marks in bytes of any kind."""
        return self.find(data.decode("latin-1"))

    def _candidates(self, text: str, folded: str) -> Iterator[str]:
        yield from _after(folded, PREFIX, LENGTH)
        for start in _positions(folded, _HEX):
            yield _from_hex(folded[start : start + 2 * LENGTH])
        for end in _positions(folded, _REVERSED):
            stop = end + len(PREFIX)
            yield folded[max(0, stop - LENGTH) : stop][::-1]
        for core in _BASE64:
            for start in _positions(text, core):
                yield from _from_base64(text, start)

    def _read(self, candidate: str) -> Mark | None:
        known = self._verified.get(candidate)
        if known is not None:
            return known
        if len(candidate) != LENGTH:
            return None
        body = candidate[len(PREFIX) : -_CHECK]
        if not candidate.startswith(PREFIX) or self._check(body) != candidate[-_CHECK:]:
            return None
        mark = Mark(user_id(int(body[:_OWNER], 36)), int(body[_OWNER:], 36))
        if len(self._verified) < MOST_VERIFIED:
            self._verified[candidate] = mark
        return mark

    def _check(self, body: str) -> str:
        digest = hashlib.blake2b(body.encode(), key=self._key, digest_size=8).digest()
        return _base36(int.from_bytes(digest, "big"), _CHECK)


def may_hold_mark(text: str) -> bool:
    """Return whether a mark of any key may be in the text, in any of the known encodings."""
    folded = text.lower()
    return (
        PREFIX in folded
        or _HEX in folded
        or _REVERSED in folded
        or _BASE64_0 in text
        or _BASE64_1 in text
        or _BASE64_2 in text
    )


def _positions(text: str, needle: str) -> Iterator[int]:
    start = text.find(needle)
    while start != -1:
        yield start
        start = text.find(needle, start + 1)


def _after(text: str, prefix: str, length: int) -> Iterator[str]:
    for start in _positions(text, prefix):
        yield text[start : start + length]


def _from_hex(digits: str) -> str:
    try:
        return bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        return ""


def _from_base64(text: str, core: int) -> Iterator[str]:
    """Decode the run of base64 letters around the core, at each of the four alignments of its start.

    A mark needs at most 36 letters; the letters before the core are those that share a byte with its first.
    """
    for lead in range(4):
        start = core - lead
        if start < 0:
            return
        run = _RUN64.match(text, start)
        letters = (run.group() if run else "")[: 4 * ((LENGTH + 6) // 3)].replace("-", "+").replace("_", "/")
        letters = letters[: len(letters) // 4 * 4] if len(letters) % 4 == 1 else letters
        try:
            decoded = base64.b64decode(letters + "=" * (-len(letters) % 4)).decode("latin-1").lower()
        except binascii.Error:
            continue
        yield from _after(decoded, PREFIX, LENGTH)
