"""The completion report for people, in Markdown: the template is `templates/report.md.jinja`.

Rules: every `{{ text }}` of the template is escaped, unless a filter of this module says that it is Markdown
already.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.claims.evidence import Report, SubjectKind, Suite
from harness.judging.verdict import Outcome
from harness.reporting import derive, first_findings, growth, issues, schedule_words, summary, trust, wording
from harness.reporting.before_after import before_and_after
from harness.reporting.escaping import Verbatim, block, code, escaped
from harness.reporting.explanation import order
from harness.reporting.explored import runs_of_schedules
from harness.reporting.injected_lines import injected_lines
from harness.reporting.stimulated import outcome, stimulated


def as_markdown(report: Report) -> str:
    """Return the report as GitHub Flavored Markdown that ends in a newline."""
    template = _environment().get_template("report.md.jinja")
    return template.render(
        report=report,
        manifest=report.manifest,
        summary=summary.summary(report),
        issues=issues.issues(report),
        parts=derive.parts(report),
        uncatalogued=derive.uncatalogued(report),
        mutants=derive.trials(report, SubjectKind.MUTANT),
        twins=derive.trials(report, SubjectKind.TWIN),
        nulls=derive.trials(report, SubjectKind.NULL),
        trust=trust.trust(report),
        by_suite=trust.by_suite(report),
        explorations=runs_of_schedules(report),
        stimulations=stimulated(report),
        found_in_schedules=derive.found_in(report, Suite.SCHEDULES),
        firsts=first_findings.shown(report),
        firsts_in_short=first_findings.in_short(report),
        deliveries=before_and_after(report),
        not_said=derive.not_said(report),
        suites_not_run=derive.suites_not_run(report),
        commands=tuple(c for c in (report.manifest.command, *derive.replays(report)) if c),
        examined=derive.examined(report),
        events=derive.events(report),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.reporting"),
        autoescape=False,
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
        words=schedule_words,
        outcome=outcome,
        last_stretch=growth.last_stretch,
        order=order,
        stretches=growth.stretches,
        injected_lines=injected_lines,
    )
    environment.filters.update(
        block=block,
        by_subject=trust.by_subject,
        code=code,
        counts=wording.counts,
        duration=wording.duration,
        listed=wording.listed,
        mark=wording.MARKS.__getitem__,
        number=wording.number,
        plural=wording.plural,
        rate=wording.rate,
        sentence=wording.sentence,
        state=wording.STATES.__getitem__,
        trial_outcome=trust.trial_outcome,
        trial_text=trust.trial_text,
        verbatim=Verbatim,
    )
    return environment


def _finalize(value: object) -> object:
    return value if isinstance(value, Verbatim) else escaped(str(value))
