"""What reveals leaks: each stimulus makes one program for a service. One family, one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.scenario.program import Program
from harness.wire.stimuli.clients import hang_ups, reconnects
from harness.wire.stimuli.crowds import bursts, crowd, shared_connections, volume
from harness.wire.stimuli.in_turn import in_turn
from harness.wire.stimuli.naming import names
from harness.wire.stimuli.owning import ids
from harness.wire.stimuli.setting import Setting
from harness.wire.stimuli.sizing import sizes


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One way to reveal a leak.

    Args:
        sentence: what it does.
        make: returns the program for a service; None where the service has nothing that it could be tried on.
        needs: what that is.
    """

    sentence: str
    make: Callable[[Setting], Program | None]
    needs: str = ""


STIMULI: Mapping[str, Stimulus] = MappingProxyType(
    {
        "in-turn": Stimulus("users come strictly one after the other", in_turn),
        "ids": Stimulus("every id is tried by others, and without a valid credential", ids),
        "crowd": Stimulus("all users at once, on connections of their own", crowd),
        "shared-connections": Stimulus("all users over the same few kept-alive connections", shared_connections),
        "names": Stimulus("users have names that are easily taken for one another", names, "names that differ"),
        "reconnects": Stimulus("channels are opened again, also by another user", reconnects, "a channel"),
        "hang-ups": Stimulus("clients hang up, read slowly, or close one direction", hang_ups),
        "bursts": Stimulus("many requests arrive at one instant", bursts),
        "sizes": Stimulus("texts of up to a megabyte, of several users at once", sizes, "a body with a {canary}"),
        "volume": Stimulus("so many short requests that ids and addresses come again", volume),
    }
)
"""Every stimulus, by name, in the order in which they are tried."""
