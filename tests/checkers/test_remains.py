"""Where only the newest text belongs; of the operations of the bundled backend, `read_note` shows such a text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from stories import ANN, BOB, Story

from harness.history.model import Promises
from harness.history.semantics import Semantics

SERVICE = Promises(
    operations={
        known.name: known
        for known in (
            Semantics("ask", makes="run", texts=("text",), newest_of=("ask",)),
            Semantics("result", takes="run", argument="run", newest_of=("ask",)),
            Semantics("save", texts=("text",)),
            Semantics("show", newest_of=("save",)),
            Semantics("latest", newest_of=("ask",)),
        )
    }
)


def test_an_earlier_text_in_place_of_the_newest_is_found() -> None:
    """Ann's edit was acknowledged, and the note reads as before."""
    story = Story()
    old, new = story.mark(ANN), story.mark(ANN)
    story.notes(ANN, "n", old)
    story.does(ANN, "edit_note", {"id": "n"}, id="n", text=new)
    story.does(ANN, "read_note", {"id": "n", "text": old}, id="n")
    (finding,) = story.judged("remains").findings
    assert ("earlier-text", ANN, (0, 4, 5)) == (finding.anomaly, finding.observer, finding.witness)
    assert "u00 got an earlier text of their own from read_note, which shows the newest" == finding.message


def test_the_newest_is_what_belongs_there() -> None:
    """It counts as examined; before anything is acknowledged, nothing does."""
    story = Story()
    new = story.mark(ANN)
    story.does(ANN, "read_note", {"id": "n", "text": new}, id="n")
    story.notes(ANN, "n", new)
    story.does(ANN, "read_note", {"id": "n", "text": new}, id="n")
    assert ({}, {"earlier-text": 1}) == (story.found("remains"), story.judged("remains").examined)


@pytest.mark.parametrize("end", ["later", "info"])
def test_what_was_not_acknowledged_replaces_nothing(end: str) -> None:
    """An edit that overlaps with the reading, or of which nobody knows, may show or not."""
    story = Story()
    old = story.mark(ANN)
    story.notes(ANN, "n", old)
    edit = story.asks(ANN, "edit_note", id="n", text=story.mark(ANN))
    if end == "info":
        story.info(edit)
    read = story.asks(ANN, "read_note", device=1, id="n")
    if end == "later":
        story.ok(edit, {"id": "n"})
    story.ok(read, {"id": "n", "text": old})
    assert {} == story.found("remains")


def test_of_two_edits_at_once_either_may_win() -> None:
    """Neither is earlier than the other."""
    story = Story()
    left, right = story.mark(ANN), story.mark(ANN)
    story.notes(ANN, "n", "a")
    calls = [
        story.asks(ANN, "edit_note", device=device, id="n", text=text) for device, text in enumerate((left, right))
    ]
    for call in calls:
        story.ok(call, {"id": "n"})
    for text in (left, right):
        story.does(ANN, "read_note", {"id": "n", "text": text}, id="n")
    assert {} == story.found("remains")


def test_another_objects_text_of_before_is_found() -> None:
    """A run's result has the question of the run before in it; that of a later one is not earlier."""
    story = Story(SERVICE)
    texts = [story.mark(ANN) for _ in range(3)]
    for run, text in zip("abc", texts, strict=True):
        story.does(ANN, "ask", {"id": run}, text=text)
    story.does(ANN, "result", {"of": [texts[1], texts[2]]}, run="b")
    assert {} == story.found("remains")
    story.does(ANN, "result", {"of": [texts[0], texts[1]]}, run="b")
    assert {"earlier-text": 1} == story.found("remains")


def test_an_answer_that_shows_its_own_text_shows_no_earlier_one() -> None:
    """Its own is the newest."""
    story = Story(SERVICE)
    first, second = story.mark(ANN), story.mark(ANN)
    story.does(ANN, "ask", {"id": "a", "said": first}, text=first)
    assert {} == story.found("remains")
    story.does(ANN, "ask", {"id": "b", "said": [first, second]}, text=second)
    assert {"earlier-text": 1} == story.found("remains")


def test_other_texts_of_ones_own_may_show_beside_it() -> None:
    """A profile may name the last question."""
    story = Story(SERVICE)
    text, asked = story.mark(ANN), story.mark(ANN)
    story.does(ANN, "ask", {"id": "a"}, text=asked)
    story.does(ANN, "save", None, text=text)
    story.does(ANN, "show", {"text": text, "asked": asked})
    assert ({}, {"earlier-text": 2}) == (story.found("remains"), story.judged("remains").examined)


def test_the_newest_of_several_objects() -> None:
    """What shows the last run, whichever it is, shows none before it."""
    story = Story(SERVICE)
    old = story.mark(ANN)
    story.does(ANN, "ask", {"id": "a"}, text=old)
    story.does(ANN, "ask", {"id": "b"}, text=story.mark(ANN))
    story.does(ANN, "latest", {"text": old})
    assert {"earlier-text": 1} == story.found("remains")


@pytest.mark.parametrize("refused", [True, False])
def test_without_an_object_the_newest_of_all_counts(refused: bool) -> None:
    """A profile, of which there is one; what was refused does not count."""
    story = Story(SERVICE)
    old = story.mark(ANN)
    story.does(ANN, "save", None, text=old)
    story.is_refused(ANN, "save", 409, text=story.mark(ANN)) if refused else story.does(
        ANN, "save", None, text=story.mark(ANN)
    )
    story.does(ANN, "show", {"text": old})
    assert ({} if refused else {"earlier-text": 1}) == story.found("remains")


def test_another_request_that_overlaps_with_the_reading_hides_nothing() -> None:
    """The last text that was acknowledged before the reading was asked for is still newer than the first."""
    story = Story(SERVICE)
    old = story.mark(ANN)
    for text in (old, story.mark(ANN)):
        story.does(ANN, "save", None, text=text)
    reading = story.asks(ANN, "show")
    story.does(ANN, "save", None, 1, text=story.mark(ANN))
    story.ok(reading, {"text": old})
    assert {"earlier-text": 1} == story.found("remains")


def test_an_earlier_text_beside_the_newest_is_found() -> None:
    """Wherever it stands."""
    story = Story(SERVICE)
    old, new = story.mark(ANN), story.mark(ANN)
    for text in (old, new):
        story.does(ANN, "save", None, text=text)
    story.does(ANN, "show", {"text": new, "history": old})
    assert {"earlier-text": 1} == story.found("remains")


def test_anothers_text_is_no_earlier_one_of_ones_own() -> None:
    """It is a leak, which is for another checker."""
    story = Story(SERVICE)
    hers = story.mark(ANN)
    story.does(ANN, "save", None, text=hers)
    story.does(BOB, "save", None, text=story.mark(BOB))
    story.does(BOB, "show", {"text": hers})
    assert {} == story.found("remains")


def test_an_id_names_what_was_made_only_where_something_is() -> None:
    """A profile that is saved with the number of a run is no text of that run."""
    show = Semantics("result", takes="run", newest_of=("ask", "save"))
    story = Story(replace(SERVICE, operations={**SERVICE.operations, "result": show}))
    asked = story.mark(ANN)
    story.does(ANN, "ask", {"id": "r"}, text=asked)
    story.does(ANN, "save", {"id": "r"}, text=story.mark(ANN))
    story.does(ANN, "result", {"of": asked}, run="r")
    assert {} == story.found("remains")


def test_what_is_made_within_something_is_one_of_all_that_was_made() -> None:
    """The last question of all is the newest, in whatever room it was asked."""
    ask = Semantics("ask", makes="run", takes="room", texts=("text",))
    story = Story(replace(SERVICE, operations={**SERVICE.operations, "ask": ask}))
    old = story.mark(ANN)
    for run, text in (("a", old), ("b", story.mark(ANN))):
        story.does(ANN, "ask", {"id": run}, room=f"of {run}", text=text)
    story.does(ANN, "latest", {"text": old})
    assert {"earlier-text": 1} == story.found("remains")


def test_what_is_no_json_is_searched_as_it_reads() -> None:
    """A target in Python may be given anything, and answer with anything."""
    story = Story(SERVICE)
    old = story.mark(ANN)
    story.does(ANN, "save", None, text=PurePosixPath(old))
    story.does(ANN, "save", None, text=story.mark(ANN))
    story.does(ANN, "show", {"path": PurePosixPath(old)})
    assert {"earlier-text": 1} == story.found("remains")
