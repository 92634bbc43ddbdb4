"""Invalid credentials are made from valid ones, and are never valid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapter import Adapter, Route, nobody
from harness.adapter.sign_in import SignIn, email_of, registered, session, spoiled
from harness.history.model import Credential, Unreachable, User
from harness.history.names import NAMES
from harness.wire.serving import located

KEY = "the key of the service, which nobody else has"
TOKEN = jwt.encode({"sub": "alice", "scope": ["a"]}, KEY, algorithm="HS256")
SERVICE = Path(__file__).parent / "session_service.py"
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
    """A service that compares only as far as it goes takes it; a good quarter is missing, and no more."""
    cut = spoiled(text, Credential.TRUNCATED)
    assert text.startswith(cut)
    assert 0.75 * len(text) - 1.5 <= len(cut) <= 0.75 * len(text) - 0.75


class Doorman:
    """Answers as a service does that knows users by their registration, and keeps what it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked: list[tuple[str, str]] = []
        self._status = status

    async def __call__(self, scope, receive, send) -> None:
        body = (await receive())["body"].decode()
        self.asked.append((scope["path"], body))
        await send({"type": "http.response.start", "status": self._status, "headers": []})
        await send({"type": "http.response.body", "body": b'{"user": {"token": "abc"}}'})

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="http://here")


ASKING = registered(
    "POST",
    "/register",
    json={"email": "{email}"},
    then=session("POST", "/login", form={"username": "{user}"}, token="user.token", shown=("X-Auth", "Token ")),
)


@pytest.mark.asyncio
async def test_a_user_is_registered_and_signed_in_each_in_its_own_way() -> None:
    """A JSON body makes the user known, a form signs them in; the token is shown where the service wants it."""
    doorman, alice = Doorman(), User(0, "alice")
    async with doorman.client() as http:
        headers = await ASKING.headers(alice, http)
    assert {"x-auth": "Token abc"} == headers
    assert [("/register", f'{{"email":"{email_of(alice)}"}}'), ("/login", "username=alice")] == doorman.asked


@pytest.mark.asyncio
async def test_who_is_not_let_in_is_told_what_was_answered() -> None:
    """One sentence: who, which request, which answer."""
    async with Doorman(status=403).client() as http:
        with pytest.raises(Unreachable, match=r"u00 .'alice'. cannot sign in: POST /register was answered with 403"):
            await ASKING.headers(User(0, "alice"), http)


NAMED = {"name": "{user}"}
SIGNING: dict[str, Any] = {"method": "POST", "path": "/sign-in", "json": NAMED, "token": "token"}
OUT = ("POST", "/sign-out")
ASKED_APART = registered("POST", "/register", json=NAMED, then=session(**SIGNING, sign_out=OUT))
ASKED_TOGETHER = session(**SIGNING, sign_out=OUT, register=("POST", "/register"))


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a service that lets in who has registered."""
    monkeypatch.setenv("SESSION_SERVICE_LOG", str(tmp_path / "service.log"))
    routes = [Route("write", "POST", "/notes", json={"text": "{canary}"})]
    with located(Adapter(name="s", sign_in=nobody(), routes=routes, app=f"{SERVICE}:registering")) as url:
        yield url


@pytest.mark.asyncio
@pytest.mark.parametrize("asking", [ASKED_APART, ASKED_TOGETHER], ids=["apart", "together"])
async def test_who_signs_out_has_registered_before(service: str, asking: SignIn) -> None:
    """Under a name of their own, so that nobody else is signed out; what they were given is worth nothing then."""
    alice = User(0, "alice")
    async with httpx.AsyncClient(base_url=service) as http:
        headers = await asking.headers(alice, http)
        out = await asking.headers(replace(alice, credential=Credential.REVOKED), http)
        answers = [await http.post("/notes", json={"text": "x"}, headers=dict(given)) for given in (headers, out)]
    assert [201, 401] == [answer.status_code for answer in answers]


@pytest.mark.asyncio
async def test_who_could_not_sign_out_is_not_taken_for_revoked(service: str) -> None:
    """A session that nobody has ended is good, and no service is to blame for it."""
    asking = registered("POST", "/register", json=NAMED, then=session(**SIGNING, sign_out=("POST", "/nowhere")))
    async with httpx.AsyncClient(base_url=service) as http:
        with pytest.raises(Unreachable, match="cannot sign out: POST /nowhere was answered with 404"):
            await asking.headers(User(0, "alice", Credential.REVOKED), http)


def test_no_two_names_have_one_address() -> None:
    """However alike they are, and whatever no address may contain."""
    assert len(NAMES) == len({email_of(User(0, name)) for name in NAMES})
