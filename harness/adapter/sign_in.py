"""How a user of a service proves who they are, and how somebody does who is not entitled to.

    sign_in=bearer(lambda user: my_token(user.name))             # a token that you can make
    sign_in=session("POST", "/login", form={"name": "{user}"})   # a form, answered with a cookie or a token
    sign_in=nobody()                                             # users are told apart in no way

A user is signed in once; what comes of it is a set of headers, which every request of that user carries.

How invalid credentials are made. From a valid one: none at all, its beginning, the same with another signature, the
same without one (`alg: none`), where it is a JWT; random text of its length, where it is not. What needs the service's
own key (an expired token) is asked of `expired`, and not tried where that is not given.
"""

from __future__ import annotations

import base64
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Protocol

import httpx
import jwt

from harness.history.model import Credential, Unreachable, User

Headers = Mapping[str, str]
"""Header names, in lower case, and their values; a name that begins with `?` is a query parameter instead."""
Texts = Callable[[User], str]
"""Makes a user's token, key or password."""

OTHER_KEY = "a key that is not the one of the service"
REGISTER_TOO = (400, 409, 422)
"""Statuses with which a registration says that the user is there already."""


class TurnedAway(Unreachable):
    """The service does not let a user in, or does not take the user's name."""


class SignIn(Protocol):
    """Signs users in."""

    @property
    def invalid(self) -> frozenset[Credential]:
        """The invalid credentials that can be made."""

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        """Return what each request of this user carries; of one with an invalid credential, that."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Credentials that are made without asking the service."""

    header: str
    scheme: str
    make: Texts
    expired: Texts | None = None
    encode: Callable[[User, str], str] = field(default=lambda user, text: text)

    @property
    def invalid(self) -> frozenset[Credential]:
        jwt_like = {Credential.UNSIGNED} if self.scheme == "Bearer " else set()
        own = {Credential.EXPIRED} if self.expired is not None else set()
        return frozenset({Credential.NONE, Credential.FORGED, Credential.TRUNCATED, *jwt_like, *own})

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        if user.credential is Credential.NONE:
            return {}
        expired = self.expired if user.credential is Credential.EXPIRED else None
        text = (expired or self.make)(user)
        if inspect.isawaitable(text):
            text = await text
        return {self.header: self.scheme + self.encode(user, spoiled(text, user.credential))}


def bearer(make: Texts, *, expired: Texts | None = None) -> SignIn:
    """Return a sign-in by `Authorization: Bearer <token>`.

    Args:
        make: returns the user's token; may be a coroutine function.
        expired: returns one that has run out.
    """
    return _Made("authorization", "Bearer ", make, expired)


def api_key(header: str, make: Texts, *, expired: Texts | None = None) -> SignIn:
    """Return a sign-in by a key in a header; or in the query, for a name that begins with `?`."""
    return _Made(header.lower(), "", make, expired)


def cookie(name: str, make: Texts, *, expired: Texts | None = None) -> SignIn:
    """Return a sign-in by a cookie that you can make yourself."""
    return _Made("cookie", f"{name}=", make, expired)


def basic(password: Texts) -> SignIn:
    """Return a sign-in by user name and password, with every request."""

    def encode(user: User, text: str) -> str:
        return base64.b64encode(f"{user.name}:{text}".encode()).decode()

    return _Made("authorization", "Basic ", password, encode=encode)


@dataclass(frozen=True, slots=True)
class _Trusted:
    """A header in which the service believes."""

    header: str
    make: Texts
    invalid: frozenset[Credential] = frozenset()

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        return {self.header: self.make(user)}


def trusted(header: str, make: Texts) -> SignIn:
    """Return a sign-in by a header that names the user, as a proxy in front of the service sets it.

    No secret is in it, so that nobody's can be wrong: nothing is tried of credentials.
    """
    return _Trusted(header.lower(), make)


@dataclass(frozen=True, slots=True)
class _Nobody:
    """No sign-in at all."""

    invalid: frozenset[Credential] = frozenset()

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        return {}


def nobody() -> SignIn:
    """Return a sign-in for a service that tells its users apart in no way but by `{user}` and `{session}`."""
    return _Nobody()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """Credentials that the service gives."""

    method: str
    path: str
    json: Any = None
    form: Mapping[str, str] | None = None
    register: tuple[str, str] | None = None
    sign_out: tuple[str, str] | None = None
    token: str = ""
    shown: tuple[str, str] = ("authorization", "Bearer ")

    @property
    def invalid(self) -> frozenset[Credential]:
        own = {Credential.REVOKED} if self.sign_out is not None else set()
        return frozenset({Credential.NONE, Credential.FORGED, Credential.TRUNCATED, *own})

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        if user.credential is Credential.NONE:
            return {}
        if user.credential is Credential.REVOKED and self.sign_out is not None:
            given = await self.headers(replace(_signing_in(user), credential=Credential.VALID), http)
            answer = await http.request(*self.sign_out, headers=dict(given))
            if answer.status_code >= 400:
                raise Unreachable(f"{user.id} cannot sign out: {_answered(answer)}. See `sign_out` of the adapter")
            return given
        if self.register is not None:
            await _register(user, http, *self.register, self.json, self.form)
        answer = await _said(user, http, self.method, self.path, self.json, self.form)
        if answer.status_code >= 400:
            raise _not_let_in(user, answer)
        if self.token:
            header, scheme = self.shown
            return {header.lower(): scheme + spoiled(self._token(user, answer), user.credential)}
        cookies = {name: spoiled(value, user.credential) for name, value in answer.cookies.items()}
        if not cookies:
            raise Unreachable(f"{user.id} signed in and was given no cookie: say in `token` where the answer has one")
        return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def _token(self, user: User, answer: httpx.Response) -> str:
        value: Any = answer.json()
        for part in self.token.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, str):
            raise Unreachable(f"{user.id} signed in, and the answer has no {self.token!r}: {answer.text[:200]!r}")
        return value


def session(
    method: str,
    path: str,
    *,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    register: tuple[str, str] | None = None,
    sign_out: tuple[str, str] | None = None,
    token: str = "",
    shown: tuple[str, str] = ("authorization", "Bearer "),
) -> SignIn:
    """Return a sign-in by asking the service, which answers with cookies, or with a token.

    Args:
        method, path, json, form: the request; `{user}` in it is the user's name, `{email}` an address of theirs.
        register: method and path of the request that makes the user known before, with the same body; see `registered`.
        sign_out: method and path of the request after which what was given is worth nothing.
        token: where the answer has a bearer token (`access_token`); empty where its cookies are what counts.
        shown: the header that carries the token, and what stands before it there.
    """
    return _Session(
        method=method,
        path=path,
        json=json,
        form=form,
        register=register,
        sign_out=sign_out,
        token=token,
        shown=shown,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    """A sign-in of users who must be made known before."""

    method: str
    path: str
    json: Any
    form: Mapping[str, str] | None
    then: SignIn

    @property
    def invalid(self) -> frozenset[Credential]:
        return self.then.invalid

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        if user.credential is not Credential.NONE:
            await _register(_signing_in(user), http, self.method, self.path, self.json, self.form)
        return await self.then.headers(user, http)


def registered(
    method: str, path: str, *, json: Any = None, form: Mapping[str, str] | None = None, then: SignIn
) -> SignIn:
    """Return a sign-in of users who register first, with a body of its own.

    Args:
        method, path, json, form: the request that makes a user known; one who is known already may be refused.
        then: how they sign in.
    """
    return _Registered(method=method, path=path, json=json, form=form, then=then)


def _signing_in(user: User) -> User:
    """Return who signs in for this user: of one who then signs out another, so that nobody else is signed out."""
    return replace(user, name=f"{user.name}out") if user.credential is Credential.REVOKED else user


async def _register(
    user: User, http: httpx.AsyncClient, method: str, path: str, json: Any, form: Mapping[str, str] | None
) -> None:
    answer = await _said(user, http, method, path, json, form)
    if answer.status_code >= 400 and answer.status_code not in REGISTER_TOO:
        raise _not_let_in(user, answer)


async def _said(
    user: User, http: httpx.AsyncClient, method: str, path: str, json: Any, form: Mapping[str, str] | None
) -> httpx.Response:
    return await http.request(method, path, json=filled(json, user), data=filled(form, user))


def filled(value: Any, user: User) -> Any:
    """Return the value with `{user}` and `{email}` replaced in every text of it."""
    if isinstance(value, str):
        return value.replace("{user}", user.name).replace("{email}", email_of(user))
    if isinstance(value, Mapping):
        return {key: filled(item, user) for key, item in value.items()}
    return [filled(item, user) for item in value] if isinstance(value, list) else value


def email_of(user: User) -> str:
    """Return an address of this user: always the same, and of nobody else, whatever is in the name."""
    return f"u{blake2b(user.name.encode(), digest_size=8).hexdigest()}@example.org"


def spoiled(text: str, credential: Credential) -> str:
    """Return what somebody shows who has a token, key or password of this form, and not this one."""
    match credential:
        case Credential.TRUNCATED:
            return text[: -(len(text) + 3) // 4]
        case Credential.UNSIGNED if (claims := _claims(text)) is not None:
            return jwt.encode(claims, None, algorithm="none")
        case Credential.FORGED | Credential.UNSIGNED if (claims := _claims(text)) is not None:
            return jwt.encode(claims, OTHER_KEY, algorithm="HS256")
        case Credential.FORGED | Credential.UNSIGNED:
            return _like(text)
        case _:
            return text


def _claims(text: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    return claims


def _like(text: str) -> str:
    """Return other letters and digits in the same places: always the same for one text."""
    noise = blake2b(text.encode(), digest_size=64).hexdigest() * (1 + len(text) // 128)
    places = iter(noise)
    return re.sub(r"[0-9A-Za-z]", lambda _: next(places), text)


def _not_let_in(user: User, answer: httpx.Response) -> TurnedAway:
    return TurnedAway(f"{user.id} ({user.name!r}) cannot sign in: {_answered(answer)}. See `sign_in` of the adapter")


def _answered(answer: httpx.Response) -> str:
    asked = f"{answer.request.method} {answer.request.url.path}"
    return f"{asked} was answered with {answer.status_code} {answer.text[:200]!r}"
