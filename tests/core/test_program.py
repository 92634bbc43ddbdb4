from __future__ import annotations

import pytest

from harness.history.model import Operation
from harness.scenario.program import FAULTS, Do, RequestOptions, Step, ask, groups_of


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (ask(2, "edit_note", id="$note:2:0", text="x"), "user 2 asks edit_note(id=$note:2:0, text=x)"),
        (ask(0, "list_notes", device=1), "user 0 (device 1) asks list_notes()"),
        (ask(0, "list_notes", how=RequestOptions(at_s=0.5)), "user 0 asks list_notes() (after 500.0 ms)"),
        (Step(Do.DISCONNECT, 0, Operation("feed")), "user 0: disconnect feed"),
        (Step(Do.JOIN), "all are answered"),
        (Step(Do.TICK, amount=3), "the loop turns 3 times"),
        (Step(Do.SETTLE), "all settle"),
        (Step(Do.COMPARE), "all compare"),
        (Step(Do.SLOW, 1, amount=20), "user 1: statements are slowed by 20 ms"),
        (Step(Do.CANCEL, 1), "user 1: cancel"),
        (Step(Do.CONNECT, 1, device=2), "user 1 (device 2): connect"),
    ],
)
def test_a_step_reads_as_a_line_of_a_story(step: Step, line: str) -> None:
    """Who does what, with what; a device is named when it is not the first."""
    assert line == str(step)


def test_faults_are_what_the_nemesis_does() -> None:
    """Cancelling, disconnecting and slowing down harm somebody; asking and waiting do not."""
    assert {Do.CANCEL, Do.DISCONNECT, Do.SLOW} == FAULTS


def test_what_is_given_beside_objects_is_told_apart() -> None:
    """A second text of the user's own is no object either."""
    step = ask(0, "remember", **{"thread": "$thread:0:0", "text": "x", "text:2": "y", "version": 1})
    assert (
        Operation("remember", {"thread": "$thread:0:0"}, {"text": "x", "text:2": "y", "version": 1}) == step.operation
    )


@pytest.mark.parametrize(
    ("steps", "groups"),
    [("", []), ("a", ["a"]), ("aJ", ["aJ"]), ("abJcS", ["abJ", "cS"]), ("aJJb", ["aJ", "J", "b"])],
)
def test_a_group_ends_with_what_all_wait_for(steps: str, groups: list[str]) -> None:
    """A JOIN or a SETTLE; what comes after the last is a group, too."""
    ends = {"J": Step(Do.JOIN), "S": Step(Do.SETTLE)}
    made = [ends.get(letter) or ask(0, letter) for letter in steps]
    told = dict(zip(map(str, made), steps, strict=True))
    assert groups == ["".join(told[str(step)] for step in group) for group in groups_of(made)]
