"""The command line. Prints, and decides the exit code; everything else is done elsewhere.

Exit codes: 0 every required claim holds; 1 a claim is violated; 2 it could not run (usage, unreachable target);
3 incomplete: something required is unknown; 4 a report does not verify.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

import click

from harness.command.arguments import COULD_NOT_RUN, Complaint, target_argument
from harness.command.closing import EXIT_CODES, conclude, tell_explored, tell_first_finding
from harness.command.describing import describe
from harness.command.display import Display, Output
from harness.command.initialising import init
from harness.extras import MissingExtra
from harness.judging.verdict import Outcome
from harness.loop.versions import UnknownVersion

_Command = TypeVar("_Command", bound=Callable[..., Any])

DOES_NOT_VERIFY = 4


class _Commands(click.Group):
    """Commands whose crash or interruption is not taken for a violation: Python's and click's own exit code is 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            with redirect_stdout(cast(TextIO, Output(sys.stdout))):
                return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except (MissingExtra, UnknownVersion) as error:
            raise Complaint(str(error)) from error
        except KeyboardInterrupt:
            click.echo("interrupted: `harness report FOLDER` tells what is in the run folder by now", err=True)
            sys.exit(EXIT_CODES[Outcome.UNKNOWN])
        except Exception as error:
            click.echo(traceback.format_exc(), err=True)
            raise Complaint(f"it crashed ({error!r}): see above. Mend the target, or report a fault") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="isolation-harness")
def main() -> None:
    """Shows whether the users of one process can see, change or disturb each other."""


def _workers(help_text: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--workers", default=os.cpu_count() or 1, show_default="cores", type=click.IntRange(min=1), help=help_text
    )


@main.command()
@target_argument
@click.option("--plan", "plan_name", default="quick", show_default=True, help="quick, standard, deep, or a TOML file.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="One seed, one run.")
@click.option("--users", type=click.IntRange(min=2), help="Concurrent users; the plan's when left out.")
@click.option("--url", default="", help="Where the service is, for a target file with an adapter.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder; a new one in reports/out by default.")
@_workers("Processes that explore, and mutants, twins and null targets tried at a time.")
def verify(target: str, plan_name: str, seed: int, users: int | None, url: str, out: Path | None, workers: int) -> None:
    """Carry a plan out on a target, and write a report.

    TARGET is a name of `harness list`, or your own: a file with an adapter, module:attribute or file.py:attribute of an
    adapter, an ASGI application, or a target in Python. The bundled backend when left out.
    """
    from harness.claims.plan import PlanError, read_plan
    from harness.claims.replay_command import verified_again
    from harness.claims.run_folder import RunFolder, StoreError
    from harness.history.model import Unfit, Unreachable
    from harness.mutants import SUBJECTS
    from harness.verification.resolve import TargetError, resolve
    from harness.verification.verification import Verification, check_installation, manifest_of, read_report, suites_of
    from harness.wire.stimuli import STIMULI

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as CI cancels: stop in good order, and report
    try:
        plan = read_plan(plan_name, frozenset(SUBJECTS), frozenset(STIMULI))
        named = resolve(target)
        suites = suites_of(plan, named)
        plan = plan if users is None else plan.with_users(users, suites)
        if url and named.adapter is None:
            raise TargetError(f"--url is for a target file with an adapter, and {target} has none: leave --url out")
        for assumption in named.assumptions:
            click.echo(f"assumed: {assumption}")
        check_installation(named, plan)
        path = out or _new_folder(target, seed)
        manifest = manifest_of(named, plan, seed, plan.most_users(suites), _typed(), path)
        folder = RunFolder.create(path, manifest)
    except (PlanError, TargetError, StoreError) as error:
        raise Complaint(str(error)) from error
    with Display() as display:
        verification = Verification(
            target=named,
            plan=plan,
            seed=seed,
            folder=folder,
            workers=workers,
            say=display.say,
            again=verified_again(target, plan=plan_name, seed=seed, users=users, url=url),
            url=url,
        )
        try:
            report, code = verification.run(), None
        except Exception as error:
            report = read_report(folder)
            foreseen = isinstance(error, (Unreachable, TargetError))
            display.complain(str(error) if foreseen else traceback.format_exc())
            nothing = isinstance(error, Unfit) or not any(run.operations for run in report.suites)
            code = COULD_NOT_RUN if nothing else None
        except KeyboardInterrupt:
            report, code = read_report(folder), None
    conclude(report, path)
    sys.exit(EXIT_CODES[report.outcome] if code is None else code)


@main.command()
@target_argument
@click.option("--schedules", default=1_000, show_default=True, type=click.IntRange(min=1), help="How many to run.")
@click.option(
    "--strategy",
    default="portfolio",
    show_default=True,
    type=click.Choice(["portfolio", "sweep", "sticky", "random", "pct", "fifo", "exhaustive"]),
)
@click.option(
    "--mode",
    "mode_name",
    default="both",
    show_default=True,
    type=click.Choice(["asyncio-strict", "preemptive", "both"]),
    help="How far from asyncio's own order.",
)
@click.option("--faults/--no-faults", default=True, show_default=True, help="Faults at awaits.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="One seed, one result.")
@click.option("--shrink-runs", default=200, show_default=True, type=click.IntRange(min=0), help="Per checker.")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder; a new one in reports/out by default.")
@click.option("--cluster", help="Address of a Dask scheduler, whose workers then do the work.")
@_workers("Processes that explore side by side; the result is the same with any number.")
def explore(
    target: str,
    schedules: int,
    strategy: str,
    mode_name: str,
    faults: bool,
    seed: int,
    shrink_runs: int,
    out: Path | None,
    cluster: str | None,
    workers: int,
) -> None:
    """Explore the schedules of a target, and write a report; interrupting loses nothing found."""
    from harness.claims.plan import SchedulesBudget
    from harness.claims.run_folder import StoreError
    from harness.command.exploring import ExploreOptions, explore_target
    from harness.history.model import Unreachable
    from harness.schedules.cluster import ClusterError
    from harness.verification.resolve import TargetError

    if strategy == "sweep" and not faults:
        raise Complaint("the sweep is one fault at each await, so without faults it is nothing: leave out --no-faults")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    path = out or _new_folder(f"explore-{target}", seed)
    options = ExploreOptions(
        target=target,
        budget=SchedulesBudget(schedules=schedules, shrink_runs=shrink_runs, trials=0),
        strategy=strategy,
        mode=mode_name,
        faults=faults,
        seed=seed,
        workers=workers,
        cluster=cluster,
        out=path,
        command=_typed(),
    )
    try:
        report = explore_target(options, lambda line: click.echo(line, err=True))
    except (TargetError, StoreError, ClusterError, Unreachable) as error:
        raise Complaint(str(error)) from error
    tell_explored(report)
    found = any(item.verdict.violated for item in report.evidence)
    tell_first_finding(report)
    click.echo(f"report: {path / 'report.html'}")
    complete = report.suites and not any(run.doubt for run in report.suites)
    sys.exit(EXIT_CODES[Outcome.VIOLATED if found else Outcome.HOLDS if complete else Outcome.UNKNOWN])


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; the terminal when left out.")
def export(file: Path, out: Path | None) -> None:
    """Write a witness of the schedules suite as one pytest file, which needs the harness and the target."""
    from harness.claims.run_folder import StoreError, read_witness
    from harness.schedules.export import ExportError, export_test

    try:
        text = export_test(read_witness(file))
    except (StoreError, ExportError) as error:
        raise Complaint(str(error)) from error
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Complaint(f"cannot write {out} ({error.strerror}): give another --out") from error
    click.echo(f"wrote {out}: python -m pytest {out}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def check(folder: Path) -> None:
    """Judge the stored histories of a run anew, and compare with its evidence and its report."""
    from harness.claims.run_folder import RunFolder, StoreError
    from harness.verification.recheck import differences, judge_anew
    from harness.verification.verification import read_report

    try:
        run = RunFolder.open(folder)
    except StoreError as error:
        raise Complaint(str(error)) from error
    try:
        judged = judge_anew(run)
        report = read_report(run)
        different = differences(run, judged)
    except StoreError as error:
        click.echo(f"DOES NOT VERIFY: {error}", err=True)
        sys.exit(DOES_NOT_VERIFY)
    for suite, anew in judged.items():
        for checker, verdict in anew.verdicts.items():
            unfinished = "" if anew.finished else "  (the suite did not end: nothing was concluded)"
            outcome = verdict.outcome.value
            click.echo(f"{suite:<11} {checker:<13} {outcome:<9} {verdict.facts:>8} examined{unfinished}")
    for difference in different:
        click.echo(f"DOES NOT VERIFY: {difference}", err=True)
    conclude(report, folder)
    found = any(verdict.violated for anew in judged.values() for verdict in anew.verdicts.values())
    outcome = Outcome.VIOLATED if found else report.outcome
    sys.exit(DOES_NOT_VERIFY if different else EXIT_CODES[outcome])


@main.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
def report_command(folder: Path) -> None:
    """Render the report of a run anew, from its evidence alone."""
    from harness.claims.run_folder import RunFolder, StoreError
    from harness.verification.verification import write_report

    try:
        report = write_report(RunFolder.open(folder))
    except StoreError as error:
        raise Complaint(str(error)) from error
    conclude(report, folder)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--attempts", default=5, show_default=True, type=click.IntRange(min=1), help="A race may need several.")
@click.option("--url", default="", help="Where the service is now, for a witness of a service with an adapter.")
def replay(file: Path, attempts: int, url: str) -> None:
    """Perform the program of a witness again, and say whether the finding shows again."""
    from harness.claims.evidence import Suite
    from harness.claims.run_folder import StoreError, read_witness
    from harness.history.model import Unreachable
    from harness.verification.replay import replay_witness
    from harness.verification.resolve import TargetError

    try:
        witness = read_witness(file)
        result = replay_witness(witness, attempts, url)
    except (StoreError, TargetError, Unreachable) as error:
        raise Complaint(str(error)) from error
    click.echo(f"{witness.checker} on {witness.target}, seed {witness.header.seed}:")
    for number, step in enumerate(witness.lines(), 1):
        click.echo(f"  {number:>3}. {step}")
    for line in (*witness.explanation, *witness.requests):
        click.echo(f"  - {line}")
    if result.finding is None:
        click.echo(f"not seen in {result.attempts} attempt{'' if result.attempts == 1 else 's'}")
        if witness.header.suite == Suite.WIRE:
            click.echo("The service may have kept what it was asked before: start it anew, and replay once more.")
        sys.exit(EXIT_CODES[Outcome.UNKNOWN])
    click.echo(f"{result.finding.anomaly.upper()}: {result.finding.message}")
    if result.shown is not None:
        click.echo(f"seen in {result.shown} of {result.attempts} attempts")
    elif witness.interleaving is None:
        click.echo(f"seen in attempt {result.attempts} of at most {attempts}")
    else:
        click.echo("seen again, step by step as recorded")
    sys.exit(EXIT_CODES[Outcome.VIOLATED])


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_command(as_json: bool) -> None:
    """Name the claims, checkers, mutants, safe twins, null targets and targets."""
    from harness.claims.adjudication import CLAIMS
    from harness.judging.checkers import CHECKERS
    from harness.mutants import MUTANTS, NULLS, TWINS
    from harness.verification.resolve import TARGETS

    known = {
        "claims": {claim.id: claim.sentence for claim in CLAIMS.values()},
        "checkers": {checker.name: checker.sentence for checker in CHECKERS.values()},
        "targets": dict(TARGETS),
        "mutants": {name: f"{item.incident}: {item.sentence}" for name, item in MUTANTS.items()},
        "safe twins": {name: item.sentence for name, item in TWINS.items()},
        "null targets": {name: item.sentence for name, item in NULLS.items()},
    }
    if as_json:
        click.echo(json.dumps(known, indent=2, ensure_ascii=False))
        return
    for group, items in known.items():
        click.secho(group, bold=True)
        for name, sentence in items.items():
            click.echo(f"  {name:<24} {sentence}")


@main.command()
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@_workers("Mutants, twins and null targets tried at a time.")
@click.option(
    "--suite",
    type=click.Choice(["properties", "schedules", "load", "all"]),
    default="properties",
    show_default=True,
)
def mutants(seed: int, workers: int, suite: str) -> None:
    """Print the kill matrix: mutant x checker x suite. Exit 1 when a mutant survives or a twin is flagged."""
    from harness.verification.kill_matrix import kill_matrix

    matrix = kill_matrix(seed, workers, suite, lambda line: click.echo(line, err=True))
    click.echo(matrix.table)
    sys.exit(EXIT_CODES[Outcome.HOLDS] if matrix.passed else EXIT_CODES[Outcome.VIOLATED])


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535))
def serve(host: str, port: int) -> None:
    """Serve the bundled backend; its settings come from REFERENCE_IMPL_... variables."""
    from reference_impl.app import Settings
    from reference_impl.app import serve as serve_app

    try:
        settings = Settings.from_environment()
    except ValueError as error:
        raise Complaint(str(error)) from error
    serve_app(settings, host, port)


def _typed() -> str:
    return shlex.join(["harness", *sys.argv[1:]])


def _new_folder(target: str, seed: int) -> Path:
    """Return the first unused folder for this target and seed; names carry no time, so runs compare."""
    from harness.claims.run_folder import plain_name

    number = 1
    while (path := Path("reports") / "out" / f"{plain_name(target)}-{seed}-{number}").exists():
        number += 1
    return path


main.add_command(describe)
main.add_command(init)
