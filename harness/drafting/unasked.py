"""What a service offers that is not for its users' work: whether it lives, what it is, how they come in and go."""

from __future__ import annotations

import re

from harness.drafting.document import Operation

_ABOUT_IT = frozenset(
    {
        *("health", "healthz", "healthcheck", "livez", "live", "liveness", "readyz", "ready", "readiness", "ping"),
        *("status", "metrics", "version", "docs", "redoc", "swagger", "openapi", "openapijson", "robotstxt"),
        *("faviconico", "up", "heartbeat"),
    }
)
_COMING_AND_GOING = frozenset(
    {
        *("login", "logon", "logout", "logoff", "signin", "signout", "signup", "register", "registration", "token"),
        *("refresh", "refreshtoken", "revoke", "introspect", "authorize", "forgotpassword", "resetpassword"),
        *("changepassword", "password", "verifyemail", "verify", "requestverifytoken", "csrf", "callback"),
    }
)


def plain_word(segment: str) -> str:
    """Return a part of a path without its case and punctuation: `Sign-In` is `signin`."""
    return re.sub(r"[\W_]", "", segment).lower()


def why_not_asked(operation: Operation) -> str | None:
    """Return why no user is made to ask this; None when one is."""
    segments = operation.segments
    last = plain_word(segments[-1]) if segments else ""
    named = any("{" in segment for segment in segments)
    if not segments:
        return "it is the front page"
    if operation.method == "GET" and last in _ABOUT_IT and not named:
        return "it tells of the service, not of a user's data"
    if last in _COMING_AND_GOING and not named:
        return "it is part of signing in or out"
    if operation.method == "DELETE" and not named:
        return "it deletes without naming what, so nothing that is gone could be told from what is hidden"
    return None
