"""Performs the program of a witness again, in the order that it recorded, if it did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from harness.checkers import CHECKERS
from harness.performance import perform
from harness.resolve import resolve
from harness.schedules.exploration import processes
from harness.schedules.reenact import reenact
from harness.store import StoreError, Witness
from harness.verdict import Finding


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: the finding, and in which attempt it showed; or None, and how many were made."""

    finding: Finding | None
    attempts: int


def replay_witness(witness: Witness, attempts: int) -> Replayed:
    """Perform the witness's program until its checker finds its anomaly again, at most so many times.

    With an interleaving there is one attempt: it shows, or it is not what it was.

    Raises:
        TargetError: its target is not here.
        StoreError: its checker is not here.
    """
    if witness.checker not in CHECKERS:
        raise StoreError(f"there is no checker {witness.checker!r} here: replay with the version that recorded it")
    if witness.interleaving is not None:
        with processes(1) as executor:  # which hashes strings as the recording did
            return Replayed(executor.submit(_reenact, witness).result(), 1)
    for attempt in range(1, attempts + 1):
        finding = asyncio.run(_attempt(witness))
        if finding is not None:
            return Replayed(finding, attempt)
    return Replayed(None, attempts)


def _reenact(witness: Witness) -> Finding | None:
    return reenact(witness, resolve(witness.target).prepared())


async def _attempt(witness: Witness) -> Finding | None:
    checkers = {witness.checker: CHECKERS[witness.checker]}
    again = await perform(witness.program, witness.header, resolve(witness.target).open, checkers)
    found = again.verdicts[witness.checker].findings
    return next((finding for finding in found if finding.anomaly == witness.finding.anomaly), None)
