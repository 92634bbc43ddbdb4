"""Who a request is for: one frozen, validated value that every part of the request is bound to.

Rules:
- A context cannot change once made, nor through anything it holds: its metadata is a deep, read-only copy.
- A placeholder or malformed id is refused, with all problems at once; every legitimate id is accepted.
- A child context never shares nor closes what is its parent's: the session is not inherited.
- Credentials never show in repr(), so they cannot reach a log by way of an error message.

How it works: `__post_init__` validates and freezes, so every way of making one (factory methods,
`dataclasses.replace`, pickle) passes the same gate. Copies are the value itself, since it is immutable.
"""

from __future__ import annotations

import json
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from reference_impl.freezing import freeze_mapping, thaw

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MAX_ID_LENGTH = 200
"""Characters an id may have, at most."""

PLACEHOLDERS = frozenset(
    {
        # what is printed for "no value", in the languages a client may be written in
        "none", "null", "nil", "nan", "undefined", "[object object]",
        # what a template or an example left behind
        "placeholder", "changeme", "todo", "tbd", "xxx", "n/a", "string",
        "user_id", "thread_id", "run_id", "request_id", "your_user_id", "<user_id>", "{user_id}",
        # shared identities that a missing context once fell back to
        "registry", "default", "system", "unknown", "anonymous",
    }
)  # fmt: skip
"""Whole ids, compared without case, that name nobody. An id that merely contains one is legitimate."""

CREDENTIAL_WORDS = (
    "token", "password", "passwd", "passphrase", "secret", "authorization", "api_key", "apikey",
    "cookie", "credential", "private_key", "bearer", "jwt",
)  # fmt: skip
"""A metadata key that contains one of these, without case and with - read as _, is not shown in repr()."""

REDACTED = "[redacted]"
"""What repr() shows instead of a credential."""

_REFUSED_CATEGORIES = {
    "Cc": "a control character",
    "Cs": "a lone surrogate",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


class InvalidContext(ValueError):
    """A context was asked for with ids that cannot name anybody; `problems` lists every one."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep the problems and join them into the message."""
        super().__init__("; ".join(problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type[InvalidContext], tuple[tuple[str, ...]]]:
        """Pickle by the problems, so that the error survives a process boundary."""
        return (type(self), (self.problems,))


def id_problems(name: str, value: object) -> tuple[str, ...]:
    """Say what is wrong with an id, or return () when it is legitimate.

    Args:
        name: what the id is called in the messages, such as "user_id".
        value: the id; legitimate is a string of 1 to `MAX_ID_LENGTH` characters, without surrounding
            whitespace or control characters, that is not exactly one of `PLACEHOLDERS`.
    """
    if not isinstance(value, str):
        return (f"{name} is a {type(value).__name__}, not a string: pass the id as str",)
    if not value.strip():
        return (f"{name} is empty: without it, all such requests would share one identity; pass the real id",)
    problems = []
    if value != value.strip():
        problems.append(f"{name} {value!r} begins or ends with whitespace: two spellings of one id; strip it")
    if len(value) > MAX_ID_LENGTH:
        problems.append(f"{name} has {len(value)} characters: at most {MAX_ID_LENGTH} are allowed; shorten it")
    found = {unicodedata.category(character) for character in value} & _REFUSED_CATEGORIES.keys()
    for category in sorted(found):
        problems.append(f"{name} {value[:40]!r} contains {_REFUSED_CATEGORIES[category]}: remove it")
    if value.casefold() in PLACEHOLDERS:
        problems.append(f"{name} {value!r} is a placeholder that names nobody; pass the real id")
    return tuple(problems)


def fresh_id() -> str:
    """Return an id nobody can guess and nothing else has: 32 hexadecimal characters."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UserExecutionContext:
    """One request of one user: its four ids, its session and what came with it.

    The session is the request's own and is closed by whoever opened it, never by the context. Metadata is
    copied and frozen at any depth. Two contexts are equal when ids and metadata are.

    Raises:
        InvalidContext: an id is malformed or a placeholder; lists all problems of all ids.
        TypeError: metadata holds something that cannot be made immutable.
    """

    user_id: str
    thread_id: str
    run_id: str
    request_id: str
    db_session: AsyncSession | None = field(default=None, compare=False)
    metadata: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Validate all ids, then replace metadata by a frozen copy."""
        problems: list[str] = []
        for name in ("user_id", "thread_id", "run_id", "request_id"):
            problems += id_problems(name, getattr(self, name))
        if problems:
            raise InvalidContext(tuple(problems))
        object.__setattr__(self, "metadata", self.frozen_metadata(self.metadata))

    @staticmethod
    def frozen_metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
        """Return the deep, read-only copy the context keeps."""
        return freeze_mapping(metadata)

    @classmethod
    def for_request(
        cls,
        *,
        user_id: str,
        thread_id: str,
        run_id: str | None = None,
        request_id: str | None = None,
        db_session: AsyncSession | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> UserExecutionContext:
        """Make the context of a new request; ids that are not given are fresh.

        Raises:
            InvalidContext: an id is malformed or a placeholder.
            TypeError: metadata holds something that cannot be made immutable.
        """
        return cls(
            user_id=user_id,
            thread_id=thread_id,
            run_id=fresh_id() if run_id is None else run_id,
            request_id=fresh_id() if request_id is None else request_id,
            db_session=db_session,
            metadata={} if metadata is None else metadata,
        )

    def for_child(
        self,
        *,
        db_session: AsyncSession | None = None,
        run_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> UserExecutionContext:
        """Make a context for work done on behalf of this one: same user and thread, a request id of its own.

        Args:
            db_session: the child's own session; the parent's is never inherited.
            run_id: the run the child works for; the parent's when None.
            metadata: added over the parent's, which stays as it is.
        """
        return type(self)(
            user_id=self.user_id,
            thread_id=self.thread_id,
            run_id=self.run_id if run_id is None else run_id,
            request_id=fresh_id(),
            db_session=db_session,
            metadata={**self.metadata, **(metadata or {})},
        )

    def key(self, *extra: str) -> str:
        """Return a key of this request and `extra` that no other combination of parts can produce.

        A JSON array, because parts joined by a separator collide when a part contains it:
        ("u", "1_t") and ("u_1", "t") are both "u_1_t".
        """
        return json.dumps([self.user_id, self.thread_id, self.run_id, self.request_id, *extra])

    def __repr__(self) -> str:
        """Show ids and metadata, credentials redacted, and whether there is a session."""
        session = "none" if self.db_session is None else "open to this request"
        return (
            f"{type(self).__name__}(user_id={self.user_id!r}, thread_id={self.thread_id!r}, "
            f"run_id={self.run_id!r}, request_id={self.request_id!r}, db_session={session}, "
            f"metadata={_redacted(self.metadata)!r})"
        )

    def __copy__(self) -> UserExecutionContext:
        """Return itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> UserExecutionContext:
        """Return itself: it is immutable at every depth, and its session must not be doubled."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle ids and metadata; the session belongs to this process and is left out."""
        ids = (self.user_id, self.thread_id, self.run_id, self.request_id)
        return (_restored, (type(self), *ids, thaw(self.metadata)))


def _restored(cls: type[UserExecutionContext], *values: object) -> UserExecutionContext:
    user_id, thread_id, run_id, request_id, metadata = cast(Any, values)
    return cls(user_id=user_id, thread_id=thread_id, run_id=run_id, request_id=request_id, metadata=metadata)


def _is_credential(key: object) -> bool:
    name = str(key).casefold().replace("-", "_").replace(" ", "_")
    return any(word in name for word in CREDENTIAL_WORDS)


def _redacted(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: REDACTED if _is_credential(key) else _redacted(item) for key, item in value.items()}
    if isinstance(value, tuple | frozenset):
        return tuple(_redacted(item) for item in value)
    if isinstance(value, str) and value.casefold().startswith(("bearer ", "basic ")):
        return REDACTED
    return value
