"""Invalid credentials are made from valid ones, and are never valid."""

from __future__ import annotations

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Credential
from harness.sign_in import spoiled

KEY = "the key of the service, which nobody else has"
TOKEN = jwt.encode({"sub": "alice", "scope": ["a"]}, KEY, algorithm="HS256")
INVALID = (Credential.FORGED, Credential.UNSIGNED, Credential.TRUNCATED)


@pytest.mark.parametrize("credential", INVALID)
def test_a_service_that_looks_refuses_it(credential: Credential) -> None:
    """PyJWT, asked to look at signature and algorithm, takes none of them."""
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(spoiled(TOKEN, credential), KEY, algorithms=["HS256"])


@pytest.mark.parametrize("credential", [Credential.FORGED, Credential.UNSIGNED])
def test_it_says_what_the_valid_one_says(credential: Credential) -> None:
    """A service that does not look at the signature takes it for the user's."""
    claims = jwt.decode(spoiled(TOKEN, credential), options={"verify_signature": False})
    assert {"sub": "alice", "scope": ["a"]} == claims


def test_a_valid_credential_stays_as_it_is() -> None:
    """Nothing is spoiled that is meant to work."""
    assert spoiled(TOKEN, Credential.VALID) == TOKEN


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=200))
def test_what_is_no_jwt_is_another_text_of_the_same_form(text: str) -> None:
    """Same length, another content: a key that the service never gave."""
    forged = spoiled(text, Credential.FORGED)
    assert (len(text), True) == (len(forged), forged != text)


@given(st.text(min_size=1, max_size=50))
def test_a_truncated_one_is_a_true_beginning(text: str) -> None:
    """A service that compares only as far as it goes takes it."""
    cut = spoiled(text, Credential.TRUNCATED)
    assert (True, True) == (text.startswith(cut), len(cut) < len(text))
