"""From the name of a target to the target.

A name is `reference`, `service`, a mutant, safe twin or null target, or a user's own: `module:attribute` or
`path/to/file.py:attribute`. The attribute is a callable without arguments that returns a Target, or an async context
manager of one; an Adapter, whose file may be named alone when it is called `adapter` there; or an ASGI application or a
function that makes one, of which an adapter is drafted in memory.

The bundled backend and what drafts an adapter are imported when they are asked for: each process that explores a
target of one's own would otherwise spend most of its start on FastAPI and SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.adapter.adapter import Adapter
from harness.adapter.importing import TargetError, imported, split
from harness.claims.evidence import Suite
from harness.history.model import Target, Unreachable
from harness.judging.checkers import CHECKERS
from harness.performing.performance import OpenTarget
from harness.schedules.batches import TargetExplorer, explorer
from harness.targets.application import in_process, open_application

if TYPE_CHECKING:
    from harness.mutants import Subject

__all__ = ["TARGETS", "NamedTarget", "TargetError", "open_explorer", "resolve"]

REFERENCE, SERVICE = "reference", "service"
ADAPTER = "adapter"
"""What an adapter is called in its file."""

TARGETS: Mapping[str, str] = MappingProxyType(
    {
        REFERENCE: "the bundled backend in this process, over ASGI, with every tap on",
        SERVICE: "the bundled backend in a uvicorn process on 127.0.0.1, over real HTTP and WebSocket",
    }
)


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """A target by its name.

    Args:
        name: as given.
        open: opens it.
        server: what the server process of the load suite is asked for; None when it cannot serve this target.
        subject: the mutant, twin or null target that it is.
        built: builds once what can be opened again and again, as new each time; None when only `open` is known.
        adapter: of a service, which is verified over the wire, too; None for every other target.
        in_process: whether it can be opened in this process; else it is verified over sockets only.
        assumptions: what was drafted of an application, and nobody has looked at.
    """

    name: str
    open: OpenTarget
    server: str | None = None
    subject: Subject | None = None
    built: Callable[[], AbstractContextManager[OpenTarget]] | None = None
    adapter: Adapter | None = None
    in_process: bool = True
    assumptions: tuple[str, ...] = ()

    @property
    def suites(self) -> frozenset[Suite]:
        """The suites that can run on it."""
        described = self.adapter is not None
        inside = {Suite.PROPERTIES, Suite.SCHEDULES} if self.in_process else set()
        wire = {Suite.WIRE} if described else set()
        load = {Suite.LOAD} if described or self.server is not None else set()
        return frozenset(inside | wire | load)

    def prepared(self) -> AbstractContextManager[OpenTarget]:
        """Return the cheapest way to open the target as new, again and again."""
        return nullcontext(self.open) if self.built is None else self.built()


def resolve(name: str) -> NamedTarget:
    """Return the target of this name.

    Raises:
        TargetError: there is none.
    """
    return _own(name) if any(split(name, ADAPTER)) else _bundled(name)


@contextmanager
def open_explorer(name: str, seed: int) -> Iterator[TargetExplorer]:
    """Open what explores the schedules of the target of this name, with every checker; in whichever process.

    Raises:
        TargetError: there is no such target.
        Unreachable: it cannot be opened.
    """
    with resolve(name).prepared() as open_target, explorer(name, open_target, seed, CHECKERS) as opened:
        yield opened


def _bundled(name: str) -> NamedTarget:
    from harness.mutants import SUBJECTS
    from harness.targets.reference import BackendFactory, components_of
    from harness.targets.service import open_service
    from reference_impl.app import Parts

    if name == REFERENCE:
        backend = BackendFactory(name=name)
        return NamedTarget(name, backend.open, REFERENCE, built=backend.built)
    if name == SERVICE:
        return NamedTarget(name, lambda: open_service(name, REFERENCE, components_of(Parts())), REFERENCE)
    if name in SUBJECTS:
        subject = SUBJECTS[name]
        return NamedTarget(name, subject.open, subject.server, subject, subject.built)
    raise TargetError(
        f"there is no target {name!r}: give {', '.join(TARGETS)}, a name that `harness list` shows, or your own as "
        "module:attribute or path/to/file.py:attribute"
    )


def _own(name: str) -> NamedTarget:
    make = imported(name, ADAPTER)
    if isinstance(make, Adapter):
        return _adapted(name, make)
    from harness.drafting import is_application

    if is_application(make):
        return _drafted(name, make)
    if not callable(make):
        raise TargetError(f"{name} is a {type(make).__name__}, not a callable: name a function that returns a Target")
    return NamedTarget(name, lambda: _opened(name, make))


def _adapted(name: str, adapter: Adapter) -> NamedTarget:
    if why := in_process(adapter):
        return NamedTarget(name, lambda: _needs_sockets(name, why), adapter=adapter, in_process=False)
    return NamedTarget(name, lambda: open_application(adapter, adapter.name), adapter=adapter)


def _needs_sockets(name: str, why: str) -> AbstractAsyncContextManager[Target]:
    raise TargetError(f"{name} cannot be opened in this process, as {why}: `harness verify` verifies it over the wire")


def _drafted(name: str, application: object) -> NamedTarget:
    from harness.drafting import DraftError, drafted_adapter

    try:
        adapter, assumptions = drafted_adapter(application, name)
    except DraftError as error:
        raise TargetError(f"{name} is an application, and no adapter can be drafted of it: {error}") from error
    return replace(_adapted(name, adapter), assumptions=assumptions)


@asynccontextmanager
async def _opened(name: str, make: Callable[[], Any]) -> AsyncIterator[Target]:
    try:
        made = make()
    except Unreachable:
        raise
    except Exception as error:
        raise TargetError(f"{name} raised {error!r} instead of giving a target: mend it, or name another") from error
    if isinstance(made, AbstractAsyncContextManager):
        async with made as target:
            yield _checked(name, target)
        return
    target = _checked(name, made)
    try:
        yield target
    finally:
        await target.close()


def _checked(name: str, target: Any) -> Target:
    missing = [part for part in ("name", "connect", "close") if not hasattr(target, part)]
    if missing:
        raise TargetError(
            f"{name} gave a {type(target).__name__} without {', '.join(missing)}: a target has a name, connect(user, "
            "on_push) and close(). See harness.history.model.Target"
        )
    checked: Target = target
    return checked
