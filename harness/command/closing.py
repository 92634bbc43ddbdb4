"""What a command prints last: verdict, first finding, how to see it again, where the report is."""

from __future__ import annotations

from pathlib import Path

import click

from harness.claims.evidence import Report
from harness.judging.verdict import Outcome

EXIT_CODES = {Outcome.HOLDS: 0, Outcome.VIOLATED: 1, Outcome.UNKNOWN: 3}


def conclude(report: Report, path: Path) -> None:
    """Print verdict, first finding, replay command and report path."""
    required = [result for result in report.claims if result.required]
    holding = sum(result.outcome is Outcome.HOLDS for result in required)
    colour = {Outcome.HOLDS: "green", Outcome.VIOLATED: "red", Outcome.UNKNOWN: "yellow"}[report.outcome]
    click.secho(
        f"{report.outcome.value.upper()}: {holding} of {len(required)} required claims hold", fg=colour, bold=True
    )
    violated = [result for result in report.claims if result.outcome is Outcome.VIOLATED]
    for result in violated:
        click.echo(f"  {result.claim.id} violated: {result.claim.sentence}")
    for result in required:
        if result.outcome is Outcome.UNKNOWN:
            click.echo(f"  {result.claim.id} unknown: {'; '.join(result.reasons[:2])}")
    tell_first_finding(report)
    if report.note:
        click.echo(report.note)
    click.echo(f"report: {path / 'report.html'}")


def tell_explored(report: Report) -> None:
    """Print what was explored."""
    for run in report.suites:
        went = run.measures.get("schedules", {})
        click.echo(f"{run.histories:,} schedules, {went.get('traces', 0):,} of them distinct, in {run.duration_s:g} s")
        click.echo(f"{len(went.get('sites', ()))} await sites, {went.get('pairs', 0):,} adjacent pairs of two users")
        click.echo(f"{went.get('swept', 0):,} of {went.get('sweep', 0):,} faults of the sweep")
        if "left" in went:
            click.echo(f"{went['left']:,} branches were not followed")
        for error, times in went.get("unhandled_errors", {}).items():
            click.echo(f"unhandled background error, {times} times: {error}")
        if run.doubt:
            click.echo(f"incomplete: {run.doubt}")


def tell_first_finding(report: Report) -> None:
    """Print the first finding, in the order of the checkers, and how to see it again."""
    for item in report.evidence:
        if item.verdict.findings:
            finding = item.verdict.findings[0]
            click.echo(f"{finding.anomaly.upper()}: {finding.message}")
            for line in item.requests:
                click.echo(f"  {line}")
            click.echo(f"Replay: {item.replay}")
            return
