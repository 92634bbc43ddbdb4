"""The command `harness init`: from what a service says of itself to the three files with which it is verified."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click


class CannotDraft(click.ClickException):
    """One clear error: what, why, what to do. Exit code 2, as of everything that could not run."""

    exit_code = 2


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
    from harness.drafting.document import DraftError
    from harness.drafting.drafts import draft
    from harness.drafting.files import TARGET, rendered, write
    from harness.drafting.reading import read_source
    from harness.drafting.signing import signing_of

    try:
        document = read_source(source)
        signing = signing_of(document)
        drafted = draft(document, signing.taken, signing.skipped)
        if not drafted.carries:
            raise DraftError(
                f"no route of {source} takes a text of a user's own, so nobody's data could be told apart: "
                "give a document that has such a route, or write isolation_target.py yourself"
            )
        contents = rendered(document, drafted, signing, out)
        write(out, contents, force)
    except DraftError as error:
        raise CannotDraft(str(error)) from error
    for path in contents:
        click.echo(f"wrote {out / path}")
    kinds = f" on {', '.join(drafted.kinds)}" if drafted.kinds else ""
    click.echo(
        f"{_counted(drafted.routes, 'route')}{kinds}; {_counted(drafted.channels, 'channel')}; "
        f"users sign in {signing.told}; {len(drafted.left_out)} left out, and why is said in the file"
    )
    if signing.unknown:
        click.echo(
            f"you know what the document does not say: {signing.unknown}; look for it in {out / TARGET}", err=True
        )
    url = "" if document.app or document.url else " --url URL"
    url = f" --url {document.url}" if document.url else url
    there = "" if out == Path() else f"cd {shlex.quote(str(out))} && "
    click.echo(f"next: {there}harness verify --target {TARGET} --plan plan.toml{url}")


def _counted(items: Sequence[object], what: str) -> str:
    return f"{len(items)} {what}{'' if len(items) == 1 else 's'}"
