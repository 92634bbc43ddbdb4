"""`harness describe`: what a description says, and claim by claim whether it can be shown, and what would let it be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from harness.claims.catalogue import CLAIMS
from harness.claims.evidence import Suite
from harness.claims.statements import (
    NOT_ADJUDICATED,
    OUTSIDE_ADAPTERS,
    Description,
    Showing,
    lines_of,
    offered_by,
    showing,
)
from harness.command.arguments import Complaint, target_argument
from harness.history.model import Promises, Promising, Unreachable
from harness.history.semantics import Pushes, Semantics

if TYPE_CHECKING:
    from harness.verification.resolve import NamedTarget


@click.command()
@target_argument
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def describe(target: str, as_json: bool) -> None:
    """Print what is known of a target, and which claims can be shown by it; nothing is verified.

    TARGET is a name of `harness list`, or your own: a file with an adapter, module:attribute or file.py:attribute.
    """
    from harness.verification.resolve import TargetError, resolve

    try:
        named = resolve(target)
        described = asyncio.run(_description_of(named))
    except (TargetError, Unreachable) as error:
        raise Complaint(str(error)) from error
    inferred = named.adapter.inferred if named.adapter is not None else {}
    claims = [showing(claim, described) for claim in CLAIMS.values()]
    if as_json:
        known = as_data(target, described, inferred, claims, named.assumptions)
        click.echo(json.dumps(known, indent=2, ensure_ascii=False))
        return
    for line in as_lines(target, described, inferred, claims, named.assumptions):
        click.echo(line)


async def _description_of(named: NamedTarget) -> Description:
    """Return what is known of a target; one without an adapter is opened, and asked."""
    if named.adapter is not None:
        return Description(promises=named.adapter.promises, suites=named.suites)
    async with named.open() as target:
        promises = target.promises if isinstance(target, Promising) else Promises()
        return Description(promises=promises, protocols=offered_by(target), suites=named.suites)


Inferred = Mapping[str, frozenset[str]]
"""By operation, the fields of its semantics that nobody stated."""


def as_data(
    target: str, described: Description, inferred: Inferred, claims: Sequence[Showing], assumptions: Sequence[str]
) -> Mapping[str, Any]:
    """Return the description, and what can be shown by it, as JSON."""
    promises = described.promises
    return {
        "target": target,
        "suites": sorted(described.suites),
        "assumptions": [*assumptions],
        "operations": {
            one.name: dict(words_of(one)) | {"inferred": sorted(inferred.get(one.name, ()))}
            for one in promises.operations.values()
        },
        "pushes": [pushed(pushes) for pushes in promises.pushes],
        "runs_per_user": promises.runs_per_user,
        "credentials": sorted(promises.credentials),
        "protocols": sorted(described.protocols),
        "claims": {
            one.claim.id: {
                "sentence": one.claim.sentence,
                "can_be_shown": one.can_be,
                "suites": [*one.suites],
                "lacking": dict(one.lacking),
                "reason": one.reason,
            }
            for one in claims
        },
        "unlocks": {line: [*names] for line, names in lines_of(claims).items()},
    }


def as_lines(
    target: str, described: Description, inferred: Inferred, claims: Sequence[Showing], assumptions: Sequence[str]
) -> Iterator[str]:
    """Yield the same for people."""
    yield f"{target}: {', '.join(suite for suite in Suite if suite in described.suites)}"
    if assumptions:
        yield "Assumed:"
        yield from (f"  {line}" for line in assumptions)
    yield "Stated:"
    for one in described.promises.operations.values():
        guessed = inferred.get(one.name, frozenset())
        said = (f"{text} (inferred)" if name in guessed else text for name, text in words_of(one))
        yield f"  {one.name:<20} {'; '.join(said)}"
    yield from (f"  {'pushed':<20} {pushed(pushes)}" for pushes in described.promises.pushes)
    if described.promises.runs_per_user is not None:
        yield f"  {'limit':<20} {described.promises.runs_per_user} pieces of work per user at a time"
    if described.promises.credentials:
        yield f"  {'invalid credentials':<20} {', '.join(sorted(described.promises.credentials))}"
    yield "Can be shown:"
    yield from (f"  {one.claim.id:<6} {one.claim.sentence} [{', '.join(one.suites)}]" for one in claims if one.can_be)
    yield "Cannot be shown:"
    for claimed in claims:
        if not claimed.can_be and not _alike(claimed):
            yield f"  {claimed.claim.id:<6} {claimed.claim.sentence}{f': {claimed.reason}' if claimed.reason else ''}"
            yield from (f"         add {line}" for line in dict.fromkeys(claimed.lacking.values()))
    alike: dict[str, list[str]] = {}
    for claimed in claims:
        alike.setdefault(_alike(claimed), []).append(claimed.claim.id)
    yield from (f"  {', '.join(names)}: {why}" for why, names in alike.items() if why)


def _alike(one: Showing) -> str:
    """Return why a claim cannot be shown, where that is no matter of the adapter; `""` elsewhere."""
    first = next(iter(one.lacking.values()), "")
    return f"needs {first}" if OUTSIDE_ADAPTERS in first else one.reason if one.reason == NOT_ADJUDICATED else ""


def words_of(one: Semantics) -> Iterator[tuple[str, str]]:
    """Yield what an operation does, by the field that says so."""
    told = {
        "makes": f"makes a {one.makes}, named at {one.id!r}",
        "takes": f"works on a {one.takes}",
        "reads": "reads it",
        "lists": f"lists the user's {one.lists}s, {'all' if one.all else 'perhaps not all'} of them",
        "searches": "searches",
        "texts": f"carries {' and '.join(one.texts)}",
        "shows": f"shows the text at {one.shows!r}",
        "edits": "edits it",
        "deletes": "deletes it",
        "version": f"has the version at {one.version!r}",
        "newest_of": f"shows the newest of {', '.join(one.newest_of)} only",
        "opens": "opens a connection",
        "subscribes": "subscribes to it",
        "starts": f"starts work{f' that writes {one.starts.writes}s' if one.starts and one.starts.writes else ''}",
        "progress": "tells what has become of it",
        "ends": "ends it",
    }
    for field in fields(one):
        value = getattr(one, field.name)
        if field.name in told and value is not None and value is not False and value not in ("", ()):
            yield field.name, told[field.name]
        elif field.name == "shows" and value == "":
            yield field.name, "shows the text alone"


def pushed(pushes: Pushes) -> str:
    """Return what is known of the frames of a channel, in one line."""
    said = [f"of a {pushes.of}, at {pushes.id!r}"]
    said += [f"within a {pushes.within}, at {pushes.within_id!r}"] if pushes.within else []
    said += [f"numbered at {pushes.seq!r}"] if pushes.seq else []
    said += [pushes.delivery.value] if pushes.delivery is not None else []
    return "; ".join(said)
