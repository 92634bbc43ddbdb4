"""What a planted bug, a safe twin or a null target is, and how an application is made of one.

Rules:
- A mutant is the reference with one mechanism changed, and names the row of the incident catalogue it comes from.
- A twin really does what its sentence says; it is correct, and only looks like a bug.
- Parts are made anew for each application, so that nothing outlives it, and every execution can be repeated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI

from harness.claims.evidence import SubjectKind, Suite
from harness.history.model import Promises, Target
from harness.targets.reference import BackendFactory
from reference_impl.app import Parts, Settings, create_app
from reference_impl.legacy import AgentRegistry


def _unchanged(promises: Promises) -> Promises:
    return promises


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that is put before the checkers to see whether they can be trusted.

    Args:
        name: kebab-case; can be given to `--target`.
        kind: mutant, safe twin or null target.
        incident: the row of the incident catalogue that a mutant models, or `""`.
        sentence: the mechanism, or why it is safe.
        expected: the checker that must see a mutant; `""` for twins and null targets.
        shows_on: the fixed program on which a mutant shows, or `parts`; it is tried there first.
        suites: where it is tried.
        parts: makes what an application consists of; called once for each.
        legacy: the class of the old registry.
        settings: fields of `Settings` that differ.
        promises: changes what the target states of itself.
        target: makes the target itself; for null targets only, which are no applications.
    """

    name: str
    kind: SubjectKind
    incident: str = ""
    sentence: str
    expected: str = ""
    shows_on: str = ""
    suites: tuple[Suite, ...] = (Suite.PROPERTIES,)
    parts: Callable[[], Parts] = Parts
    legacy: type[AgentRegistry] = AgentRegistry
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    promises: Callable[[Promises], Promises] = _unchanged
    target: Callable[[], Target] | None = None

    @property
    def server(self) -> str | None:
        """What a server process is asked for to serve this subject; None for null targets, which it cannot serve."""
        return self.name if self.target is None else None

    def open(self) -> AbstractAsyncContextManager[Target]:
        """Open a fresh target, and close it at the end."""
        if self.target is not None:
            return _opened(self.target)
        return self.factory.open()

    def built(self) -> AbstractContextManager[Callable[[], AbstractAsyncContextManager[Target]]]:
        """Build once what can be opened again and again, as new each time."""
        return nullcontext(self.open) if self.target is not None else self.factory.built()

    @property
    def factory(self) -> BackendFactory:
        """What builds the applications of the subject."""
        return BackendFactory(
            name=self.name, parts=self.parts, legacy=self.legacy, settings=self.settled, promises=self.promises
        )

    def settled(self, settings: Settings) -> Settings:
        """Return the settings under which the subject runs, where others are asked for."""
        return replace(settings, **self.settings)


@asynccontextmanager
async def _opened(make: Callable[[], Target]) -> AsyncIterator[Target]:
    target = make()
    try:
        yield target
    finally:
        await target.close()


def create(subject: Subject, settings: Settings) -> FastAPI:
    """Make an application of the subject.

    Raises:
        ValueError: it is a null target.
    """
    if subject.target is not None:
        raise ValueError(f"{subject.name} is a null target and no application: use its `target`.")
    return create_app(subject.settled(settings), subject.parts())


def mutant(name: str, incident: str, expected: str, sentence: str, **fields: Any) -> Subject:
    """Return a subject with one planted bug; `fields` are those of `Subject`.

    Unless it shows in the parts, or needs a credential that is not valid, a schedule can show it.
    """
    suites = fields.pop("suites", (Suite.PROPERTIES,))
    if fields.get("shows_on") not in ("parts", "intruders"):
        suites = (*suites, Suite.SCHEDULES)
    fields["suites"] = suites
    return Subject(
        name=name, kind=SubjectKind.MUTANT, incident=incident, expected=expected, sentence=sentence, **fields
    )


def twin(name: str, sentence: str, **fields: Any) -> Subject:
    """Return a correct subject that looks like a bug; `fields` are those of `Subject`."""
    fields.setdefault("suites", (Suite.PROPERTIES, Suite.SCHEDULES))
    return Subject(name=name, kind=SubjectKind.TWIN, sentence=sentence, **fields)


def null(name: str, sentence: str, target: Callable[[], Target]) -> Subject:
    """Return a subject on which no claim may hold."""
    return Subject(name=name, kind=SubjectKind.NULL, sentence=sentence, target=target)


def by_name(*subjects: Subject) -> Mapping[str, Subject]:
    """Return the subjects by name.

    Raises:
        ValueError: two have one name.
    """
    named = {subject.name: subject for subject in subjects}
    if len(named) < len(subjects):
        names = [subject.name for subject in subjects]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two subjects are called {', '.join(twice)}: one would hide the other. Rename one.")
    return MappingProxyType(named)
