"""Performs the program of a witness again, in the order that it recorded, if it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.claims.evidence import Suite
from harness.claims.run_folder import StoreError, Witness
from harness.history.model import Target
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Finding
from harness.performing.adapted import AdaptedTarget
from harness.performing.connections import Deadlines
from harness.performing.performance import OpenTarget, perform
from harness.schedules.export import OTHER_ORDERS, read_exported
from harness.schedules.reenact import reenact, search_again
from harness.schedules.workers import processes
from harness.transport.exchange import Exchange
from harness.verification.resolve import resolve
from harness.wire.serving import located
from harness.wire.suite import DEADLINES


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Args:
        finding: the first; None when nothing was seen.
        attempts: how many were made: up to the one in which it showed, or all, where they are counted.
        shown: in how many it showed, where they are counted; else None.
    """

    finding: Finding | None
    attempts: int
    shown: int | None = None


def replay_witness(witness: Witness, attempts: int, url: str = "") -> Replayed:
    """Perform the witness's program until its checker finds its anomaly again, at most so many times.

    With an interleaving there is one attempt: it shows, or it is not what it was. Over the wire all are made, and
    counted: nobody decides the order there.

    Args:
        witness: what to perform.
        attempts: at most, or over the wire exactly.
        url: where the service is now; where it was when left out.

    Raises:
        TargetError: its target is not here.
        StoreError: its checker is not here.
    """
    if witness.checker not in CHECKERS:
        raise StoreError(f"there is no checker {witness.checker!r} here: replay with the version that recorded it")
    if witness.header.suite == Suite.WIRE:
        return _over_the_wire(witness, attempts, url or witness.url)
    if witness.interleaving is not None:
        with processes(1) as executor:  # which hashes strings as the recording did
            return Replayed(executor.submit(_reenact, witness).result(), 1)
    open_target = resolve(witness.target).open
    for attempt in range(1, attempts + 1):
        finding = asyncio.run(_attempt(witness, open_target))
        if finding is not None:
            return Replayed(finding, attempt)
    return Replayed(None, attempts)


def check_witness(recorded: str, *, target: str, file: str, other_orders: int = OTHER_ORDERS) -> None:
    """Perform the witness of an exported test again; do nothing if its checker finds nothing any more.

    Args:
        recorded: the witness, as `harness export` writes it.
        target: its name. A relative path may begin in the working directory, beside the test, or above.
        file: the test.
        other_orders: how many orders are tried besides the recorded one when nothing is found in that.

    Raises:
        AssertionError: the finding.
        TargetError: the target is not here.
        StoreError: its checker is not here.
        CannotTell: nothing could be shown.
    """
    witness = replace(read_exported(recorded), target=_located_from(target, Path(file).resolve()))
    if witness.checker not in CHECKERS:
        raise StoreError(f"there is no checker {witness.checker!r} here: export with the version that recorded it")
    with processes(1) as executor:  # which hashes strings as the recording did
        finding = executor.submit(_search_again, witness, other_orders).result()
    if finding is not None:
        raise AssertionError(f"{finding.anomaly.upper()}: {finding.message}")


def _located_from(target: str, file: Path) -> str:
    where, colon, attribute = target.rpartition(":")
    if not where.endswith(".py"):
        return target
    places = [Path(where), *(folder / where for folder in file.parents)]
    found = next((place for place in places if place.exists()), places[0])
    return f"{found}{colon}{attribute}"


def _search_again(witness: Witness, other_orders: int) -> Finding | None:
    return search_again(witness, resolve(witness.target).prepared(), other_orders)


def _over_the_wire(witness: Witness, attempts: int, url: str) -> Replayed:
    adapter = resolve(witness.target).adapter
    if adapter is None:
        raise StoreError(f"{witness.target} has no adapter any more: give the target file that the witness is of")
    with located(adapter, url) as here:

        @asynccontextmanager
        async def opened() -> AsyncIterator[Target]:
            target = AdaptedTarget(adapter, Exchange(here, adapter.http2))
            try:
                yield target
            finally:
                await target.close()

        tried = [asyncio.run(_attempt(witness, opened, DEADLINES)) for _ in range(attempts)]
    seen = [found for found in tried if found is not None]
    return Replayed(next(iter(seen), None), attempts, len(seen))


def _reenact(witness: Witness) -> Finding | None:
    return reenact(witness, resolve(witness.target).prepared())


async def _attempt(witness: Witness, open_target: OpenTarget, deadlines: Deadlines | None = None) -> Finding | None:
    checkers = {witness.checker: CHECKERS[witness.checker]}
    again = await perform(witness.program, witness.header, open_target, checkers, deadlines)
    found = again.verdicts[witness.checker].findings
    return next((finding for finding in found if finding.anomaly == witness.finding.anomaly), None)
