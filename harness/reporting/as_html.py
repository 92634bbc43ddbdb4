"""The report for people, as one self-contained page: the template is `templates/report.html.jinja`.

Rules:

- No script, no external resource, and a content security policy that forbids both.
- Every `{{ text }}` goes through `shown`, then through jinja2's escaping; only this package's own templates
  are markup.
- Colour never carries a meaning alone: each state has its word and its sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.claims.evidence import Report, SubjectKind, SuiteRun
from harness.judging.verdict import Outcome
from harness.reporting import derive, first_findings, growth, issues, schedule_words, summary, trust, wording
from harness.reporting.before_after import before_and_after
from harness.reporting.escaping import shown
from harness.reporting.explored import runs_of_schedules
from harness.reporting.injected_lines import injected_lines
from harness.reporting.matrix import matrix
from harness.reporting.stimulated import outcome, stimulated
from harness.reporting.stories import Judge, ReadHistory, scheduled, stories


def as_html(report: Report, read_history: ReadHistory, judge: Judge | None = None) -> str:
    """Return the report as an HTML page that ends in a newline.

    Args:
        report: what is to be said.
        read_history, judge: see `harness.reporting.render`.
    """
    template = _environment().get_template("report.html.jinja")
    return template.render(
        report=report,
        manifest=report.manifest,
        summary=summary.summary(report),
        stats=summary.stats(report),
        issues=issues.issues(report),
        parts=derive.parts(report),
        mutants=derive.trials(report, SubjectKind.MUTANT),
        twins=derive.trials(report, SubjectKind.TWIN),
        nulls=derive.trials(report, SubjectKind.NULL),
        by_suite=trust.by_suite(report),
        stories=stories(report, read_history, judge),
        scheduled=scheduled(report, read_history, judge),
        explorations=runs_of_schedules(report),
        stimulations=stimulated(report),
        firsts=first_findings.shown(report),
        firsts_in_short=first_findings.in_short(report),
        sides=[(side, matrix(side)) for side in before_and_after(report)],
        measured=_measured(report.suites),
        not_said=derive.not_said(report),
        replays=derive.replays(report),
        suites_not_run=derive.suites_not_run(report),
        python=derive.python_version(report),
        events=derive.events(report),
    )


def _measured(runs: Iterable[SuiteRun]) -> list[tuple[SuiteRun, list[tuple[str, str]]]]:
    """The scalar measures of each suite that has any."""
    labelled = [
        (run, [pair for name in sorted(run.measures) if (pair := wording.measure(name, run.measures[name]))])
        for run in runs
    ]
    return [(run, pairs) for run, pairs in labelled if pairs]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.reporting"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        HOLDS=Outcome.HOLDS,
        VIOLATED=Outcome.VIOLATED,
        UNKNOWN=Outcome.UNKNOWN,
        weaknesses=derive.weaknesses,
        evidence_of=derive.evidence_of,
        words=schedule_words,
        outcome=outcome,
        courses=growth.courses,
        last_stretch=growth.last_stretch,
        stretches=growth.stretches,
        injected_lines=injected_lines,
    )
    environment.filters.update(
        banner=wording.BANNERS.__getitem__,
        by_subject=trust.by_subject,
        duration=wording.duration,
        icon=wording.ICONS.__getitem__,
        listed=wording.listed,
        number=wording.number,
        plural=wording.plural,
        rate=wording.rate,
        sentence=wording.sentence,
        trial_outcome=trust.trial_outcome,
        trial_text=trust.trial_text,
        trial_word=trust.trial_word,
    )
    return environment


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) else shown(str(value))
