"""What the bundled backend says of itself: the same kind of adapter that anybody writes for a service of their own.

Kinds of object: `thread`, `note`, `run`. A run is started in a thread with one of the bundled agents, goes on after the
answer, and pushes what it does to whoever follows its thread.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache

import httpx
import jwt

from harness.adapter import Adapter, AdapterError, Channel, Message, Route
from harness.adapter.sign_in import Headers
from harness.history.model import Credential, User
from harness.history.semantics import Delivery, Progress, Pushes, Work

AUDIENCE = "reference_impl"
RUNS_PER_USER = 3
"""The limit under the settings that the harness gives the bundled backend."""
SECRET_VARIABLE = "HARNESS_TOKEN_SECRET"
"""The environment variable that tells a process of ours the token secret."""
TOKEN_LIFE_S = 24 * 3600.0
INVALID = frozenset(Credential) - {Credential.VALID, Credential.REVOKED}
"""Every invalid credential can be tried on a service whose secret the harness knows; its users cannot sign out."""
_RUNS = "/threads/{thread}/runs"


def token_for(user: User, secret: str) -> str | None:
    """Return the bearer token that this user shows; None for no token at all.

    Args:
        user: whose `credential` says what is wrong with the token.
        secret: the service's.
    """
    if user.credential is Credential.NONE:
        return None
    now = time.time()
    expires = now - 3600 if user.credential is Credential.EXPIRED else now + TOKEN_LIFE_S
    audience = "another-service" if user.credential is Credential.AUDIENCE else AUDIENCE
    claims = {"sub": user.name, "aud": audience, "iat": now - 7200, "exp": expires}
    if user.credential is Credential.UNSIGNED:
        return jwt.encode(claims, None, algorithm="none")
    key = "a key that is not the one of the service" if user.credential is Credential.FORGED else secret
    token = jwt.encode(claims, key, algorithm="HS256")
    return token[: -len(token) // 4] if user.credential is Credential.TRUNCATED else token


@dataclass(frozen=True, slots=True)
class TokenSignIn:
    """Bearer tokens, valid and invalid, signed with the secret of the service."""

    secret: str
    invalid: frozenset[Credential] = INVALID

    async def headers(self, user: User, http: httpx.AsyncClient) -> Headers:
        """Return what each request of this user carries."""
        token = token_for(user, self.secret)
        return {"authorization": f"Bearer {token}"} if token is not None else {}


@cache
def bundled(secret: str, name: str = "reference", runs_per_user: int = RUNS_PER_USER) -> Adapter:
    """Return the adapter of a bundled backend whose tokens are signed with this secret."""
    return Adapter(
        name=name, sign_in=TokenSignIn(secret), routes=_ROUTES, channels=[_EVENTS], runs_per_user=runs_per_user
    )


def adapter_from_environment() -> Adapter:
    """Return the adapter of a bundled backend whose token secret is in the environment: for other processes.

    Raises:
        AdapterError: it is not there.
    """
    if secret := os.environ.get(SECRET_VARIABLE):
        return bundled(secret)
    raise AdapterError(
        f"no token secret was given, so no user of the bundled backend can sign in: set {SECRET_VARIABLE}"
    )


_PROGRESS = Progress(
    completed=("completed",), failed=("failed", "cancelled", "timed out", "interrupted"), result="result"
)
_PUSHES = Pushes(
    of="run",
    id="run",
    within="thread",
    within_id="thread",
    seq="seq",
    type="type",
    begins=("agent_started",),
    completes=("agent_completed",),
    fails=("agent_error",),
    delivery=Delivery.EXACTLY_ONCE,
)


def _run(name: str, agent: str, text: str, work: Work) -> Route:
    return Route(name, "POST", _RUNS, json={"agent": agent, "text": text}, makes="run", starts=work)


_ROUTES = [
    Route("open_thread", "POST", "/threads", json={"title": "{canary}"}, makes="thread", shows="title"),
    Route("read_thread", "GET", "/threads/{thread}", shows="title"),
    Route("list_threads", "GET", "/threads", lists="thread", shows="title"),
    Route("write_note", "POST", "/notes", json={"text": "{canary}"}, makes="note", shows="text", version="version"),
    Route(
        "read_note",
        "GET",
        "/notes/{note}",
        shows="text",
        version="version",
        newest_of=["write_note", "edit_note"],
    ),
    Route(
        "edit_note",
        "PUT",
        "/notes/{note}",
        json={"text": "{canary}", "version": "{version}"},
        edits=True,
        shows="text",
        version="version",
    ),
    Route("delete_note", "DELETE", "/notes/{note}", deletes=True),
    Route("list_notes", "GET", "/notes", lists="note", shows="text"),
    Route("search_notes", "GET", "/notes", query={"q": "{query}"}, lists="note", shows="text"),
    _run("narrate", "narrator", "{canary}", Work(repeats=True)),
    _run("remember", "notebook", "remember: {canary} | {canary:2}", Work(writes="note")),
    _run("recall", "notebook", "recall: {query}", Work()),
    _run("fail", "faulty", "fail: {canary}", Work(writes="note", fails=True)),
    _run("stall", "faulty", "stall: {canary}", Work(waits=True)),
    Route("read_run", "GET", "/runs/{run}", progress=_PROGRESS),
    Route("cancel_run", "POST", "/runs/{run}/cancel", ends=True),
]
_EVENTS = Channel(
    "events",
    "websocket",
    "/events",
    messages=[
        Message(
            "follow",
            {"action": "follow", "thread": "{thread}"},
            done={"type": "following", "thread": "{thread}"},
            refused={"type": "refused", "thread": "{thread}"},
            subscribes=True,
            seen="after",
        )
    ],
    fence=Message(
        "fence",
        {"action": "unfollow", "thread": "{nonce}"},
        done={"type": "unfollowed", "thread": "{nonce}"},
    ),
    pushes=_PUSHES,
)

BUNDLED = bundled("")
"""The adapter of a bundled backend, for whoever needs no more than what is known of its operations."""
