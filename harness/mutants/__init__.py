"""Planted bugs, safe twins and null targets: what shows that a checker can be trusted.

Every mutant is the reference with one mechanism of the incident catalogue planted in it. The catalogue is explicit:
what is not in `MUTANTS`, `TWINS` or `NULLS` is not tried.

To add one: subclass a part, give it a sentence and a row, and put it into the tuple of its section.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI

from harness.mutants.mixed_rows import MIXED_ROWS
from harness.mutants.nulls import NULL_TARGETS
from harness.mutants.open_doors import OPEN_DOORS
from harness.mutants.shared_parts import SHARED_PARTS
from harness.mutants.shared_requests import SHARED_REQUESTS
from harness.mutants.stray_events import STRAY_EVENTS
from harness.mutants.stray_tasks import STRAY_TASKS
from harness.mutants.subject import Subject, by_name, create
from harness.mutants.twins import SAFE_TWINS
from reference_impl.app import Settings, create_app

__all__ = ["MUTANTS", "NULLS", "REFERENCE", "SUBJECTS", "TWINS", "Subject", "create", "subject_app"]

REFERENCE = "reference"
"""The name under which `subject_app` makes the reference itself, with nothing planted in it."""

MUTANTS = by_name(*SHARED_REQUESTS, *SHARED_PARTS, *STRAY_EVENTS, *MIXED_ROWS, *STRAY_TASKS, *OPEN_DOORS)
"""Targets with one planted bug, by name."""

TWINS = by_name(*SAFE_TWINS)
"""Correct targets that look like a bug, by name."""

NULLS = by_name(*NULL_TARGETS)
"""Targets on which no claim may hold, by name; made by their `target`."""

SUBJECTS = by_name(*MUTANTS.values(), *TWINS.values(), *NULLS.values())
"""All of them, by name."""


def subject_app(name: str) -> Callable[[Settings], FastAPI]:
    """Return what makes the application of a subject, or of the reference.

    Raises:
        KeyError: there is no such subject.
    """
    if name == REFERENCE:
        return create_app
    if name not in SUBJECTS:
        raise KeyError(f"there is no mutant or safe twin {name!r}: choose one of {', '.join(sorted(SUBJECTS))}")
    return partial(create, SUBJECTS[name])
