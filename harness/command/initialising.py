"""The command `harness init`: from what a service says of itself to the three files with which it is verified."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from harness.command.arguments import Complaint


@click.command()
@click.argument("source")
@click.option(
    "--out", default=Path(), show_default=".", type=click.Path(path_type=Path), help="The folder to write to."
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def init(source: str, out: Path, force: bool) -> None:
    """Draft isolation_target.py, plan.toml and a workflow, from an OpenAPI document or an ASGI application.

    SOURCE is the URL or file of an OpenAPI document, or module:attribute or path/to/file.py:attribute.
    """
    from harness.claims.catalogue import CLAIMS
    from harness.claims.statements import showing, unlocking
    from harness.drafting.adapters import described_by, draft_of
    from harness.drafting.document import DraftError
    from harness.drafting.files import TARGET, rendered, write
    from harness.drafting.reading import read_source

    try:
        document = read_source(source)
        signing, drafted = draft_of(document)
        contents = rendered(document, drafted, signing, out)
        write(out, contents, force)
    except DraftError as error:
        raise Complaint(str(error)) from error
    for path in contents:
        click.echo(f"wrote {out / path}")
    kinds = f" on {', '.join(drafted.kinds)}" if drafted.kinds else ""
    click.echo(
        f"{_counted(drafted.routes, 'route')}{kinds}; {_counted(drafted.channels, 'channel')}; "
        f"users sign in {signing.told}; {len(drafted.left_out)} skipped (reasons in the file)"
    )
    if signing.unknown:
        click.echo(
            f"you know what the document does not say: {signing.unknown}; look for it in {out / TARGET}", err=True
        )
    described = described_by(document, drafted, signing)
    for line in unlocking(showing(claim, described) for claim in CLAIMS.values()):
        click.echo(f"add {line}")
    url = "" if document.app or document.url else " --url URL"
    url = f" --url {document.url}" if document.url else url
    there = "" if out == Path() else f"cd {shlex.quote(str(out))} && "
    click.echo(f"next: {there}harness verify {TARGET} --plan plan.toml{url}")


def _counted(items: Sequence[object], what: str) -> str:
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"
