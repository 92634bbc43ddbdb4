"""Tokens of the services: JWTs signed with HS256, whose subject is the user's name."""

from __future__ import annotations

import jwt

SECRET = "what the services of tests/services sign with"
SCHEME = "Bearer "


def user_of(authorization: str | None) -> str | None:
    """Return whose token an `Authorization` header has; None when it has no valid one."""
    if authorization is None or not authorization.startswith(SCHEME):
        return None
    try:
        claims = jwt.decode(authorization.removeprefix(SCHEME), SECRET, ["HS256"], options={"require": ["sub"]})
    except jwt.InvalidTokenError:
        return None
    return str(claims["sub"])
