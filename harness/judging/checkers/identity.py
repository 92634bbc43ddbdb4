"""Ids that identify nobody are refused, all others are accepted, and keys made from different ids differ.

How it works: the harness offers ids that it knows to be legitimate or not, and says in a PROBE what became of them. A
user may be named `default_user` and an id may contain any separator: that is for the offer to say, never guessed here.
"""

from __future__ import annotations

import json

from harness.history.model import Event, EventKind, Header
from harness.history.probes import CONTEXT_ID, CONTEXT_KEY
from harness.judging.ownership import Bounded
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "identity"


class IdentityFold:
    """Finds ids that were judged wrongly, and keys that two different requests share.

    Examined: placeholder-accepted: each id offered that must be refused. legitimate-refused: each that must be
    accepted. key-collision: each key made, once another was made from different parts.

    Source: CWE-20, CWE-694; incident rows A2, A7, A8, A15, A16.
    """

    def __init__(self, header: Header) -> None:
        """Have seen no id yet."""
        self._tally = Tally(NAME)
        self._keys: Bounded[str, tuple[int, str]] = Bounded()

    def step(self, event: Event) -> None:
        """Take the next event."""
        if event.kind is not EventKind.PROBE:
            return
        if event.name == CONTEXT_ID:
            self._offered(event)
        elif event.name == CONTEXT_KEY:
            self._made(event)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        return self._tally.verdict()

    def _offered(self, event: Event) -> None:
        legitimate, accepted = bool(event.value["legitimate"]), bool(event.value["accepted"])
        anomaly = "legitimate-refused" if legitimate else "placeholder-accepted"
        self._tally.examine(anomaly)
        if legitimate is not accepted:
            what = "legitimate" if legitimate else "placeholder"
            done = "accepted" if accepted else "refused"
            message = f"the {what} {event.value['field']} {event.value['text']!r} was {done}"
            self._tally.find(Finding(anomaly=anomaly, message=message, witness=(event.index,)))

    def _made(self, event: Event) -> None:
        key, parts = event.value["key"], json.dumps(event.value["parts"])
        earlier = self._keys.get(key)
        if earlier is None:
            self._tally.examine("key-collision", int(len(self._keys) > 0))
            self._keys.set(key, (event.index, parts))
        elif earlier[1] != parts:
            self._tally.examine("key-collision")
            message = f"{earlier[1]} and {parts} were both given the key {key!r}"
            self._tally.find(Finding(anomaly="key-collision", message=message, witness=(earlier[0], event.index)))


CHECKER = Checker(
    NAME,
    "placeholders are refused, legitimate ids accepted, and no two requests share a key",
    ("placeholder-accepted", "legitimate-refused", "key-collision"),
    IdentityFold,
)
