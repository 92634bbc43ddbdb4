from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history.canary import LENGTH, MOST_OWNERS, MOST_PER_OWNER, PREFIX, Canaries, Mark

SEED = 11
OWNERS = st.integers(0, MOST_OWNERS - 1)
NUMBERS = st.integers(0, MOST_PER_OWNER - 1)


def found(text: str) -> tuple[Mark, ...]:
    """Search with the key that the marks here are made under, and nothing remembered."""
    return Canaries(SEED).find(text)


class TestMark:
    def test_marks_name_their_owner_and_are_numbered(self) -> None:
        """Each mark of an owner is a new one, of fixed length."""
        canaries = Canaries(SEED)
        marks = [canaries.mint(3), canaries.mint(3), canaries.mint(4)]
        assert [LENGTH] * 3 == [len(mark) for mark in marks]
        assert (Mark("u03", 0), Mark("u03", 1), Mark("u04", 0)) == found(" ".join(marks))

    def test_one_seed_makes_the_same_marks(self) -> None:
        """A replay uses the marks of the first run."""
        assert Canaries(SEED).mint(5) == Canaries(SEED).mint(5)
        assert Canaries(SEED).mint(5) != Canaries(SEED + 1).mint(5)

    @pytest.mark.parametrize("owner", [-1, MOST_OWNERS])
    def test_an_owner_that_a_mark_cannot_carry_is_refused(self, owner: int) -> None:
        """The message says what to do."""
        with pytest.raises(ValueError, match="Use fewer users"):
            Canaries(SEED).mint(owner)

    @given(OWNERS, NUMBERS)
    def test_every_mark_is_found_as_what_it_is(self, owner: int, nth: int) -> None:
        """Over the whole range."""
        assert (Mark(f"u{owner:02d}", nth),) == found(Canaries(SEED).mark(owner, nth))

    def test_a_mark_that_was_remembered_is_found_again(self) -> None:
        """The second search takes the short way, and says the same."""
        canaries = Canaries(SEED)
        mark = canaries.mint(1)
        assert [(Mark("u01", 0),)] * 2 == [canaries.find(mark), canaries.find(mark)]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "upper case": str.upper,
    "json": json.dumps,
    "url": urllib.parse.quote,
    "html": html.escape,
    "hex": lambda text: text.encode().hex(),
    "upper hex": lambda text: text.encode().hex().upper(),
    "reversed": lambda text: text[::-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "unpadded base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
}


class TestFind:
    @given(OWNERS, st.sampled_from(sorted(ENCODINGS)), st.text(max_size=9), st.text(max_size=9))
    def test_a_mark_is_found_in_any_encoding_at_any_alignment(
        self, owner: int, encoding: str, before: str, after: str
    ) -> None:
        """Whatever stands before and after it, inside and outside of the encoding."""
        mark = Canaries(SEED).mark(owner, 2)
        hidden = f"<{ENCODINGS[encoding](f'{before}|{mark}|{after}')}>"
        assert (Mark(f"u{owner:02d}", 2),) == found(hidden)

    @given(st.binary(max_size=9), st.binary(max_size=9))
    def test_a_mark_is_found_in_bytes(self, before: bytes, after: bytes) -> None:
        """Which need not be text."""
        mark = Canaries(SEED).mark(1, 0).encode()
        assert (Mark("u01", 0),) == Canaries(SEED).find_in_bytes(before + b"\xff" + mark + b"\xff" + after)

    def test_marks_of_several_owners_are_all_found_once(self) -> None:
        """In the order in which they stand."""
        one, two = Canaries(SEED).mark(1, 0), Canaries(SEED).mark(2, 0)
        assert (Mark("u02", 0), Mark("u01", 0)) == found(f"{two}{one}{two}")

    @given(st.text())
    def test_text_without_a_mark_accuses_nobody(self, text: str) -> None:
        """Whatever it is."""
        assert () == found(text)

    @given(st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=16, max_size=16))
    def test_a_mark_cannot_be_guessed(self, rest: str) -> None:
        """The prefix alone does not make a mark."""
        assert () == found(PREFIX + rest)

    @given(st.integers(0, LENGTH - 1), st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz"))
    def test_a_mark_with_one_character_changed_is_none(self, place: int, letter: str) -> None:
        """Neither the owner nor the number can be altered."""
        mark = Canaries(SEED).mark(7, 7)
        forged = mark[:place] + letter + mark[place + 1 :]
        assert ((Mark("u07", 7),) if forged == mark else ()) == found(forged)

    def test_a_mark_made_under_another_key_is_none(self) -> None:
        """A left-over of an earlier run accuses nobody in this one."""
        assert () == found(Canaries(SEED + 1).mark(7, 7))

    @pytest.mark.parametrize("length", range(LENGTH))
    def test_a_mark_that_was_cut_off_is_none(self, length: int) -> None:
        """Half a mark is no proof."""
        mark = Canaries(SEED).mark(7, 7)[:length]
        assert () == found(mark + base64.b64encode(mark.encode()).decode() + mark.encode().hex())
