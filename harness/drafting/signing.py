"""How users sign in, as far as a document tells.

Rules:
- A route that answers a token or sets a cookie is used wherever there is one: then nothing is left to write.
- Otherwise, what the document declares (bearer, basic, a key in a header or a cookie); then a header that names the
  user; then the scheme with which the service refuses. The user writes what only the user knows: one function.
- What signs in, and what makes a user known before, is asked by no route.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from harness.drafting.document import Content, Document, Operation, Schema
from harness.drafting.examples import PASSWORD, Examples, snake
from harness.drafting.unasked import plain_word

_LOGIN = re.compile(r"log_?in|log_?on|sign_?in|token|session|auth")
_NO_LOGIN = re.compile(
    r"log_?out|log_?off|sign_?out|refresh|revoke|regist|sign_?up|reset|verif|forgot|callback|introspect|csrf|device"
)
_SURE = frozenset({"login", "logon", "signin", "token", "authenticate"})
_REGISTER = frozenset({"register", "registration", "signup", "join"})
_PEOPLE = frozenset({"users", "user", "accounts", "account"})
_TOKENS = ("access_token", "accessToken", "token", "jwt", "id_token", "auth_token", "authToken", "bearer")
_IDENTITY = re.compile(r"(^|_)(user|username|user_?name|user_?id|login|e?mail|name|handle|identifier|account|phone)$")
_SECRET = re.compile(r"(^|_)(password|passphrase|passwd|pass|pin|secret|confirm|confirmation)($|_)")
_NAME = re.compile(r"^(user|username|user_?name|user_?id|login|name|handle|identifier|account)$")
_EMAIL = "{email}"
_USER_HEADER = re.compile(r"^x_(.*_)?(user|user_id|user_name|username|account|subject|principal|identity)$")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to sign in, or to register.

    Args:
        method, path: of it.
        form: whether the body is a form, not JSON.
        body: its fields; `{user}` is the user's name.
    """

    method: str
    path: str
    form: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How users sign in.

    Args:
        way: the function of `harness.adapter.sign_in` that does it; `named` for a header with the user's name.
        name: of the header or cookie, where the way has one.
        login: what is asked, of `session`.
        token: where its answer has the token; `""` for cookies.
        register: what makes a user known before; None when nothing does.
        unknown: what only the user knows, in words; `""` when nothing is left to write.
        notes: what to look at, a sentence each.
        taken: methods and paths that it has use for, and what for.
        skipped: parameters that it gives, in lower case.
    """

    way: str
    name: str = ""
    login: Request | None = None
    token: str = ""
    register: Request | None = None
    unknown: str = ""
    notes: tuple[str, ...] = ()
    taken: Mapping[tuple[str, str], str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()

    @property
    def registers_alike(self) -> bool:
        """Whether registering takes the very body that signing in does."""
        one, other = self.login, self.register
        return one is not None and other is not None and (one.form, one.body) == (other.form, other.body)

    @property
    def function(self) -> str:
        """The name of the function that the user writes."""
        return {"basic": "password_for", "api_key": "key_for", "cookie": "cookie_for"}.get(self.way, "token_for")

    @property
    def told(self) -> str:
        """The way in one phrase."""
        if self.login is not None:
            return f"by {self.login.method} {self.login.path}"
        header = f"by the header {self.name}"
        return {"nobody": "not at all", "api_key": header, "named": header}.get(self.way, f"by {self.way}")


def signing_of(document: Document) -> Signing:
    """Return how users of this service sign in."""
    schemes = [*document.security.values()]
    login = _by_login(document, schemes)
    if login is not None:
        return _registered(document, login)
    declared = next(filter(None, (_declared(scheme) for scheme in schemes)), None)
    signing = declared or _by_header(document) or _by_challenge(document.challenge)
    return _registered(document, signing) if signing.way == "basic" else signing


def _by_login(document: Document, schemes: list[Schema]) -> Signing | None:
    """Return a way by a route that answers a token or sets a cookie; None when there is none."""
    cookies = [scheme for scheme in schemes if _kind(scheme) == "apikey" and scheme.get("in") == "cookie"]
    keys = [scheme for scheme in schemes if _kind(scheme) == "apikey" and scheme.get("in") == "header"]
    for scheme in schemes:
        flow = scheme.get("flows", {}).get("password") if _kind(scheme) == "oauth2" else None
        if flow:
            return _by_password_flow(document, str(flow.get("tokenUrl", "token")))
    if keys and len(keys) == len(schemes) and keys[0].get("name", "").lower() != "authorization":
        return None  # a token that is answered would have to go into that header, and goes into another
    scored = [(score, operation) for operation in document.operations if (score := _login_score(document, operation))]
    if not scored:
        return None
    best = max(scored, key=lambda item: item[0])[1]
    token = _token_in(document, best)
    guessed = token is None and not best.sets_cookie and not cookies
    by_token = document.challenge == "bearer" if not schemes else not cookies
    where = token or (_TOKENS[0] if by_token and not best.sets_cookie else "")
    note = f"{best.title} does not say what it answers: is it {f'a token in {where!r}' if where else 'a cookie'}?"
    return Signing(
        way="session",
        login=_request(document, best),
        token="" if best.sets_cookie and cookies else where,
        notes=(note,) if guessed else (),
        taken={(best.method, best.path): "users sign in by it"},
        skipped=frozenset(str(scheme.get("name", "")).lower() for scheme in cookies),
    )


def _by_password_flow(document: Document, address: str) -> Signing:
    parts = urlsplit(address)
    own = parts.path if parts.netloc or parts.path.startswith("/") else f"{document.prefix}/{parts.path}"
    paths = [own, document.prefix + own]
    described = next((item for item in document.operations if item.method == "POST" and item.path in paths), None)
    path = described.path if described else own
    body = {"grant_type": "password", "username": "{user}", "password": PASSWORD}
    note = f"{path} is on another server ({address}): users sign in there, not here"
    return Signing(
        way="session",
        login=Request("POST", path, True, body),
        token=(_token_in(document, described) if described else None) or "access_token",
        notes=(note,) if parts.netloc and parts.netloc != urlsplit(document.url).netloc else (),
        taken={("POST", path): "users sign in by it"},
    )


def _declared(scheme: Schema) -> Signing | None:
    """Return the way that a declared scheme asks for; None when none does it."""
    name, place = str(scheme.get("name", "")), scheme.get("in")
    match _kind(scheme), str(scheme.get("scheme", "")).lower():
        case "http", "basic":
            return Signing(way="basic", unknown="the password of a user who is known to the service")
        case ("http", "bearer") | ("oauth2", _) | ("openidconnect", _):
            return Signing(way="bearer", unknown="the bearer token of a user")
        case "apikey", _ if place == "header":
            return _keyed(name)
        case "apikey", _ if place == "cookie":
            return Signing(way="cookie", name=name, unknown=f"the cookie {name} of a user", skipped=frozenset({name}))
        case "apikey", _:
            note = f"the key goes into the query parameter {name}, which no sign-in does: add it to each query"
            return Signing(way="nobody", notes=(note,))
    return None


def _keyed(name: str) -> Signing:
    skipped = frozenset({name.lower()})
    if name.lower() == "authorization":
        return Signing(way="bearer", unknown="the bearer token of a user", skipped=skipped)
    if _USER_HEADER.match(snake(name)):
        note = f"who asks is whoever the header {name} names: no credential is shown"
        return Signing(way="named", name=name, notes=(note,), skipped=skipped)
    return Signing(way="api_key", name=name, unknown=f"the key of a user, for the header {name}", skipped=skipped)


def _by_header(document: Document) -> Signing | None:
    """Return the way by a header that routes declare as a parameter; None when none looks like one."""
    names = [item.name for operation in document.operations for item in operation.parameters if item.place == "header"]
    users = [name for name in names if _USER_HEADER.match(snake(name))]
    keys = [name for name in names if snake(name) in ("authorization", "x_api_key", "x_auth_token", "x_token")]
    return _keyed((users or keys)[0]) if users or keys else None


def _by_challenge(challenge: str) -> Signing:
    if challenge == "basic":
        return Signing(way="basic", unknown="the password of a user who is known to the service")
    if challenge:
        note = "the document says nothing of signing in; the service refuses who comes without a credential"
        return Signing(way="bearer", unknown="the bearer token of a user", notes=(note,))
    note = "the document says nothing of signing in: if users prove who they are, say how in sign_in"
    return Signing(way="nobody", notes=(note,))


def _registered(document: Document, signing: Signing) -> Signing:
    """Return the way with the registration that comes before, where there is one."""
    route = next((item for item in document.operations if _registers(document, item)), None)
    if route is None or (signing.unknown and signing.way != "basic"):
        return signing
    register = _request(document, route)
    names = [name for name in _fields(document, route) if _NAME.search(snake(name))]
    if signing.login is not None and not names and _EMAIL in str(register.body):
        signing = replace(signing, login=replace(signing.login, body=_by_email(signing.login.body)))
    return replace(
        signing,
        register=register,
        unknown="",
        taken={**signing.taken, (route.method, route.path): "users are registered by it"},
    )


def _by_email(value: Any) -> Any:
    """Return a body in which the users call themselves by the address with which they are registered."""
    if isinstance(value, Mapping):
        return {key: _by_email(item) for key, item in value.items()}
    return _EMAIL if value == "{user}" else value


def _login_score(document: Document, operation: Operation) -> int:
    """Return how surely users sign in by this; 0 for not at all."""
    names = " ".join((snake(operation.segments[-1]) if operation.segments else "", snake(operation.name)))
    if operation.method != "POST" or "{" in operation.path or not _LOGIN.search(names) or _NO_LOGIN.search(names):
        return 0
    fields = [snake(name) for name in _fields(document, operation)]
    identity = any(_IDENTITY.search(name) for name in fields)
    secret = any(_SECRET.search(name) for name in fields)
    answers = _token_in(document, operation) is not None or operation.sets_cookie
    sure = plain_word(operation.segments[-1]) in _SURE
    if not identity or not (secret or answers or sure):
        return 0
    return 1 + 4 * answers + 2 * secret + sure


def _registers(document: Document, operation: Operation) -> bool:
    if operation.method != "POST" or "{" in operation.path or not operation.segments:
        return False
    last = plain_word(operation.segments[-1])
    secret = any(_SECRET.search(snake(name)) for name in _fields(document, operation))
    return last in _REGISTER or (last in _PEOPLE and secret)


def _token_in(document: Document, operation: Operation) -> str | None:
    """Return where the answer has a token; None when it has none."""
    for content in operation.answers:
        schema = document.plain(content.schema)
        for path, fields in _levels(document, schema):
            for name in _TOKENS:
                if name in fields:
                    return f"{path}{name}"
    return None


def _levels(document: Document, schema: Schema) -> Iterator[tuple[str, Schema]]:
    fields = schema.get("properties", {})
    yield "", fields
    for name, raw in fields.items():
        yield f"{name}.", document.plain(raw).get("properties", {})


def _body_of(operation: Operation) -> Content | None:
    forms = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    return next((content for media in forms for content in operation.bodies if content.media == media), None)


def _fields(document: Document, operation: Operation) -> tuple[str, ...]:
    """Return the names of the values in a body, those of an object in it included (`{"user": {"email": ...}}`)."""
    content = _body_of(operation)
    levels = _levels(document, document.plain(content.schema)) if content else ()
    return tuple(name for _, fields in levels for name, raw in fields.items() if _is_value(document.plain(raw)))


def _is_value(schema: Schema) -> bool:
    return schema["type"] not in ("object", "array")


def _request(document: Document, operation: Operation) -> Request:
    """Return the request with which a user shows who they are: the name, and one password."""
    content = _body_of(operation)
    if content is None:
        return Request(operation.method, operation.path, False, {})

    def place(name: str, schema: Schema, required: bool) -> str | None:
        return _credential(name) if required and _is_value(schema) else None

    body = Examples(document, place, text="{user}").body(content.schema)
    fields = document.plain(content.schema).get("properties", {})
    if "{user}" not in str(body):  # nothing is required by name: fill whatever names a user
        needed = [name for name in fields if _is_value(document.plain(fields[name]))]
        body |= {name: value for name in needed if (value := _credential(name)) is not None}
    return Request(operation.method, operation.path, "json" not in content.media, body)


def _credential(name: str) -> str | None:
    word = snake(name)
    if _SECRET.search(word):
        return PASSWORD
    if re.search(r"e?mail", word):
        return _EMAIL
    return "{user}" if word and _IDENTITY.search(word) else None


def _kind(scheme: Schema) -> str:
    return str(scheme.get("type", "")).lower()
