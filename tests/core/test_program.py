from __future__ import annotations

import pytest

from harness.scenario.program import FAULTS, Do, Step, ask


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (ask(2, "edit_note", id="$note:2:0", text="x"), "user 2 asks edit_note(id=$note:2:0, text=x)"),
        (ask(0, "list_notes", device=1), "user 0 (device 1) asks list_notes()"),
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
