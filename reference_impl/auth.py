"""Who is asking: signed bearer tokens (RFC 6750, RFC 7519, RFC 8725).

Rules:
- A token counts only with a valid signature under the one allowed algorithm, the right audience (and issuer,
  when one is set), and an expiry that has not passed. "none" and public-key algorithms are refused, as the
  list is fixed.
- The user comes from the signed token and from nowhere else.
- Every refusal looks the same to the asker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from reference_impl.context import InvalidContext, id_problems

ALGORITHM = "HS256"
"""The only algorithm accepted: the token's own header never decides (RFC 8725, 3.1)."""

MIN_SECRET_BYTES = 32
"""Bytes a secret must have: as many as the hash's output (RFC 7518, 3.2)."""


class InvalidToken(Exception):
    """The token does not prove who is asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid token proves: the user, until a time in seconds since 1970."""

    user_id: str
    expires_at_s: float


class Tokens:
    """Issues and checks the tokens of one audience."""

    def __init__(self, secret: str, audience: str, issuer: str | None = None) -> None:
        """Bind to a secret, an audience and, optionally, an issuer.

        Raises:
            ValueError: the secret has fewer than `MIN_SECRET_BYTES` bytes, or the audience is empty.
        """
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(
                f"The token secret has {len(secret.encode())} bytes: it could be guessed, and anyone could be anyone. "
                f"Use at least {MIN_SECRET_BYTES} random bytes."
            )
        if not audience:
            raise ValueError("The token audience is empty: tokens meant for others would count. Name one.")
        self._secret = secret
        self._audience = audience
        self._issuer = issuer

    def __repr__(self) -> str:
        """Show audience and issuer, never the secret."""
        return f"{type(self).__name__}(audience={self._audience!r}, issuer={self._issuer!r})"

    def issue(self, user_id: str, *, ttl_s: float = 3_600, **claims: object) -> str:
        """Return a token that proves `user_id` for `ttl_s` seconds; `claims` add to it or replace its own.

        Raises:
            InvalidContext: the user id is malformed or a placeholder.
        """
        if problems := id_problems("user_id", user_id):
            raise InvalidContext(problems)
        now = time.time()
        payload: dict[str, object] = {"sub": user_id, "aud": self._audience, "iat": now, "exp": now + ttl_s}
        if self._issuer is not None:
            payload["iss"] = self._issuer
        return jwt.encode(payload | claims, self._secret, algorithm=ALGORITHM)

    def user_of(self, token: str) -> str:
        """Return the user a token proves.

        Raises:
            InvalidToken: it proves nobody.
        """
        return self.claims_of(token).user_id

    def claims_of(self, token: str) -> Claims:
        """Return what a token proves.

        Raises:
            InvalidToken: it proves nothing.
        """
        try:
            payload = self.decoded(token)
            user_id, expires = payload["sub"], payload["exp"]
            if id_problems("sub", user_id):
                raise InvalidToken("The token names no user that can exist. Get a new one.")
            return Claims(user_id=str(user_id), expires_at_s=float(str(expires)))
        except (jwt.PyJWTError, KeyError, ValueError, OverflowError, TypeError) as error:
            raise InvalidToken("The token proves nobody, so nothing is shown. Get a new one.") from error

    def decoded(self, token: str) -> Mapping[str, object]:
        """Check a token and return its claims.

        Raises:
            jwt.PyJWTError: signature, algorithm, audience, issuer, expiry or a required claim is wrong.
        """
        required = ["sub", "aud", "exp"] + ([] if self._issuer is None else ["iss"])
        payload: Mapping[str, object] = jwt.decode(
            token,
            self._secret,
            algorithms=[ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            options={"require": required},
        )
        return payload
