"""Symbols stand for what users were given, and ids of nobody look like those of somebody."""

from __future__ import annotations

import re
import uuid

import pytest

from harness.history.model import User
from harness.scenario.harvest import Harvest, Unresolvable

ALICE = User(0, "alice")


@pytest.mark.parametrize(
    ("known", "form"),
    [
        ("17", r"\d+"),
        ("0b9f1f0e2c5a4c8f9a4a6f0f3a1f2b3c", r"[0-9a-f]{32}"),
        ("0b9f1f0e-2c5a-4c8f-9a4a-6f0f3a1f2b3c", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("note_Xy7-q", r"note_|[a-z]{4}_[A-Z][a-z]\d-[a-z]"),
    ],
)
def test_an_id_of_nobody_has_the_form_of_an_id(known: str, form: str) -> None:
    """A service cannot tell it from another's by its form."""
    harvest = Harvest(1)
    harvest.learn("note", ALICE, known)
    first, second = harvest.resolve("$missing:note"), harvest.resolve("$missing:note")
    assert (True, True) == (re.fullmatch(form, first) is not None, len({first, second, known}) == 3)


def test_an_id_that_is_a_uuid_gives_a_uuid() -> None:
    """A service that parses ids does not refuse it as malformed."""
    harvest = Harvest(1)
    harvest.learn("note", ALICE, str(uuid.uuid4()))
    assert 4 == uuid.UUID(harvest.resolve("$missing:note")).version


@pytest.mark.parametrize("symbol", ["$note:0:0", "$note:1:-1", "$missing:note"])
def test_what_was_never_made_has_no_id(symbol: str) -> None:
    """The act is left out, and counted."""
    with pytest.raises(Unresolvable):
        Harvest(1).resolve(symbol)


@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_a_text_has_a_mark_and_its_size(size: int) -> None:
    """However long, it is its owner's."""
    harvest = Harvest(1)
    text = harvest.canary(ALICE, size)
    assert (True, "u00") == (len(text) >= size, harvest.canaries.find(text)[0].owner)


def test_a_session_is_the_same_for_whoever_names_it() -> None:
    """That is how a second user comes by the first one's."""
    harvest = Harvest(1)
    assert harvest.resolve("$session:a") == harvest.resolve("$session:a") != harvest.resolve("$session:b")
