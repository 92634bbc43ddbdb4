"""On a loop that makes every choice, time is virtual: a performer keeps to it, and nobody waits."""

from __future__ import annotations

import time

from board import BOARD, performed

from harness.history.model import EventKind
from harness.loop.control import controlled
from harness.loop.strategies.fifo import Fifo
from harness.performing.adapted import AdaptedTarget
from harness.scenario.program import Do, RequestOptions, Step, ask
from harness.targets.application import open_application


async def play() -> list[tuple[str, str, float]]:
    """Return who asks what, and when, in seconds since the beginning."""
    later, at_once = RequestOptions(at_s=60), Step(Do.JOIN)
    async with open_application(BOARD, "board") as target:
        assert isinstance(target, AdaptedTarget)
        steps = [ask(0, "word", how=later), ask(1, "word"), at_once, ask(0, "seen", how=later), ask(1, "lines")]
        events = await performed(target, *steps)
    zero_ns = events[0].time_ns
    return [
        (event.user, event.name, round((event.time_ns - zero_ns) / 1e9))
        for event in events
        if event.kind is EventKind.INVOKE
    ]


def test_minutes_pass_between_groups_and_none_of_ours() -> None:
    """Each group begins when the one before was answered; two runs of it are one."""
    began_s = time.monotonic()
    with controlled() as control:
        first, second = (control.run(lambda loop: play(), Fifo(), seed=7) for _ in range(2))
    assert (None, ()) == (first.error, first.uncontrolled)
    assert [("u01", "word", 0), ("u00", "word", 60), ("u01", "lines", 60), ("u00", "seen", 120)] == first.value
    assert (first.value, first.trace) == (second.value, second.trace)
    assert time.monotonic() - began_s < 30
