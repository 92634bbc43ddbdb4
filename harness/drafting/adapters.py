"""From what a service says of itself to an adapter in memory: the same that `harness init` writes down.

Rule: what was drafted is assumed, and said. Where a user cannot sign in by what the document says, nothing is drafted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import quote

from harness.adapter.adapter import Adapter, Channel, Route
from harness.adapter.sign_in import SignIn, api_key, basic, bearer, cookie, nobody, registered, session, trusted
from harness.claims.evidence import Suite
from harness.claims.statements import Description
from harness.drafting.document import Document, DraftError
from harness.drafting.drafts import Draft, draft
from harness.drafting.examples import PASSWORD
from harness.drafting.reading import document_of
from harness.drafting.signing import Request, Signing, signing_of
from harness.history.model import Unreachable, User


def drafted_adapter(source: Any, name: str) -> tuple[Adapter, tuple[str, ...]]:
    """Return an adapter of an application or an OpenAPI document, and what it assumes, a sentence each.

    Args:
        source: an ASGI application, a function that makes one, or a document.
        name: of the application, `module:attribute` or `path/to/file.py:attribute`; of a document, as in reports.

    Raises:
        DraftError: none can be drafted, or nobody could sign in by it.
    """
    document = source if isinstance(source, Document) else None
    if document is None:
        document = document_of(source, name) if callable(source) else Document(raw=source, source=name)
    signing, drafted = draft_of(document)
    if signing.unknown:
        raise DraftError(
            f"the document does not say {signing.unknown}: write it down once with `harness init {name}`, and give the "
            "file that this makes"
        )
    return adapter_of(document, drafted, signing, document.app or name), tuple(_assumed(drafted, signing))


def draft_of(document: Document) -> tuple[Signing, Draft]:
    """Return how users of a service sign in, and what they ask.

    Raises:
        DraftError: nothing that they ask carries a text of theirs.
    """
    signing = signing_of(document)
    drafted = draft(document, signing.taken, signing.skipped)
    if not drafted.carries:
        raise DraftError(
            f"no route of {document.source} takes a text of a user's own, so nobody's data could be told apart: "
            "give a document that has such a route, or write isolation_target.py yourself"
        )
    return signing, drafted


def adapter_of(document: Document, drafted: Draft, signing: Signing, name: str) -> Adapter:
    """Return the adapter of a draft; where only the user knows how to sign in, nobody gets in by it."""
    return Adapter(
        name=name,
        sign_in=sign_in_of(signing),
        routes=[item.part for item in drafted.routes if isinstance(item.part, Route)],
        channels=[item.part for item in drafted.channels if isinstance(item.part, Channel)],
        url="" if document.app else document.url,
        app=document.app,
    )


def described_by(document: Document, drafted: Draft, signing: Signing) -> Description:
    """Return what a draft says of the service, as `harness describe` has it."""
    suites = frozenset(Suite) if document.app else frozenset({Suite.WIRE, Suite.LOAD})
    return Description(promises=adapter_of(document, drafted, signing, "").promises, suites=suites)


def sign_in_of(signing: Signing) -> SignIn:
    """Return the sign-in of a draft."""
    register = signing.register
    if register is None or signing.registers_alike:
        return _by(signing)
    return registered(register.method, register.path, **_body(register), then=_by(signing))


def _by(signing: Signing) -> SignIn:
    def unknown(user: User) -> NoReturn:
        raise Unreachable(f"nobody can sign in yet: it takes {signing.unknown}")

    match signing.way:
        case "session" if signing.login is not None:
            alike = signing.register if signing.registers_alike else None
            return session(
                signing.login.method,
                signing.login.path,
                **_body(signing.login),
                register=(alike.method, alike.path) if alike is not None else None,
                token=signing.token,
            )
        case "named":
            return trusted(signing.name, lambda user: quote(user.name))
        case "basic":
            return basic(unknown if signing.unknown else lambda user: PASSWORD)
        case "bearer":
            return bearer(unknown)
        case "api_key":
            return api_key(signing.name, unknown)
        case "cookie":
            return cookie(signing.name, unknown)
    return nobody()


def _body(request: Request) -> dict[str, Any]:
    return {"form" if request.form else "json": dict(request.body)} if request.body else {}


def _assumed(drafted: Draft, signing: Signing) -> Iterator[str]:
    registers = f", registered by {signing.register.method} {signing.register.path}" if signing.register else ""
    yield f"users sign in {signing.told}{registers}"
    yield from signing.notes
    for item in (*drafted.routes, *drafted.channels):
        part = item.part
        if isinstance(part, Route) and part.makes:
            yield f"{part.method} {part.path} makes a {part.makes}, whose id its answer has in {part.id!r}"
        yield from (f"{part.name}: {note}" for note in item.notes)
    yield from (f"not asked: {what}, as {why}" for what, why in drafted.left_out)
