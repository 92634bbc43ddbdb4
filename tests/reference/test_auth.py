"""Truths of Tokens: AUT-1."""

from __future__ import annotations

import time

import jwt
import pytest

from reference_impl.auth import InvalidToken, Tokens
from reference_impl.context import InvalidContext

SECRET = "s" * 64


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    payload: dict[str, object] = {"sub": "alice", "aud": "here", "exp": time.time() + 60} | changes
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm)


def test_an_issued_token_proves_its_user() -> None:
    """What was issued is accepted, and says until when."""
    tokens = Tokens(SECRET, "here", "issuer")
    claims = tokens.claims_of(tokens.issue("alice:ü", ttl_s=60))
    assert "alice:ü" == claims.user_id
    assert abs(claims.expires_at_s - time.time() - 60) < 5


def test_the_baseline_of_the_refusals_is_accepted() -> None:
    """The token the refused ones differ from in one thing each is valid."""
    assert "alice" == Tokens(SECRET, "here").user_of(signed())


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", signed()[:-2], signed() + "x",
        signed(secret="t" * 64), signed(algorithm="HS384"), signed(algorithm="HS512"), signed("", "none"),
        signed(aud="elsewhere"), signed(aud=None), signed(exp=time.time() - 1), signed(exp=None),
        signed(nbf=time.time() + 60), signed(sub=None), signed(sub=""), signed(sub="none"), signed(sub=" a"),
    ],
)  # fmt: skip
def test_what_proves_nobody_is_refused(token: str) -> None:
    """Wrong signature, algorithm, audience, expiry or user: each alone is enough."""
    with pytest.raises(InvalidToken):
        Tokens(SECRET, "here").user_of(token)


def test_an_issuer_once_named_must_match() -> None:
    """A token of another issuer, or of none, does not count."""
    for token in (signed(), signed(iss="other")):
        with pytest.raises(InvalidToken):
            Tokens(SECRET, "here", "issuer").user_of(token)
    assert "alice" == Tokens(SECRET, "here", "issuer").user_of(signed(iss="issuer"))


def test_weak_secrets_and_nameless_users_are_refused() -> None:
    """A guessable secret, an empty audience and a placeholder user are mistakes of whoever sets up."""
    with pytest.raises(ValueError, match="could be guessed"):
        Tokens("short", "here")
    with pytest.raises(ValueError, match="audience"):
        Tokens(SECRET, "")
    with pytest.raises(InvalidContext):
        Tokens(SECRET, "here").issue("none")
    assert SECRET not in repr(Tokens(SECRET, "here"))
